"""Small durable marks: what Spotter did once and must not do again, and deliveries already taken."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, insert, select

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


def put(tx: Connection, key: str, value: str, at: datetime) -> None:
    tx.execute(_REMOVE, {"key": key})
    tx.execute(_ADD, {"key": key, "value": value, "at": at})
