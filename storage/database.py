"""One database: SQLite in one file (default), or PostgreSQL by another URL."""

import fcntl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

BUSY_SECONDS = 2
TURN_SECONDS = 1.0
GLANCE_SECONDS = 0.5  # somebody may only be looking whether the database is in use
ONE_WRITER = 0x5B077E13
ONLY_ONE = 0x5B077E12  # the key of an advisory lock: any number that nothing else takes


class StoreInUse(Exception):
    """Another process holds this SQLite database."""


class Store:
    """Opens transactions. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        self.url = url
        parsed = make_url(url)
        self._file = (
            Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None
        )
        self.engine = _sqlite(url) if self._file else create_engine(url, pool_pre_ping=True)
        self._turn = threading.Lock()
        self._lock: TextIO | None = None
        self._holder: Connection | None = None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may change things. One at a time: SQLite takes its write lock at the start, and
        PostgreSQL a lock of ours, so that what is read inside is what is changed."""
        writes = self.engine.connect().execution_options(spotter_writes=True)
        with self._in_turn(), writes as connection, connection.begin():
            if self._file is None:
                connection.execute(select(func.pg_advisory_xact_lock(ONE_WRITER)))
            yield connection

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Writers of this process queue here, for a while: SQLite's own waiting is a lottery, which the last of many
        clicks may lose."""
        is_ours = self._turn.acquire(timeout=TURN_SECONDS)
        try:
            yield
        finally:
            if is_ours:
                self._turn.release()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view of the store."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    def claim(self) -> None:
        """Keep a second Spotter away from this database. Raises StoreInUse."""
        if self._file is None:
            self._claim_postgresql()
            return
        lock = lock_of(self._file).open("w")
        patience = time.monotonic() + GLANCE_SECONDS
        while not locked(lock, fcntl.LOCK_EX):
            if time.monotonic() > patience:
                lock.close()
                raise StoreInUse(f"Another Spotter is using {self._file}. Stop it first.")
            time.sleep(GLANCE_SECONDS / 5)
        self._lock = lock

    def _claim_postgresql(self) -> None:
        """The lock is held by a session of its own, which PostgreSQL ends when this process does."""
        holder = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        patience = time.monotonic() + BUSY_SECONDS  # a Spotter that just ended may not be gone there yet
        while not holder.execute(select(func.pg_try_advisory_lock(ONLY_ONE))).scalar_one():
            if time.monotonic() > patience:
                holder.close()
                raise StoreInUse(f"Another Spotter is using {self.engine.url.database}. Stop it first.")
            time.sleep(0.2)
        self._holder = holder

    def answers(self) -> bool:
        """Whether the database answers a trivial question now."""
        try:
            with self.read() as tx:
                tx.exec_driver_sql("SELECT 1")
        except OperationalError:
            return False
        return True

    def close(self) -> None:
        if self._holder is not None:
            self._holder.close()
        self.engine.dispose()
        if self._lock is not None:
            self._lock.close()


def lock_of(file: Path) -> Path:
    """The file that a Spotter holds while it uses a SQLite database."""
    return file.with_name(file.name + ".lock")


def locked(lock: TextIO, kind: int) -> bool:
    """Takes a lock of fcntl's, if that can be done at once."""
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: object, _record: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]  # the driver's own BEGIN comes too late
        cursor = connection.cursor()  # type: ignore[attr-defined]  # typed as the DBAPI's bare object
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("spotter_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
