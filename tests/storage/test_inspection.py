"""Looking into a database without leaving a trace."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from storage import audit, inspection, migrate, tables
from storage.claim import StoreInUse, file_of
from storage.database import Store


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'a folder' / 'spotter.db'}"


def filled(url: str, rows: int = 5) -> Store:
    Path(url.removeprefix("sqlite:///")).parent.mkdir()
    store = Store(url)
    migrate.upgrade(store)
    with store.write() as tx:
        for number in range(rows):
            audit.record(tx, at=datetime.now(UTC), actor="U1", action="train", subject=f"run {number}")
    return store


def trace(url: str) -> dict[str, str]:
    folder = Path(url.removeprefix("sqlite:///")).parent
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


def test_a_database_that_rests_is_read_and_left_as_it_is(url: str) -> None:
    filled(url).close()
    before = trace(url)
    with inspection.looking(url) as tx:
        assert migrate.stored(tx) == migrate.newest()
        assert audit.verify(tx) is None
        assert not inspection.is_in_use(url, tx)
        with pytest.raises(OperationalError, match="readonly"):
            tx.execute(text("DELETE FROM audit"))
    assert trace(url) == before


def test_a_database_in_use_shows_what_was_written_last_and_who_is_there(url: str) -> None:
    store = filled(url)
    store.claim()
    with store.write() as tx:
        audit.record(tx, at=datetime.now(UTC), actor="U1", action="train", subject="last")
    before = trace(url)
    with inspection.looking(url) as tx:
        assert [row.subject for row in audit.rows(tx, after=5)] == ["last"]
        assert inspection.is_in_use(url, tx)
    assert trace(url) | {"spotter.db-shm": ""} == before | {"spotter.db-shm": ""}
    with pytest.raises(StoreInUse):
        Store(url).claim()
    store.close()
    with inspection.looking(url) as tx:
        assert not inspection.is_in_use(url, tx)


def test_no_file_is_made_where_there_is_none(url: str, tmp_path: Path) -> None:
    (tmp_path / "a folder").mkdir()
    with pytest.raises(OperationalError), inspection.looking(url):
        pass
    assert trace(url) == {}


def test_the_newest_rows_of_the_trail_are_enough_to_find_a_change_in_them(url: str) -> None:
    store = filled(url, rows=9)
    with store.write() as tx:
        tx.execute(update(tables.audit).where(tables.audit.c.seq == 3).values(actor="U2"))
    with store.read() as tx:
        assert audit.verify(tx, newest=6) is None
        broken = audit.verify(tx, newest=7)
        assert broken and broken.seq == 3
        assert audit.verify(tx, newest=100) == broken == audit.verify(tx)
    store.close()


@pytest.mark.parametrize(
    "rest",
    [
        ":///spotter.db",
        ":////var/lib/#1/spotter%20db?timeout=9",
        "+pysqlite:///a#b.db",
        ":///:memory:",
        "://",
    ],
)
def test_the_file_is_what_sqlalchemy_opens(rest: str) -> None:
    named = make_url(f"sqlite{rest}").database
    assert file_of(f"sqlite{rest}") == (Path(named) if named else None)


def test_another_database_and_what_is_no_address_have_no_file() -> None:
    assert file_of("postgresql+psycopg://spotter@host/sqlite") is None
    assert file_of("spotter.db") is None
