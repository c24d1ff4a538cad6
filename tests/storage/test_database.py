"""The store: one process at a time on SQLite, migrations from nothing to the tables, times that keep their zone."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlalchemy.exc import StatementError

from storage import marks, messages, migrate
from storage.database import Store, StoreInUse
from storage.tables import metadata


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(f"sqlite:///{tmp_path / 'spotter.db'}")
    migrate.upgrade(store)
    return store


def test_migrations_make_exactly_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'old.db'}")
    migrate.upgrade(store, "0001")
    migrate.upgrade(store)
    assert migrate.current(store) == migrate.newest() == _head()
    with store.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx), metadata) == []


def test_a_new_database_is_what_all_migrations_would_have_made(store: Store, tmp_path: Path) -> None:
    migrated = Store(f"sqlite:///{tmp_path / 'migrated.db'}")
    migrate.upgrade(migrated, "0001")
    migrate.upgrade(migrated)
    assert _schema(store) == _schema(migrated)
    assert migrate.current(store) == migrate.newest()


def _schema(store: Store) -> dict[str, Any]:
    """Everything that stands in a database but rows: tables part by part, views and triggers by their text."""
    with store.read() as tx:
        found = inspect(tx)
        tables = {
            name: {
                "columns": sorted(
                    (column["name"], str(column["type"]), column["nullable"], column["default"])
                    for column in found.get_columns(name)
                ),
                "key": found.get_pk_constraint(name)["constrained_columns"],
                "indexes": sorted(
                    (index["name"], index["column_names"], index["unique"])
                    for index in found.get_indexes(name)
                ),
                "unique": sorted(each["column_names"] for each in found.get_unique_constraints(name)),
                "foreign": found.get_foreign_keys(name),
                "checks": found.get_check_constraints(name),
            }
            for name in found.get_table_names()
        }
        query = "SELECT name, sql FROM sqlite_master WHERE type NOT IN ('table', 'index') ORDER BY name"
        return {**tables, "": [tuple(row) for row in tx.exec_driver_sql(query)]}


def _head() -> str | None:
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    return ScriptDirectory.from_config(config).get_current_head()


def test_a_second_process_is_refused_and_told_why(store: Store) -> None:
    store.claim()
    second = Store(store.url)
    with pytest.raises(StoreInUse, match="Another Spotter is using"):
        second.claim()
    store.close()
    second.claim()
    second.close()


def test_times_come_back_in_utc_and_a_time_without_zone_is_refused(store: Store) -> None:
    here = datetime(2026, 11, 22, 14, 5, tzinfo=timezone(timedelta(hours=2)))
    with store.write() as tx:
        marks.put(tx, "seen", "yes", here)
        messages.want(tx, "k", channel="C1", content={"text": "t", "blocks": []}, at=here)
        wanted = messages.get(tx, "k")
    assert wanted is not None
    assert wanted.wanted_at == here
    assert wanted.wanted_at.tzinfo is UTC
    with pytest.raises(StatementError), store.write() as tx:
        marks.put(tx, "seen", "no", datetime(2026, 11, 22))  # noqa: DTZ001  a time without a zone is the point


def test_a_delivery_is_first_only_once(store: Store) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    with store.write() as tx:
        assert marks.first_delivery(tx, "event:1", now)
        assert not marks.first_delivery(tx, "event:1", now)
        marks.forget_old_deliveries(tx, now + timedelta(days=3))
        assert marks.first_delivery(tx, "event:1", now)


def test_wanting_the_same_again_is_no_new_wish(store: Store) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    one, two = {"text": "one", "blocks": []}, {"text": "two", "blocks": []}
    with store.write() as tx:
        assert messages.want(tx, "k", channel="C1", content=one, at=now)
        assert not messages.want(tx, "k", channel="C1", content=one, at=now)
        assert messages.want(tx, "k", channel="C1", content=two, at=now)
        (due,) = messages.due(tx, now)
    assert due.wanted == two
    assert due.wanted_revision == 2


def test_urgent_messages_are_due_before_older_ones(store: Store) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    content = {"text": "t", "blocks": []}
    with store.write() as tx:
        messages.want(tx, "progress", channel="C1", content=content, at=now)
        messages.want(tx, "decision", channel="C1", content=content, at=now, urgency=messages.DECISION)
        messages.want(tx, "later", channel="C1", content=content, at=now)
        messages.change(tx, "later", next_try_at=now + timedelta(minutes=1))
        assert [message.key for message in messages.due(tx, now)] == ["decision", "progress"]
