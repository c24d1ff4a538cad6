"""What was asked of the store lately: an answer is kept as long as nothing has been committed since."""

import sqlite3
import threading
import time
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
FRESH_SECONDS = 1.0
MOST_ANSWERS = 64


class Memory:
    """Answers to questions that only read. This process tells what it commits by `forget`; whether others may have
    committed anything since it was asked before, `others_wrote` is asked once in a second. Safe to share between
    threads."""

    def __init__(self, others_wrote: Callable[[], bool]) -> None:
        self._others_wrote = others_wrote
        self._lock = threading.Lock()
        self._looked = time.monotonic()
        self._answers: dict[Hashable, Any] = {}

    def answer(self, question: Hashable, ask: Callable[[], T]) -> T:
        """What `ask` answers, or answered to the same question before. Not to be changed by who gets it."""
        answers = self._fresh()
        if question in answers:
            kept: T = answers[question]
            return kept
        answer = ask()
        if len(answers) < MOST_ANSWERS:
            answers[question] = answer  # of no use to anybody where something was committed meanwhile
        return answer

    def forget(self) -> None:
        self._answers = {}

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
