"""A table whose rows are read and written as one dataclass."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy import Connection, Select, Table, select, update
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from sqlalchemy.dialects import postgresql

T = TypeVar("T", bound="DataclassInstance")


class Rows(Generic[T]):
    """The rows of `table`, each a `kind`. Where rows are asked for by key, the table has one key column."""

    def __init__(self, table: Table, kind: type[T]) -> None:
        self._table = table
        self._kind = kind

    def add(self, tx: Connection, row: T) -> bool:
        """Store a new row; False where it is known already, as `insert_once` tells."""
        return insert_once(tx, self._table, vars(row))

    def get(self, tx: Connection, key: object) -> T | None:
        return self.first(tx, select(self._table).where(self._key == key))

    def change(self, tx: Connection, key: object, **columns: Any) -> T:
        """Change some columns of a row that is there, and return it as it is now."""
        if columns:
            tx.execute(update(self._table).where(self._key == key).values(**columns))
        found = self.get(tx, key)
        if found is None:
            raise LookupError(key)
        return found

    def all(self, tx: Connection, query: Select[Any]) -> list[T]:
        return [self._kind(**row) for row in tx.execute(query).mappings()]

    def first(self, tx: Connection, query: Select[Any]) -> T | None:
        row = tx.execute(query.limit(1)).first()
        return self._kind(**row._mapping) if row else None

    @property
    def _key(self) -> Any:
        (key,) = self._table.primary_key
        return key


def insert_once(tx: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """False, and nothing is changed, where a row with this key, or with another value that must be unique, is there."""
    wish = _insert(tx, table).values(**values).on_conflict_do_nothing().returning(*table.primary_key)
    return tx.execute(wish).first() is not None


def _insert(tx: Connection, table: Table) -> "postgresql.Insert | sqlite.Insert":
    if tx.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # who has SQLite need not wait for it at every start

        return postgresql.insert(table)
    return sqlite.insert(table)
