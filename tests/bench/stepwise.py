"""Spotter as a process of its own, with all that it is made of but its threads and its clock: each step is taken when
standard input asks for it, and standard output tells what it cost.

Requests and answers are lines of JSON. `{"at": seconds since 1970}` sets the clock; `{"ask": kind, "payload": …}` is
what Slack asks; `{"step": name}` a step of a follower; `{"deliver": true}` lets the courier show all there is to show.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from slack_bolt import BoltRequest

from bot import app, log, settings
from bot.app import Spotter
from bot.pacer import STEPS, take_step
from commands.kit.clock import Clock
from storage import messages

A_PAUSE = timedelta(seconds=6)  # longer than any that the courier makes between two messages
ROUNDS = 40


class SetClock(Clock):
    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def now(self) -> datetime:
        return self.at


class Stepwise:
    def __init__(self) -> None:
        app.WORKING = 1  # then what follows an acknowledgement is over when the next piece of work is
        self.clock = SetClock()
        self.spotter = Spotter(settings.read(), settings.read_policy(), self.clock)
        self.spotter._lease.hold()
        self._followers = {each.name: each for each in self.spotter._followers}

    def does(self, request: dict[str, Any]) -> dict[str, Any]:
        if "at" in request:
            self.clock.at = datetime.fromtimestamp(request["at"], UTC)
            return {}
        if "step" in request:
            return self._step(request["step"])
        if "deliver" in request:
            return self._deliver()
        return self._ask(request)

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps(request["payload"])

        def acknowledge() -> Callable[[], None]:
            answer, begin = self.spotter._dispatch(BoltRequest(mode="socket_mode", body=body))
            if answer.status != 200:
                raise RuntimeError(f"{answer.status} {answer.body}")
            return begin

        acknowledged, begin = _timed(acknowledge)
        followed, _ = _timed(lambda: self._follows(begin))
        return {"cpu": acknowledged + followed, "ack": acknowledged}

    def _follows(self, begin: Callable[[], None]) -> None:
        begin()
        self.spotter._working.submit(lambda: None).result()

    def _step(self, name: str) -> dict[str, Any]:
        follower = self._followers[name]
        spent, _ = _timed(lambda: take_step(follower, self.spotter._leading))
        failed = STEPS.labels(name, "error")._value.get() + STEPS.labels(name, "azure_trouble")._value.get()
        return {"cpu": spent, "failed": failed, "memory": _resident()}

    def _deliver(self) -> dict[str, Any]:
        """Everything that is due, with pauses between two rounds."""
        spent, rounds = 0.0, 0
        while self._is_behind():
            if rounds == ROUNDS:
                raise RuntimeError("the courier gets nowhere")
            took, _ = _timed(self.spotter._courier.deliver)
            spent, rounds = spent + took, rounds + 1
            self.clock.at += A_PAUSE
        return {"cpu": spent, "at": self.clock.at.timestamp()}

    def _is_behind(self) -> bool:
        with self.spotter._store.read() as tx:
            return bool(messages.due(tx, datetime.max.replace(tzinfo=UTC), limit=1))


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of CPU, of all threads, and what came of it."""
    before = time.process_time()
    came = work()
    return time.process_time() - before, came


def _resident() -> float:
    """Megabytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def main() -> None:
    log.configure()
    bot = Stepwise()
    names = list(bot._followers)
    sys.stdout.write(json.dumps({"followers": names}) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(bot.does(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
