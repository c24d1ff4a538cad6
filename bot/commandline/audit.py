"""`spotter audit`"""

import sys

import click

from bot.settings import StoreSettings, read_part
from storage import audit
from storage.database import Store


@click.group("audit")
def audit_group() -> None:
    """The audit trail."""


@audit_group.command()
@click.option("--database-url", help="Another one than DATABASE_URL names.")
def verify(database_url: str | None) -> None:
    """Check that no row of the trail was changed, removed or reordered."""
    asked = StoreSettings(database_url=database_url) if database_url else read_part(StoreSettings)
    store = Store(asked.store_url)
    with store.read() as tx:
        broken = audit.verify(tx)
        rows = sum(1 for _ in audit.rows(tx))
    if broken:
        sys.exit(f"spotter: the audit trail is broken at row {broken.seq}: {broken.reason}.")
    click.echo(f"The audit trail is whole: {rows} rows.")
