"""The crash matrix: every boundary, at every call of every flow."""

import re
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count

from tests.stories.reliability.calls import called
from tests.stories.reliability.effects import Effects, effects, mark
from tests.stories.reliability.flows import Flow, Player, sets_a_digest
from tests.stories.reliability.power import Boundary, Power
from tests.stories.stage import Stage

LOOKS = 3.0  # seconds in which an idle bot does all that it does while idle
LIVES = 3
# What only some lives do: looks that one may be over before it needs, and words that later ones overtake.
SOMETIMES = re.compile(
    r"/usages$|/computes/|/batchrundata$|/runs:query$|/runs/search$|usergroups\.users\.list$|/build/builds$|chat\.update “(<model> training:|Publishing )"
)


@dataclass(frozen=True)
class Undisturbed:
    """What a flow does when nothing happens to it."""

    calls: list[str]
    effects: Effects


@dataclass
class Row:
    """What became of one flow at one boundary: the calls at which the power was cut, and what was not as it should."""

    flow: str
    boundary: Boundary
    struck: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    lost: Effects = field(default_factory=Effects)
    doubled: Effects = field(default_factory=Effects)
    cuts: int = 0

    def __str__(self) -> str:
        calls = f"{len(self.struck):2}/{len(self.struck) + len(self.missed)} calls"
        told = f"{self.flow:8} | {self.boundary.value:26} | {calls} | {self.cuts:2} power cuts"
        missed = f", not reached: {self.missed}" if self.missed else ""
        return f"{told} | {self.lost.total()} lost, {self.doubled.total()} doubled{missed}"

    def faults(self) -> list[str]:
        """What was lost or doubled, and why the row proves too little: most calls must have been struck, and all that
        every life makes."""
        must = [call for call in self.missed if not SOMETIMES.search(call)]
        return [
            *[f"lost: {each}" for each in self.lost.elements()],
            *[f"doubled: {each}" for each in self.doubled.elements()],
            *[f"never struck: {call}" for call in must],
            *(["less than most calls were struck"] if len(self.struck) <= len(self.missed) else []),
        ]


class Matrix:
    """Plays flows on one stage, one after the other."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.power = Power(stage)
        self.player = Player(stage)
        self._numbers = count(1)
        self._playing = ThreadPoolExecutor(1)
        self._idle: set[str] = set()

    def undisturbed(self, flow: Flow) -> Undisturbed:
        """Calls are those that an idle bot does not make."""
        sets_a_digest(self.player)
        subject, given = self._prepared(flow)
        idle = time.time()
        self.stage.until(lambda: time.time() > idle + LOOKS, "the bot was idle for a while")
        before = mark(self.stage)
        self._idle |= set(called(self.stage.world, idle))
        flow.play(self.player, subject, given)
        self.player.settles()
        calls = list(dict.fromkeys(called(self.stage.world, before.at)))
        return Undisturbed([call for call in calls if call not in self._idle], effects(self.stage, before))

    def rows(self, flow: Flow, calls: Iterable[str], expected: Effects) -> Iterator[Row]:
        for boundary in Boundary:
            yield self.row(flow, boundary, calls, expected)

    def row(self, flow: Flow, boundary: Boundary, calls: Iterable[str], expected: Effects) -> Row:
        """Lives of the flow until the power was cut at each of these calls."""
        row, left = Row(flow.name, boundary), set(calls)
        for _ in range(LIVES):
            if left:
                left -= self._life(flow, row, left, expected)
        row.missed = sorted(left)
        return row

    def _life(self, flow: Flow, row: Row, calls: set[str], expected: Effects) -> set[str]:
        """One life of the flow, with a power cut at each of the calls that it makes."""
        subject, given = self._prepared(flow)
        before, left = mark(self.stage), set(calls)
        playing = self._playing.submit(self._play, flow, subject, given)
        while not playing.done():
            struck = self.power.cut_at(left, row.boundary, playing.done) if left else self._ends(playing)
            left -= set(struck)
            row.struck += struck
            if struck:
                row.cuts += 1
                self.power.comes_back()
        playing.result()
        there = effects(self.stage, before)
        row.lost += Effects(expected - there)
        row.doubled += Effects(there - expected)
        return calls - left

    def _play(self, flow: Flow, subject: str, given: object) -> None:
        flow.play(self.player, subject, given)
        self.player.settles()

    def _ends(self, playing: Future[None]) -> list[str]:
        playing.exception()
        return []

    def _prepared(self, flow: Flow) -> tuple[str, object]:
        subject = f"Cap_{flow.name}{next(self._numbers)}"
        given = flow.prepare(self.player, subject)
        self.player.settles()
        return subject, given
