"""Every migration keeps what each earlier version has stored, and lets that version write on beside the new one."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    insert,
    select,
    update,
)

from storage import migrate
from storage.database import Store

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EARLIER = [f"{number:04}" for number in range(1, int(migrate.newest()))]


class Earlier:
    """A version of Spotter that knows the tables of its revision, and no others. It writes rows made from numbers."""

    def __init__(self, store: Store, revision: str) -> None:
        self.store = store
        migrate.upgrade(store, revision)
        known = MetaData()
        with store.read() as tx:
            known.reflect(tx)
        self.tables = [table for table in known.sorted_tables if table.name != "alembic_version"]

    def adds(self, number: int) -> None:
        with self.store.write() as tx:
            for table in self.tables:
                tx.execute(insert(table).values(row(table, number)))

    def changes(self, before: int, after: int) -> None:
        with self.store.write() as tx:
            for table in self.tables:
                of = row(table, before)
                same = [column == of[column.name] for column in table.primary_key]
                assert tx.execute(update(table).where(*same).values(row(table, after))).rowcount == 1

    def stored(self) -> dict[str, list[tuple[Any, ...]]]:
        with self.store.read() as tx:
            return {table.name: sorted(rows(tx, table), key=repr) for table in self.tables}


def rows(tx: Connection, table: Table) -> Iterator[tuple[Any, ...]]:
    yield from (tuple(found) for found in tx.execute(select(table)))


def row(table: Table, number: int) -> dict[str, Any]:
    return {column.name: value(column, number) for column in table.columns}


def value(column: Column[Any], number: int) -> Any:
    kinds: dict[type, Any] = {
        JSON: {"number": number},
        Boolean: number % 2 == 0,
        DateTime: NOON.replace(second=number % 60, microsecond=number),
        Float: number / 2,
        Integer: number,
        LargeBinary: bytes([number % 256]),
        String: f"{column.name[:8]} {number}",
    }
    return next(made for kind, made in kinds.items() if isinstance(column.type, kind))


@pytest.mark.parametrize("revision", EARLIER)
def test_what_a_version_has_stored_is_kept_and_it_goes_on_writing(empty: Store, revision: str) -> None:
    earlier = Earlier(empty, revision)
    earlier.adds(1)
    earlier.adds(2)
    before = earlier.stored()
    assert all(len(found) == 2 for found in before.values())

    migrate.upgrade(empty)

    assert migrate.current(empty) == migrate.newest()
    assert earlier.stored() == before
    migrate.upgrade(empty, revision)  # as it does when it is started again
    earlier.adds(3)
    earlier.changes(1, 4)
    assert all(len(found) == 3 for found in earlier.stored().values())
    assert migrate.current(empty) == migrate.newest()


@pytest.mark.parametrize("kind", ["postgresql"])
def test_a_version_writes_without_a_break_while_it_is_migrated_from(empty: Store) -> None:
    earlier = Earlier(Store(empty.url), EARLIER[0])
    migrated, written = threading.Event(), [0]

    def goes_on() -> None:
        while not migrated.is_set() or written[0] < 3:
            earlier.adds(written[0])
            written[0] += 1

    writer = threading.Thread(target=goes_on)
    writer.start()
    while not written[0]:
        assert writer.is_alive()
    migrate.upgrade(empty)
    migrated.set()
    writer.join()
    assert all(len(found) == written[0] for found in earlier.stored().values())
    earlier.store.close()
