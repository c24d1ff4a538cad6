"""Half an hour of steady mixed work, as on any other day: neither the bot nor the sandbox grows by what is over."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count, cycle
from pathlib import Path

import pytest
import requests
from sqlalchemy.exc import OperationalError

from sandbox.claim import free_port
from sandbox.world import World
from tests.stories.deploying import LINE_1, SECRET, a_line_with_a_model
from tests.stories.reliability.flows import FLOWS, Flow, Player, furnish, sets_a_digest
from tests.stories.reliability.shipping import SHIPPING, asks_to_deploy
from tests.stories.reliability.test_matrix import PATIENT
from tests.stories.reliability.vitals import MEGABYTE, Growth, Watch, growth
from tests.stories.stage import Stage

MINUTES = float(os.environ.get("SPOTTER_SOAK_MINUTES", "30"))
WARM_UP = 0.3  # of the time: caches fill, and each thread of the pools has worked
EVERY = 5.0  # seconds between two looks
REST = 20.0  # seconds between two flows of a crew, for all of them speak in one channel; and
GLANCE = 1.5  # between two acts of somebody who only looks around
REFRESH = 20  # glances until Slack refreshes its connections
TAKES = 60  # seconds that an answer may take
BUSY = 503  # news are then delivered again: a crowded machine may keep a writer waiting
LOOKS = ("/runs", "/models", "/exports", "/spotter", "/train", "/deploy", "/digest", "/publish", "/runs help")
MOST_MEMORY = 1.08  # SQLite takes two megabytes for each of its connections as the store grows
# Connections to the database are kept as a rush has taken them, and have two files each.
MORE = {"files": 30, "sockets": 10, "database": 10, "threads": 3, "tasks": 25}
MOST_LOG = 16.0  # megabytes: SQLite writes its log anew from the beginning once nobody reads what is in it
A_LIFE = 200_000  # bytes that twins and people may remember of each flow: messages, jobs, runs and their logs


def _ask_to_deploy(player: Player, reason: str, _: object) -> None:
    """Which the next rollout ends."""
    asks_to_deploy(player, reason)


CREWS = (*((flow,) for flow in FLOWS), (*SHIPPING, Flow("ask", _ask_to_deploy)))


class Shift:
    """Each crew plays its flows over and over, and somebody looks around, until it is over."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.lives: Counter[str] = Counter()
        self.troubles: list[BaseException] = []
        self._player = Player(stage)
        self._numbers = count(1)
        self._over = threading.Event()
        works = [self._look_around, *(self._playing(crew) for crew in CREWS)]
        self._threads = [threading.Thread(target=self._work, args=(work,)) for work in works]

    def begin(self) -> None:
        sets_a_digest(self._player)
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        if not self.troubles:
            self._player.settles()

    def _work(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as trouble:
            self.troubles.append(trouble)  # for the thread that judges

    def _playing(self, crew: Sequence[Flow]) -> Callable[[], None]:
        def play() -> None:
            flows = cycle(crew)
            while not self._over.wait(REST):
                flow = next(flows)
                subject = f"Cap_{flow.name[:6]}{next(self._numbers)}"
                with suppress(OperationalError):  # a crowded machine may keep who looks at the store waiting
                    flow.play(self._player, subject, flow.prepare(self._player, subject))
                    self.lives[flow.name] += 1

        return play

    def _look_around(self) -> None:
        slack, wire = self.stage.world.slack, self.stage.outsider.wire
        channel = self.stage.people.channel_id("line-vision")
        for number, look in enumerate(cycle(LOOKS)):
            wire.post("type", channel=channel, text=look)
            wire.post("home")
            self._hook(number)
            if number % REFRESH == REFRESH - 1:
                slack.disconnect(
                    "warning" if number % (2 * REFRESH) < REFRESH else "refresh_requested", most=1
                )
            if self._over.wait(GLANCE):
                return

    def _hook(self, number: int) -> None:
        news = {"subscriptionId": "soak", "notificationId": f"{number}", "eventType": "build.complete"}
        url, secret = f"{self.stage.bot.url}/hooks/devops", {"X-Spotter-Secret": SECRET}
        assert requests.post(url, json=news, headers=secret, timeout=TAKES).status_code in (200, BUSY)


@pytest.mark.soak
def test_steady_work_leaves_nothing_behind(
    new_stage: Callable[..., Stage], tmp_path: Path, tell: Callable[[object], None]
) -> None:
    port = free_port()

    def before(world: World) -> None:
        a_line_with_a_model(tmp_path / "models", port)(world)
        furnish(world)

    stage = new_stage(
        lines=LINE_1, before=before, policy=PATIENT, forked=False, PORT=str(port), HOOKS_SECRET=SECRET
    )
    stage.expects("incident")  # as they do what they are told to try again
    stage.world.slack.limits.enabled = False  # else people wait longer and longer for what they have caused
    store = Path(stage.bot.environment["DATABASE_URL"].removeprefix("sqlite:///"))
    bot = Watch("bot", lambda: stage.bot.pid, store)
    sandbox = Watch("sandbox and people", os.getpid, store, stage.world._loop)
    shift = Shift(stage)
    shift.begin()
    lives, deadline = 0, time.monotonic() + MINUTES * 60
    while time.monotonic() < deadline and not shift.troubles:
        time.sleep(EVERY)
        seen = "; ".join(f"{watch.name} {watch.look()}" for watch in (bot, sandbox))
        stored = f"{_size(store):.1f} MB stored, {_size(_log_of(store)):.1f} MB log"
        tell(f"{bot.seen[-1].at / 60:5.1f} min, {shift.lives.total()} flows: {seen}; {stored}")
        if bot.seen[-1].at < WARM_UP * MINUTES * 60:
            lives = shift.lives.total()
    shift.end()
    assert not shift.troubles, shift.troubles
    grown = {watch.name: growth(watch.seen, WARM_UP * MINUTES * 60) for watch in (bot, sandbox)}
    for name, told in grown.items():
        tell(f"{name}: {told}")
    _judge(grown[bot.name], grown[bot.name].memory[0] * (MOST_MEMORY - 1))
    _judge(grown[sandbox.name], (shift.lives.total() - lives) * A_LIFE)
    assert all(shift.lives[flow.name] for crew in CREWS for flow in crew), shift.lives
    assert _size(_log_of(store)) < MOST_LOG


def _judge(grown: Growth, more: float) -> None:
    """`more` bytes are no leak."""
    assert grown.memory[1] <= grown.memory[0] + more, grown
    for name, (before, after) in grown.counts.items():
        assert after <= before + MORE[name], grown


def _log_of(store: Path) -> Path:
    return store.with_name(f"{store.name}-wal")


def _size(file: Path) -> float:
    return file.stat().st_size / MEGABYTE
