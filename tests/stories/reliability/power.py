"""Power that is cut at a chosen boundary between the store and the network, and comes back at once."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from sandbox.faults import Action, Fault, Logged
from tests.stories.reliability.calls import called, name_of, services
from tests.stories.stage import Bot, Stage
from tests.stories.trouble import held_database


class Boundary(Enum):
    """What has become of a call when the power is cut."""

    BEFORE = "before send"
    LOST = "sent, answer lost"
    UNRECORDED = "answered, not yet recorded"


class Trap:
    """Holds the next call of each of these names, and wakes who waits for the first one."""

    def __init__(self, calls: set[str], boundary: Boundary) -> None:
        self.boundary = boundary
        self.reached = threading.Event()
        self.held: list[str] = []
        self._calls = set(calls)
        self._closed = False
        self._lock = threading.Lock()

    def takes(self, call: str) -> bool:
        with self._lock:
            if self._closed or call not in self._calls:
                return False
            self._calls.discard(call)
            self.held.append(call)
            return True

    def close(self) -> list[str]:
        """Lets all later calls pass; those that are held."""
        with self._lock:
            self._closed = True
            return list(self.held)


@dataclass(eq=False)
class Hold(Fault):
    """A fault for the calls that a trap takes."""

    service: str = ""
    trap: Trap | None = None

    def __post_init__(self) -> None:
        assert self.trap is not None
        self.reached = self.trap.reached

    def matches(self, asked: Logged) -> bool:
        assert self.trap is not None
        return self.trap.takes(name_of(self.service, asked))


class Power:
    """Of the stage's bot. `cuts` counts how often it went."""

    def __init__(self, stage: Stage) -> None:
        self.cuts = 0
        self._stage = stage

    @property
    def bot(self) -> Bot:
        return self._stage.bot

    def cut(self) -> None:
        self.bot.kill()
        self.cuts += 1

    def comes_back(self) -> None:
        self.bot.start(ready=False)

    def cut_at(self, calls: set[str], boundary: Boundary, over: Callable[[], bool]) -> list[str]:
        """Cuts it while one of these calls is at that boundary; all that were. None are when it is `over` first."""
        trap, since = Trap(calls, boundary), time.time()
        action: Action = "hang_before" if boundary is Boundary.BEFORE else "hang_after"
        with _armed(self._stage, trap, action) as holds:
            while not trap.reached.wait(0.02):
                if over():
                    return trap.close()
            if boundary is Boundary.UNRECORDED:
                self._cut_unrecorded(trap, holds, since)
            else:
                self.cut()
            return trap.close()

    def _cut_unrecorded(self, trap: Trap, holds: list[Hold], since: float) -> None:
        """Somebody holds the database, so that the bot cannot write down the answer when it has it."""
        with held_database(self._stage):
            held = sorted(trap.close())
            for hold in holds:
                hold.release()
            self._stage.until(lambda: _answered(self._stage, held, since), "the calls are answered")
            for _ in range(2):  # it had its turn since
                self.bot.get("/healthz")
            self.cut()


@contextmanager
def _armed(stage: Stage, trap: Trap, action: Action) -> Iterator[list[Hold]]:
    every = list(services(stage.world))
    holds = [Hold("*", "", action, service=name, trap=trap) for name, _ in every]
    for hold, (_, faults) in zip(holds, every, strict=True):
        faults.arm(hold)
    try:
        yield holds
    finally:
        for hold, (_, faults) in zip(holds, every, strict=True):
            hold.forget()
            faults.disarm(hold)


def _answered(stage: Stage, held: list[str], since: float) -> bool:
    return Counter(held) <= Counter(called(stage.world, since))
