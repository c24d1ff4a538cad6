"""`spotter audit`"""

import json
import re
import sys

import click

from bot.settings import StoreSettings, read_part
from storage import audit, catalog
from storage.database import Store


@click.group("audit")
def audit_group() -> None:
    """The audit trail."""


@audit_group.command()
@click.option("--expect", metavar="SEQ:HASH", help="An end that this printed before, or an export tells.")
@click.option("--database-url", help="Another one than DATABASE_URL names.")
def verify(expect: str | None, database_url: str | None) -> None:
    """Check that no row of the trail was changed, removed or reordered.

    That rows were cut off the end is seen only with an end that you kept elsewhere: give it as --expect.
    """
    kept = _end(expect) if expect else None
    asked = StoreSettings(database_url=database_url) if database_url else read_part(StoreSettings)
    store = Store(asked.store_url)
    with store.read() as tx:
        end = audit.end(tx)
        broken = audit.verify(tx, kept=kept)
    if broken:
        sys.exit(f"spotter: the audit trail is broken at row {broken.seq}: {broken.reason}.")
    click.echo(f"The audit trail is whole: {end.seq} rows.")
    click.echo(f"Keep its end elsewhere, so that nobody can cut it short: {end}")


def _end(told: str) -> audit.End:
    if not (parts := re.fullmatch(r"([1-9]\d*):([0-9a-f]{64})", told)):
        sys.exit(
            f"spotter: {told} is no end of a trail. Write it as `spotter audit verify` prints it: SEQ:HASH."
        )
    return audit.End(int(parts[1]), parts[2])


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
    number = catalog.number_of(version)
    if not name or number is None:
        sys.exit(f"spotter: {model} is not a model and its version. Write it as Cap_Detection_Model:4.")
    asked = StoreSettings(database_url=database_url) if database_url else read_part(StoreSettings)
    with Store(asked.store_url).read() as tx:
        end = audit.end(tx)
        found = lineage(tx, name, number)
        broken = audit.verify(tx)
    if found is None:
        sys.exit(f"spotter: nothing is recorded of a model {name} with version {version}.")
    trail = f"broken at row {broken.seq}: {broken.reason}" if broken else "whole"
    told = {"trail": trail, "trail_end": str(end), **record(found)}
    click.echo(html(told, found.pictures) if page else json.dumps(told, indent=2, ensure_ascii=False))
    problems = [f"the audit trail is {told['trail']}"] if broken else []
    problems += [f"changed after it was recorded: {each}" for each in told["contradictions"]]
    if problems:
        sys.exit("\n".join(f"spotter: {each}." for each in problems))
