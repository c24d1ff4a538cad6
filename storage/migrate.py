"""Brings a database to the newest schema, and tells how far one is."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from storage.database import Store

SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(store: Store, revision: str = "head") -> None:
    """Run the migrations that are missing, each in its own transaction."""
    with store.write() as tx:
        config = _config()
        config.attributes["connection"] = tx
        command.upgrade(config, revision)


def current(store: Store) -> str | None:
    """The schema's revision, None for an empty database."""
    with store.read() as tx:
        return MigrationContext.configure(tx).get_current_revision()


def newest() -> str | None:
    """The revision that this version of Spotter wants."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return config
