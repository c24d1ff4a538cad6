"""Rows that are made once, however often they are asked for."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql


def insert_once(tx: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """False, and nothing is changed, where a row with this key, or with another value that must be unique, is there."""
    wish = _insert(tx, table).values(**values).on_conflict_do_nothing().returning(*table.primary_key)
    return tx.execute(wish).first() is not None


def _insert(tx: Connection, table: Table) -> "postgresql.Insert | sqlite.Insert":
    if tx.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # who has SQLite need not wait for it at every start

        return postgresql.insert(table)
    return sqlite.insert(table)
