"""What is remembered of the store: as long as nothing was committed, whoever commits, or the database hangs."""

import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from storage import database, marks, memory, migrate
from storage.database import Store

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with other work a question may take long."""
    monkeypatch.setattr(memory, "PATIENCE", 60.0)


class Asker:
    """Asks a store for one mark, and counts how often it had to look."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.looked = 0

    def __call__(self) -> str | None:
        def look(tx: Connection) -> str | None:
            self.looked += 1
            return marks.get(tx, "mark")

        return self.store.recall("mark", look)


def put(store: Store, value: str) -> None:
    with store.write() as tx:
        marks.put(tx, "mark", value, AT)


def comes_true(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_this_process_commits_is_known_at_once(store: Store) -> None:
    ask = Asker(store)
    assert ask() is None
    for value in ("one", "two"):
        put(store.guarded(lambda _tx: None), value)
        assert ask() == value


def test_an_answer_that_was_on_its_way_while_something_was_committed_is_not_kept(store: Store) -> None:
    def slowly(tx: Connection) -> str | None:
        found = marks.get(tx, "mark")
        put(store, "newer")
        return found

    assert store.recall("mark", slowly) is None
    assert Asker(store)() == "newer"


def test_what_another_process_commits_is_known_within_a_second_or_so(store: Store) -> None:
    other = Store(store.url)
    ask = Asker(store)
    assert ask() is None
    put(other, "theirs")
    comes_true(lambda: ask() == "theirs")
    other.close()


def test_sqlite_is_not_asked_again_while_nobody_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "FRESH_SECONDS", 0.0)
    store = Store(f"sqlite:///{tmp_path / 'spotter.db'}")
    migrate.upgrade(store)
    ask = Asker(store)
    ask()
    ask()  # what was committed before the first question was news to it
    looked = ask.looked
    for _ in range(100):
        ask()
    assert ask.looked == looked
    put(store, "ours")
    assert ask() == "ours"
    store.close()


def test_few_answers_are_kept(store: Store) -> None:
    for number in range(memory.MOST_ANSWERS * 3):
        assert store.recall(number, lambda tx, number=number: number) == number  # type: ignore[misc]  # bound now
    assert len(store._memory._answers) <= memory.MOST_ANSWERS


def test_what_cannot_begin_to_write_makes_nothing_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.0)
    monkeypatch.setattr(memory, "FRESH_SECONDS", 0.0)
    store = Store(f"sqlite:///{tmp_path / 'spotter.db'}")
    migrate.upgrade(store)
    put(store, "known")
    ask = Asker(store)
    assert ask() == ask() == "known"
    looked = ask.looked
    file = sqlite3.connect(tmp_path / "spotter.db", isolation_level=None)
    file.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError):
        put(store, "never written")
    assert ask() == "known"
    assert ask.looked == looked
    file.execute("ROLLBACK")
    file.close()
    store.close()


@pytest.mark.parametrize("kind", ["postgresql"])
def test_what_was_known_is_told_where_postgresql_does_not_answer(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, "known")
    ask = Asker(store)
    assert ask() == "known"
    other = Store(store.url)
    with other.engine.begin() as tx:
        tx.execute(text("LOCK TABLE marks IN ACCESS EXCLUSIVE MODE"))
        marks.put(tx, "mark", "newer", AT)
        monkeypatch.setattr(memory, "PATIENCE", 0.1)
        for _ in range(memory.MOST_ASKED * 2):
            store._memory.forget()
            assert ask() == "known"
        comes_true(lambda: ask.looked == 1 + memory.MOST_ASKED)
        monkeypatch.setattr(memory, "PATIENCE", 60.0)
    comes_true(lambda: ask() == "newer")
    other.close()


@pytest.mark.parametrize("may_hang", [False, True])
def test_what_was_known_is_told_where_asking_anew_fails_but_not_that_nothing_was_there(
    *, may_hang: bool
) -> None:
    known = memory.Memory(lambda: False, may_hang=may_hang)

    def fails() -> str:
        raise OperationalError("SELECT", {}, ConnectionError("the server is gone"))

    assert known.answer("some", lambda: "known") == "known"
    assert known.answer("none", lambda: "") == ""
    known.forget()
    assert known.answer("some", fails) == "known"
    with pytest.raises(OperationalError):
        known.answer("none", fails)


def test_a_store_that_is_closed_leaves_no_log_of_what_was_written(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'spotter.db'}")
    migrate.upgrade(store)
    put(store, "known")
    store._memory._looked = -memory.FRESH_SECONDS  # it looks whether others have written
    assert Asker(store)() == "known"
    assert (tmp_path / "spotter.db-wal").exists()
    store.close()
    assert not (tmp_path / "spotter.db-wal").exists()
