"""`spotter audit`"""

import json
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


@audit_group.command("export")
@click.option("--model", required=True, metavar="NAME:VERSION")
@click.option("--page", is_flag=True, help="A page for people (HTML) instead of JSON.")
@click.option("--database-url", help="Another one than DATABASE_URL names.")
def export_model(model: str, page: bool, database_url: str | None) -> None:
    """Print all that is recorded about a model version: data, training, decisions, devices, and the audit rows.

    Also one that the registry does not have any more. Fails where a row of the trail was changed, or where a request
    or a decision is not what the trail says of it.
    """
    from bot.commandline.audit_page import html
    from commands.models.lineage import lineage, record

    name, _, version = model.rpartition(":")
    if not name or not version.removeprefix("v").isdigit():
        sys.exit(f"spotter: {model} is not a model and its version. Write it as Cap_Detection_Model:4.")
    asked = StoreSettings(database_url=database_url) if database_url else read_part(StoreSettings)
    with Store(asked.store_url).read() as tx:
        found = lineage(tx, name, int(version.removeprefix("v")))
        broken = audit.verify(tx)
    if found is None:
        sys.exit(f"spotter: nothing is recorded of a model {name} with version {version}.")
    told = {"trail": f"broken at row {broken.seq}: {broken.reason}" if broken else "whole", **record(found)}
    click.echo(html(told) if page else json.dumps(told, indent=2, ensure_ascii=False))
    problems = [f"the audit trail is {told['trail']}"] if broken else []
    problems += [f"changed after it was recorded: {each}" for each in told["contradictions"]]
    if problems:
        sys.exit("\n".join(f"spotter: {each}." for each in problems))
