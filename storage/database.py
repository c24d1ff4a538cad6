"""One database: SQLite in one file (default), or PostgreSQL by another URL."""

import copy
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, TypeVar

from sqlalchemy import Connection, Engine, Select, create_engine, event, func, select
from sqlalchemy.exc import InternalError, OperationalError

from storage import claim
from storage.claim import StoreInUse
from storage.memory import Memory, SqliteFile

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")
BUSY_SECONDS = 2
IDLE_SECONDS = (
    5  # after which PostgreSQL ends a writer that stands still, so that it keeps no other one waiting
)
TURN_SECONDS = 0.5  # with BUSY_SECONDS well below the three seconds that Slack waits for an answer
KEPT_OPEN = 16  # connections to SQLite, for to open one takes longer than most questions
ONE_WRITER = 0x5B077E13
ONLY_ONE = 0x5B077E12  # the key of an advisory lock: any number that nothing else takes


# How soon a connection is given up over which nothing comes any more.
REACHES = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


# All that is asked finds few rows by an index. Where PostgreSQL guesses that there are many, it would start processes
# and compile, which takes longer than any answer.
SMALL_QUESTIONS = "SET max_parallel_workers_per_gather = 0; SET jit = off"


class Store:
    """Opens transactions. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._file = claim.file_of(url)
        self.engine = _sqlite(url) if self._file else _postgresql(url)
        self._watched = SqliteFile(self._file) if self._file else None
        self._memory = Memory(
            self._watched.has_changed if self._watched else lambda: True,
            may_hang=self._watched is None,  # a writer keeps nobody waiting who reads SQLite
        )
        self._turn = threading.Lock()
        self._guard: Callable[[Connection], None] | None = None
        self._lock: TextIO | None = None
        self._holder: Connection | None = None

    @property
    def is_shared(self) -> bool:
        """Whether several processes may use it at once."""
        return self._file is None

    def guarded(self, guard: Callable[[Connection], None]) -> "Store":
        """The same store, where each writing transaction begins with `guard`, which may refuse it by raising."""
        other = copy.copy(self)
        other._guard = guard
        return other

    @contextmanager
    def write(self, *, patience: float = BUSY_SECONDS) -> Iterator[Connection]:
        """A transaction that may change things. One at a time: SQLite takes its write lock at the start, and
        PostgreSQL a lock of ours, so that what is read inside is what is changed."""
        may_change = False
        try:
            with self._in_turn(), self.engine.connect() as connected:
                connection = connected.execution_options(spotter_writes=True)
                with _ended_sessions(), connection.begin():
                    if self.is_shared:
                        connection.execute(_turn_of_one_writer(patience))
                    if self._guard is not None:
                        self._guard(connection)
                    may_change = True
                    yield connection
        finally:
            if may_change:  # also where it fails: the commit may have come through all the same
                self._memory.forget()

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
        options = {"isolation_level": "REPEATABLE READ"} if self.is_shared else {}
        with self.engine.connect() as connected:
            connection = connected.execution_options(**options)
            with connection.begin():
                yield connection

    def recall(self, question: Hashable, ask: Callable[[Connection], T]) -> T:
        """What `ask` finds in the store, or found when the same question was asked before: at once after all that this
        process has committed, and after what others have within a second; older while the database does not answer.
        Not to be changed by who gets it."""

        def anew() -> T:
            with self.read() as tx:
                return ask(tx)

        return self._memory.answer(question, anew)

    def claim(self) -> None:
        """Keep a second Spotter away from a SQLite database, and from PostgreSQL one that knows of no lease.

        Raises StoreInUse."""
        if self._file is None:
            self._claim_postgresql()
            return
        self._lock = claim.take(self._file)

    def _claim_postgresql(self) -> None:
        """Replicas share this lock. A Spotter from before there were leases wants it for itself, so the two never run
        side by side. It is held by a session of its own, which PostgreSQL ends when this process does."""
        holder = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        patience = time.monotonic() + BUSY_SECONDS  # a Spotter that just ended may not be gone there yet
        while not holder.execute(select(func.pg_try_advisory_lock_shared(ONLY_ONE))).scalar_one():
            if time.monotonic() > patience:
                holder.close()
                database = self.engine.url.database
                raise StoreInUse(f"An older Spotter, which runs alone, is using {database}. Stop it first.")
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
        if self._watched is not None:
            self._watched.close()
        self.engine.dispose()
        if self._lock is not None:
            self._lock.close()


def _postgresql(url: str) -> Engine:
    engine = create_engine(url, pool_pre_ping=True, connect_args=REACHES)

    @event.listens_for(engine, "connect")
    def prepare(connection: "psycopg.Connection", _record: object) -> None:
        connection.execute(SMALL_QUESTIONS)
        connection.commit()

    return engine


def _turn_of_one_writer(patience: float) -> Select[tuple[str, str, None]]:
    """Waits for the lock that a writer has till the end of its transaction."""
    return select(
        func.set_config("lock_timeout", f"{patience}s", True),
        func.set_config("idle_in_transaction_session_timeout", f"{max(patience, IDLE_SECONDS)}s", True),
        func.pg_advisory_xact_lock(ONE_WRITER),
    )


@contextmanager
def _ended_sessions() -> Iterator[None]:
    """That PostgreSQL has ended the session of a writer that stood still is trouble with the database as any other."""
    try:
        yield
    except InternalError as ended:
        raise OperationalError(ended.statement, ended.params, ended.orig or ended) from ended


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url, connect_args={"timeout": BUSY_SECONDS}, pool_size=KEPT_OPEN, max_overflow=-1, pool_use_lifo=True
    )

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
