"""Brings a database to the newest schema, and tells how far one is.

Alembic is imported only where a migration has to run: it would be a tenth of the time that the bot takes to start.
"""

from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    insert,
    inspect,
    select,
)

from storage.database import Store
from storage.tables import metadata

MIGRATION_SECONDS = 120  # another replica may be at it
SCRIPTS = Path(__file__).parent / "migrations"
_stamp = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32)),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def upgrade(store: Store, revision: str | None = None) -> None:
    """Run the migrations that are missing, in one transaction; an empty database gets the newest tables at once.

    A newer schema is left as it is: it only has more than this version of Spotter knows."""
    wanted = revision or newest()
    if (current(store) or "") >= wanted:
        return
    with store.write(patience=MIGRATION_SECONDS) as tx:
        if not inspect(tx).get_table_names() and revision is None:
            metadata.create_all(tx, checkfirst=False)
            _stamp.create(tx)
            tx.execute(insert(_stamp).values(version_num=wanted))
        elif stored(tx) != wanted:
            _migrate(tx, wanted)


def current(store: Store) -> str | None:
    """The schema's revision, None for an empty database."""
    with store.read() as tx:
        return stored(tx)


def newest() -> str:
    """The revision that this version of Spotter wants: migrations are named by their number."""
    return max(script.name[:4] for script in (SCRIPTS / "versions").glob("[0-9]*.py"))


def stored(tx: Connection) -> str | None:
    """The same, as a transaction sees it."""
    return tx.execute(select(_stamp.c.version_num)).scalar() if inspect(tx).has_table(_stamp.name) else None


def _migrate(tx: Connection, revision: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = tx
    command.upgrade(config, revision)
