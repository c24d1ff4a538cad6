"""Ends a process in which work hangs. Who keeps it running starts it again, and what was under way is looked for, as
after any crash.

The time-outs of clients bound the wait for a service's next byte, not the whole answer: one that only trickles would
keep a follower for ever, and the lease with it.
"""

import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from infra.http.types import Gate

log = structlog.get_logger("watchdog")
PATIENCE = 300.0
TICKS = 60  # counted rather than timed, for a machine may stand still itself
HUNG = os.EX_TEMPFAIL


@dataclass
class _Work:
    name: str
    ticks: int = 0


class Watchdog:
    """`end` is called when work has shown no sign of life for `patience` seconds."""

    def __init__(self, end: Callable[[], None] = lambda: os._exit(HUNG), patience: float = PATIENCE) -> None:
        self._end = end
        self._patience = patience
        self._under_way: dict[int, _Work] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    @contextmanager
    def over(self, name: str) -> Iterator[None]:
        """Watches what this thread does."""
        with self._lock:
            self._under_way[threading.get_ident()] = _Work(name)
        try:
            yield
        finally:
            with self._lock:
                del self._under_way[threading.get_ident()]

    def sign_of_life(self) -> None:
        """Of this thread."""
        work = self._under_way.get(threading.get_ident())
        if work is not None:
            work.ticks = 0

    def gate(self, gate: Gate) -> Gate:
        """That gate, which shows a sign of life each time that it is asked."""

        def asked() -> None:
            self.sign_of_life()
            gate()

        return asked

    def _watch(self) -> None:
        while not self._stopping.wait(self._patience / TICKS):
            with self._lock:
                for work in self._under_way.values():
                    work.ticks += 1
                hung = {thread: work for thread, work in self._under_way.items() if work.ticks > TICKS}
            if hung:
                self._give_up(hung)
                return

    def _give_up(self, hung: dict[int, _Work]) -> None:
        frames = sys._current_frames()
        for thread, work in hung.items():
            where = "".join(traceback.format_stack(frames[thread])) if thread in frames else ""
            log.critical("hangs", work=work.name, seconds=self._patience, where=where)
        self._end()
