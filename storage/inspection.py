"""A look at a database that changes nothing, makes no file, and disturbs no Spotter that uses it."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import URL, make_url

from storage.claim import file_of, lock_of, locked
from storage.database import ONLY_ONE

BUSY_SECONDS = 2
CONNECT_SECONDS = 5
STATEMENT_MILLISECONDS = 8000


@contextmanager
def looking(url: str) -> Iterator[Connection]:
    """A connection that can only read. Raises sqlalchemy's DBAPIError where there is no database."""
    file = file_of(url)
    engine = _sqlite(file) if file else _postgresql(make_url(url))
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def is_in_use(url: str, tx: Connection) -> bool:
    """Whether a Spotter has claimed the database."""
    file = file_of(url)
    if file is None:
        held = text(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
            " WHERE locktype = 'advisory' AND objid = :key AND granted AND datname = current_database()"
        )
        return bool(tx.execute(held, {"key": ONLY_ONE}).scalar_one())
    if not lock_of(file).exists():
        return False
    with lock_of(file).open() as lock:
        return not locked(lock, fcntl.LOCK_SH)


def _sqlite(file: Path) -> Engine:
    # Without a write-ahead log nobody writes, and SQLite need not make the files by which it would watch for that.
    quiet = not file.with_name(file.name + "-wal").exists()
    address = f"file:{quote(str(file.resolve()))}?mode=ro{'&immutable=1' if quiet else ''}"
    return create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, check_same_thread=False),
    )


def _postgresql(url: URL) -> Engine:
    options = f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_MILLISECONDS}"
    return create_engine(url, connect_args={"connect_timeout": CONNECT_SECONDS, "options": options})
