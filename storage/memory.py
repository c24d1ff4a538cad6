"""What was asked of the store lately: an answer is kept as long as nothing has been committed since, and is told longer
where the database does not answer."""

import sqlite3
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy.exc import OperationalError

T = TypeVar("T")
FRESH_SECONDS = 1.0
PATIENCE = 1.0  # seconds for something newer than what is known; Slack waits three for all
MOST_ANSWERS = 64
MOST_ASKED = 4  # at once, for a database that hangs may never answer


class Memory:
    """Answers to questions that only read. This process tells what it commits by `forget`; whether others may have
    committed anything since it was asked before, `others_wrote` is asked once in a second. `may_hang`: a question may
    wait for long, or for ever. Safe to share between threads."""

    def __init__(self, others_wrote: Callable[[], bool], *, may_hang: bool) -> None:
        self._others_wrote, self._may_hang = others_wrote, may_hang
        self._lock = threading.Lock()
        self._looked = time.monotonic()
        self._answers: dict[Hashable, Any] = {}
        self._old: dict[Hashable, Any] = {}
        self._places = threading.BoundedSemaphore(MOST_ASKED)

    def answer(self, question: Hashable, ask: Callable[[], T]) -> T:
        """What `ask` answers, or answered to the same question before. Not to be changed by who gets it. Where it fails
        or takes long, what it found some time ago, if anything."""
        answers = self._fresh()
        if question in answers:
            kept: T = answers[question]
            return kept

        def anew() -> T:
            answer = ask()
            if len(answers) < MOST_ANSWERS:
                answers[question] = answer  # of no use to anybody where something was committed meanwhile
            self._found(question, answer)
            return answer

        old = self._old.get(question)
        if not old:
            return anew()
        try:
            return self._in_time(anew) if self._may_hang else anew()
        except (TimeoutError, OperationalError):
            return cast(T, old)

    def forget(self) -> None:
        self._answers = {}

    def _found(self, question: Hashable, answer: object) -> None:
        """Remember it for when the database hangs; that nothing was found is not told again then."""
        with self._lock:
            self._old.pop(question, None)
            if answer:
                self._old[question] = answer
            if len(self._old) > MOST_ANSWERS:
                del self._old[next(iter(self._old))]

    def _in_time(self, ask: Callable[[], T]) -> T:
        """Asked in a thread of its own, for which nobody waits longer. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE
        asked: Future[T] = Future()

        def work() -> None:
            try:
                asked.set_result(ask())
            except BaseException as trouble:
                asked.set_exception(trouble)
            finally:
                self._places.release()

        if not self._places.acquire(timeout=PATIENCE):
            raise TimeoutError
        threading.Thread(target=work, name="recall", daemon=True).start()
        return asked.result(max(0.0, deadline - time.monotonic()))

    def _fresh(self) -> dict[Hashable, Any]:
        if time.monotonic() - self._looked > FRESH_SECONDS:
            with self._lock:
                if time.monotonic() - self._looked > FRESH_SECONDS:
                    looked = time.monotonic()
                    if self._others_wrote():
                        self.forget()
                    self._looked = looked
        return self._answers


class SqliteFile:
    """A database of SQLite, as a connection sees it that never writes: it is not told of its own commits."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._connection: sqlite3.Connection | None = None
        self._version: int | None = None

    def has_changed(self) -> bool:
        """Whether anybody has committed since this was asked before; not where that cannot be known now, for what is
        remembered is all there is then."""
        before = self._version
        try:
            if self._connection is None:
                self._connection = sqlite3.connect(self._file, check_same_thread=False, timeout=0)
            (self._version,) = self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.OperationalError:
            return False
        return self._version != before

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
