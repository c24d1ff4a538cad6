"""Small durable marks: what Spotter did once and must not do again, and deliveries already taken."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, insert, select

from storage.database import Store
from storage.rows import insert_once
from storage.tables import deliveries, marks

KEEP_DELIVERIES = timedelta(days=2)
# made once, for making them takes longer than the database does
_VALUE = select(marks.c.value).where(marks.c.key == bindparam("key"))
_REMOVE, _ADD = delete(marks).where(marks.c.key == bindparam("key")), insert(marks)


def first_delivery(tx: Connection, key: str, at: datetime) -> bool:
    """Whether this delivery (event id, trigger id, view id) is seen for the first time; remembers it."""
    return insert_once(tx, deliveries, {"key": key, "at": at})


def forget_old_deliveries(tx: Connection, now: datetime) -> None:
    tx.execute(delete(deliveries).where(deliveries.c.at < now - KEEP_DELIVERIES))


def get(tx: Connection, key: str) -> str | None:
    return tx.execute(_VALUE, {"key": key}).scalar_one_or_none()


def keep(store: Store, key: str, value: str, at: datetime) -> None:
    """As `put`, but nothing is written where that is the value already: a write keeps others waiting."""
    with store.read() as tx:
        is_there = get(tx, key) == value
    if not is_there:
        with store.write() as tx:
            put(tx, key, value, at)


def put(tx: Connection, key: str, value: str, at: datetime) -> None:
    tx.execute(_REMOVE, {"key": key})
    tx.execute(_ADD, {"key": key, "value": value, "at": at})
