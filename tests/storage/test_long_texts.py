"""What others wrote may be longer than any column: it is cut in either database, found again, and stops nothing."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Float, Integer, LargeBinary, Text, insert, select

from storage import audit
from storage.database import Store
from storage.tables import Short, UtcDateTime, metadata

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
LONG = "ü'\"%_;--\\" * 2500
A_VALUE_OF: dict[type, Any] = {
    Short: LONG,
    Text: LONG,
    UtcDateTime: AT,
    JSON: {"a": [LONG, "\0", "\ud800"]},
    Boolean: True,
    Integer: 2**31 - 1,
    Float: 0.5,
    LargeBinary: b"\0",
}


def value_of(column: Column[Any]) -> Any:
    return next(value for kind, value in A_VALUE_OF.items() if isinstance(column.type, kind))


def test_every_column_takes_any_text_and_finds_it_again(store: Store) -> None:
    for table in metadata.sorted_tables:
        row = {column.name: value_of(column) for column in table.columns}
        with store.write() as tx:
            tx.execute(insert(table).values(**row))
            asked = [column == row[column.name] for column in table.primary_key]
            (there,) = tx.execute(select(table).where(*asked)).mappings()
        for column in table.columns:
            kept = row[column.name]
            if isinstance(column.type, Short):
                kept = kept[: column.type.length]
            assert there[column.name] == kept, column


def test_the_trail_stays_whole_whatever_it_is_about(store: Store) -> None:
    with store.write() as tx:
        audit.record(tx, at=AT, actor="spotter", action="model.announce", subject=LONG, name=LONG)
        assert audit.verify(tx) is None
        (row,) = audit.rows(tx, subject=LONG)
    assert LONG.startswith(row.subject)
