"""A table whose rows are read and written as one dataclass."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy import (
    CTE,
    Column,
    ColumnElement,
    Connection,
    Result,
    Select,
    Table,
    bindparam,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from sqlalchemy.sql.dml import ReturningInsert

T = TypeVar("T", bound="DataclassInstance")


class Rows(Generic[T]):
    """The rows of `table`, each a `kind`. Where rows are asked for by key, the table has one key column."""

    def __init__(self, table: Table, kind: type[T]) -> None:
        self._table = table
        self._kind = kind
        self._defaults = {field.name: field.default for field in fields(kind) if field.default is not MISSING}
        key, *others = table.primary_key
        # made once, for making it takes longer than the database does
        self._of_key = None if others else select(table).where(key == bindparam("key"))
        self._change = None if others else update(table).where(key == bindparam("changed")).returning(table)

    def add(self, tx: Connection, row: T) -> bool:
        """Store a new row; False where it is known already, as `insert_once` tells."""
        return insert_once(tx, self._table, vars(row))

    def get(self, tx: Connection, key: object) -> T | None:
        assert self._of_key is not None  # noqa: S101  as said above
        return self._only(tx.execute(self._of_key, {"key": key}))

    def change(self, tx: Connection, key: object, **columns: Any) -> T:
        """Change some columns of a row that is there, and return it as it is now."""
        if columns:
            assert self._change is not None  # noqa: S101  as said above
            found = self._only(tx.execute(self._change, {"changed": key, **columns}))
        else:
            found = self.get(tx, key)
        if found is None:
            raise LookupError(key)
        return found

    def without(self, *columns: str) -> Select[Any]:
        """The rows without these columns, which have their defaults then: large ones take most of the time."""
        return select(*(column for column in self._table.c if column.name not in columns))

    def all(self, tx: Connection, query: Select[Any], given: Mapping[str, Any] | None = None) -> list[T]:
        found = tx.execute(query, given)
        return list(self._made(tuple(found.keys()), found.all()))

    def first(self, tx: Connection, query: Select[Any]) -> T | None:
        return self._only(tx.execute(query.limit(1)))

    def one(self, tx: Connection, query: Select[Any], given: Mapping[str, Any]) -> T | None:
        """Of a question that finds one at most, and is written once: writing it takes longer than its answer."""
        return self._only(tx.execute(query, given))

    def _only(self, found: Result[Any]) -> T | None:
        return next(self._made(tuple(found.keys()), found.all()), None)

    def _made(self, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[T]:
        """Filled at once: the constructor of a frozen dataclass sets field by field, which takes as long as to read
        the row."""
        for row in rows:
            made = object.__new__(self._kind)
            made.__dict__.update(self._defaults)
            made.__dict__.update(zip(names, row, strict=True))
            yield made


def each_of(column: Column[str], *those: ColumnElement[bool]) -> CTE:
    """Each value of a column once, and NULL at the end: by a step from one to the next, so that an index that begins
    with it tells few values of many rows at once."""
    value = select(func.min(column).label("value")).where(*those).cte(f"each_{column.name}", recursive=True)
    following = select(func.min(column)).where(column > value.c.value, *those).scalar_subquery()
    return value.union_all(select(following).where(value.c.value.is_not(None)))


def one_of(keys: Collection[tuple[Any, Any]], first: Column[Any], second: Column[Any]) -> ColumnElement[bool]:
    """Whether two columns are one of these pairs. SQLite finds no pairs by an index, but each column's values."""
    firsts, seconds = (sorted({key[place] for key in keys}) for place in (0, 1))
    return first.in_(firsts) & second.in_(seconds) & tuple_(first, second).in_(keys)


def insert_once(tx: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """False, and nothing is changed, where a row with this key, or with another value that must be unique, is there."""
    return tx.execute(_insert(tx.dialect.name, table), dict(values)).first() is not None


@cache
def _insert(dialect: str, table: Table) -> "ReturningInsert[Any]":
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # who has SQLite need not wait for it at every start

        return postgresql.insert(table).on_conflict_do_nothing().returning(*table.primary_key)
    return sqlite.insert(table).on_conflict_do_nothing().returning(*table.primary_key)
