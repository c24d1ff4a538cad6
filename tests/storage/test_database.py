"""The store, on SQLite and PostgreSQL: who may use it, migrations from nothing to the tables, times with their zone."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlalchemy.exc import StatementError

from storage import marks, messages, migrate
from storage.claim import StoreInUse
from storage.database import Store
from storage.tables import metadata

OTHERS = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type NOT IN ('table', 'index') ORDER BY name",
    "postgresql": "SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgname",
}


def test_a_new_database_is_what_all_migrations_make_and_the_code_uses(store: Store, empty: Store) -> None:
    migrate.upgrade(empty, "0001")
    migrate.upgrade(empty)
    assert migrate.current(empty) == migrate.newest() == _head()
    with empty.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx), metadata) == []
    assert _schema(store) == _schema(empty)
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
                    (
                        index["name"],
                        index["column_names"],
                        index["unique"],
                        sorted(index.get("dialect_options") or {}),
                    )
                    for index in found.get_indexes(name)
                ),
                "unique": sorted(each["column_names"] for each in found.get_unique_constraints(name)),
                "foreign": found.get_foreign_keys(name),
                "checks": found.get_check_constraints(name),
            }
            for name in found.get_table_names()
        }
        others = tx.exec_driver_sql(OTHERS[tx.dialect.name])
        return {**tables, "": [found.get_view_names(), *map(tuple, others)]}


def _head() -> str | None:
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    return ScriptDirectory.from_config(config).get_current_head()


@pytest.mark.parametrize("kind", ["sqlite"])
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
