"""People at work in every flow at once, while the power is cut at random moments."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

from tests.stories.reliability.effects import Effects, effects, mark
from tests.stories.reliability.flows import Flow, Player, sets_a_digest
from tests.stories.reliability.power import Power
from tests.stories.stage import Stage

UPTIME = 1.5  # seconds that the bot serves at most before the power is cut
SLOW = 2.0  # times as long as its start took, on a machine where that is more
STARTING = 1.0  # seconds of its start within which it is cut else
STARTED = 0.7  # of all cuts strike a bot that serves


@dataclass(frozen=True)
class Toll:
    """What was done under how many power cuts, and what was not as it should."""

    cuts: int
    lives: Counter[str]
    lost: Effects
    doubled: Effects
    seconds: float


class Shift:
    """Each crew plays its flows over and over, in their order, while the bot serves at most `uptime` seconds at a time."""

    def __init__(self, stage: Stage, crews: Iterable[Iterable[Flow]], *, uptime: float = UPTIME) -> None:
        self.stage = stage
        self.power = Power(stage)
        self.player = Player(stage)
        self._uptime = uptime
        self._crews = [list(crew) for crew in crews]
        self._numbers = count(1)
        self._over = threading.Event()
        self._lives: Counter[str] = Counter()
        self._expected: dict[str, Effects] = {}

    def rehearses(self) -> None:
        """Plays each flow undisturbed, to see what it leaves behind."""
        sets_a_digest(self.player)
        self.player.settles()
        for flow in [flow for crew in self._crews for flow in crew]:
            before = mark(self.stage)
            self._plays(flow)
            self.player.settles()
            self._expected[flow.name] = effects(self.stage, before, words=False)
        self._lives.clear()

    def works(self, cuts: int, seed: int) -> Toll:
        moments, began, before = random.Random(seed), time.monotonic(), mark(self.stage)  # noqa: S311  no secret
        with ThreadPoolExecutor(len(self._crews)) as threads:
            at_work = [threads.submit(self._work, crew) for crew in self._crews]
            try:
                for _ in range(cuts):
                    self._cuts_the_power(moments)
                    _raise_failures(at_work)
            finally:
                self._over.set()
        _raise_failures(at_work)
        self.player.settles()
        return self._toll(effects(self.stage, before, words=False), time.monotonic() - began)

    def _cuts_the_power(self, moments: random.Random) -> None:
        serves, moment, began = moments.random() < STARTED, moments.random(), time.monotonic()
        if serves:
            self.stage.until(self.stage.bot.is_ready, "the bot is ready")
        time.sleep(moment * (max(self._uptime, SLOW * (time.monotonic() - began)) if serves else STARTING))
        self.power.cut()
        self.power.comes_back()

    def _work(self, crew: list[Flow]) -> None:
        while not self._over.is_set():
            for flow in crew:
                self._plays(flow)

    def _plays(self, flow: Flow) -> None:
        subject = f"Cap_{flow.name}{next(self._numbers)}"
        flow.play(self.player, subject, flow.prepare(self.player, subject))
        self._lives[flow.name] += 1

    def _toll(self, there: Effects, seconds: float) -> Toll:
        expected = Effects()
        for name, lives in self._lives.items():
            for effect, times in self._expected[name].items():
                expected[effect] += times * lives
        return Toll(self.power.cuts, self._lives, expected - there, there - expected, seconds)


def _raise_failures(at_work: list[Future[None]]) -> None:
    for each in at_work:
        if each.done():
            each.result()
