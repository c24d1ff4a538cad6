"""`spotter audit`"""

import sys

import click

from storage import audit
from storage.database import Store


@click.group("audit")
def audit_group() -> None:
    """The audit trail."""


@audit_group.command()
@click.option("--database-url", envvar="DATABASE_URL", default="sqlite:///spotter.db", show_default=True)
def verify(database_url: str) -> None:
    """Check that no row of the trail was changed, removed or reordered."""
    store = Store(database_url)
    with store.read() as tx:
        broken = audit.verify(tx)
        rows = sum(1 for _ in audit.rows(tx))
    if broken:
        sys.exit(f"spotter: the audit trail is broken at row {broken.seq}: {broken.reason}.")
    click.echo(f"The audit trail is whole: {rows} rows.")
