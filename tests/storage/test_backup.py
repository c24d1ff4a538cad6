"""A backup is taken while Spotter writes, and put back as the page on operations says: nothing that it held is lost,
and a trail that was cut is told from one that was only put back."""

import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from storage import audit, migrate
from storage.audit import End
from storage.database import Store
from tests.postgresql import EMPTY, USER, programs

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BEFORE = 50


def record(store: Store, number: int) -> None:
    with store.write() as tx:
        audit.record(tx, at=AT, actor="U0TRAINER1", action="train.request", subject=f"run-{number}")


@contextmanager
def somebody_writes(store: Store) -> Iterator[None]:
    stop = threading.Event()

    def go_on() -> None:
        number = BEFORE
        while not stop.is_set():
            record(store, number)
            number += 1

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


def put_back(store: Store, kind: str, folder: Path, request: pytest.FixtureRequest) -> Store:
    """What was written while it was being backed up may be in it or not."""
    if kind == "sqlite":
        # as `sqlite3 spotter.db ".backup spotter-backup.db"` does, over the leavings of another database
        target = folder / "restored.db"
        with sqlite3.connect(str(make_url(store.url).database)) as source, sqlite3.connect(target) as copy:
            source.backup(copy)
        return Store(f"sqlite:///{target}")
    there, linked = request.getfixturevalue("cluster").new_database(EMPTY), programs()
    bin_ = (linked / "initdb").resolve().parent if linked else None
    if bin_ is None or not (bin_ / "pg_dump").exists():
        pytest.skip("no pg_dump beside initdb: a backup of PostgreSQL is not tried")

    def run(program: str, url: str, *more: str) -> bytes:
        told = make_url(url)
        where = ["-h", str(told.query["host"]), "-U", USER, "-d", str(told.database)]
        return subprocess.run([bin_ / program, *where, *more], check=True, capture_output=True).stdout

    (folder / "dump").write_bytes(run("pg_dump", store.url, "--format=custom"))
    run("pg_restore", there, "--no-owner", "--exit-on-error", str(folder / "dump"))
    return Store(there)


def test_a_backup_taken_while_it_is_written_to_is_whole(
    store: Store, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for number in range(BEFORE):
        record(store, number)
    with somebody_writes(store):
        restored = put_back(store, kind, tmp_path, request)
    record(store, -1)
    with store.read() as tx:
        last = audit.end(tx)
    migrate.upgrade(restored)
    with restored.read() as tx:
        assert audit.verify(tx) is None
        assert [row.subject for row in audit.rows(tx)][:BEFORE] == [f"run-{n}" for n in range(BEFORE)]
        end = audit.end(tx)
        lost = audit.verify(tx, kept=last)
        assert lost and "missing at the end" in lost.reason
    record(restored, -2)
    with restored.read() as tx:
        assert audit.verify(tx, kept=End(end.seq, end.hash)) is None
    restored.close()
