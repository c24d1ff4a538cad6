"""`spotter audit`"""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from bot.settings import StoreSettings, read_part
from storage import audit, catalog, migrate
from storage.claim import file_of
from storage.database import Store
from storage.inspection import looking

ANOTHER = "Name the right one in DATABASE_URL, or give it as --database-url."


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
    with _trail(database_url) as tx:
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


@audit_group.command()
@click.option(
    "--model", metavar="NAME:VERSION", help="What is recorded about it, instead of the whole trail."
)
@click.option("--page", is_flag=True, help="Of a model: a page for people (HTML) instead of JSON.")
@click.option("--database-url", help="Another one than DATABASE_URL names.")
def export(model: str | None, page: bool, database_url: str | None) -> None:
    """Print the trail, a row on each line as JSON, and its end on the last line.

    With --model: all that is recorded about a model version: data, training, decisions, devices, and the audit rows.
    Also one that the registry does not have any more.

    Fails where a row of the trail was changed, or where a request or a decision is not what the trail says of it.
    """
    if page and not model:
        raise click.UsageError("--page is of a model: name it with --model.")
    with _trail(database_url) as tx:
        problems = _export_model(tx, model, page) if model else _export_trail(tx)
    if problems:
        sys.exit("\n".join(f"spotter: {each}." for each in problems))


def _export_trail(tx: Connection) -> list[str]:
    """What is wrong with it."""
    for row in audit.rows(tx):
        click.echo(json.dumps({**vars(row), "at": row.at.isoformat(timespec="microseconds")}))
    trail, problems = _state(tx)
    click.echo(json.dumps({"trail": trail, "trail_end": str(audit.end(tx))}))
    return problems


def _export_model(tx: Connection, model: str, page: bool) -> list[str]:
    """What is wrong with what is told."""
    from bot.commandline.audit_page import html
    from commands.models.lineage import lineage, record

    name, _, version = model.rpartition(":")
    number = catalog.number_of(version)
    if not name or number is None:
        sys.exit(f"spotter: {model} is not a model and its version. Write it as Cap_Detection_Model:4.")
    found = lineage(tx, name, number)
    if found is None:
        sys.exit(f"spotter: nothing is recorded of a model {name} with version {version}.")
    trail, problems = _state(tx)
    told = {"trail": trail, "trail_end": str(audit.end(tx)), **record(found)}
    click.echo(html(told, found.pictures) if page else json.dumps(told, indent=2, ensure_ascii=False))
    return problems + [f"changed after it was recorded: {each}" for each in told["contradictions"]]


def _state(tx: Connection) -> tuple[str, list[str]]:
    """How the trail is, and that as a problem where it is not whole."""
    broken = audit.verify(tx)
    if broken is None:
        return "whole", []
    trail = f"broken at row {broken.seq}: {broken.reason}"
    return trail, [f"the audit trail is {trail}"]


@contextmanager
def _trail(database_url: str | None) -> Iterator[Connection]:
    """A consistent view of a database that has a trail, at which it looks first without making anything."""
    asked = StoreSettings(database_url=database_url) if database_url else read_part(StoreSettings)
    try:
        file = file_of(asked.store_url)
        if file and not file.is_file():
            sys.exit(f"spotter: there is no database {file}. {ANOTHER}")
        with looking(asked.store_url) as tx:
            revision = migrate.stored(tx)
        if revision is None:
            sys.exit(f"spotter: the database has no audit trail: no Spotter has used it. {ANOTHER}")
        with Store(asked.store_url).read() as tx:
            yield tx
    except (SQLAlchemyError, ModuleNotFoundError) as fault:
        from bot.doctor.database import explain

        if found := explain(fault):
            sys.exit(f"spotter: {found.seen.removesuffix('.')}. {found.remedy}")
        raise
