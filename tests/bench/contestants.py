"""Spotter and whom it is measured against: each a process, beside a Slack of its own in one loop with the others."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from commands import rooms
from commands.kit.manifest import manifest
from sandbox.claim import free_port
from sandbox.faults import Logged
from sandbox.slack.link import Answer, Kind
from sandbox.slack.twin import SlackTwin

TRAINER, CHANNEL, TEAM = "U0TRAINER1", "C0LINEVIS1", "T0FACTORY1"
LONGEST_START = 60.0
Result = TypeVar("Result")


class Loop:
    """One thread in which all twins of Slack live."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="slack", daemon=True)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, Result], seconds: float = 600) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)


class Contestant:
    """A bot with a Slack of its own. `settings` are its environment; over HTTP where `over_http`, else Socket Mode."""

    def __init__(
        self, name: str, module: str, settings: dict[str, str], folder: Path, loop: Loop, *, over_http: bool
    ) -> None:
        self.name = name
        self.twin = SlackTwin(rate_limits=False, patience=60)
        self._loop = loop
        self._arguments = [sys.executable, "-m", *module.split()]
        self._folder = folder / f"{name}-{'http' if over_http else 'socket'}".replace(" ", "-")
        self._folder.mkdir()
        port = str(free_port())
        loop.do(self.twin.start())
        url = f"http://127.0.0.1:{port}/slack/events" if over_http else None
        self.twin.install(manifest(rooms.ALL, request_url=url))
        slack = self.twin.env()
        if over_http:
            slack.pop("SLACK_APP_TOKEN")
        store = {"DATABASE_URL": f"sqlite:///{self._folder / 'spotter.db'}"}
        self._settings = {**_without_slack(settings), **slack, **store, "PORT": port}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def database(self) -> Path:
        return self._folder / "spotter.db"

    def start(self) -> float:
        """Seconds from the start of the process until it has acknowledged a first command."""
        self._answers = len(self._given())
        began = self._began = time.perf_counter()
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                self._arguments, env=self._settings, stdout=log, stderr=log, cwd=Path(__file__).parents[2]
            )
        while time.perf_counter() - began < LONGEST_START:
            if self._loop.do(self.ask("slash_commands", self.command("/runs"))).outcome == "acked":
                return time.perf_counter() - began
            time.sleep(0.005)
        raise RuntimeError(f"{self.name} does not start:\n{(self._folder / 'log').read_text()[-2000:]}")

    def answered(self) -> float:
        """Seconds from the start of the process until it has answered that command."""
        wait(lambda: len(self._given()) > self._answers, "the first command is answered", every=0.002)
        return time.perf_counter() - self._began

    def _given(self) -> list[Logged]:
        return self.twin.faults.log("POST", "/response/")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=60)
            self._process = None

    def close(self) -> None:
        self.stop()
        self._loop.do(self.twin.stop())

    def memory(self) -> float:
        """Resident megabytes; NaN where the system does not tell."""
        return self._of_process("status", "VmRSS", 1024)

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def _of_process(self, file: str, name: str, divisor: float) -> float:
        assert self._process is not None
        lines = Path(f"/proc/{self._process.pid}/{file}").read_text().splitlines()
        return next(int(line.split()[1]) / divisor for line in lines if line.startswith(name))

    def get(self, path: str) -> bytes:
        """What its own web server says."""
        import urllib.request

        with urllib.request.urlopen(self.address(path), timeout=30) as answer:  # noqa: S310  loopback only
            told: bytes = answer.read()
        return told

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self._settings['PORT']}{path}"

    async def ask(self, kind: Kind, payload: dict[str, Any]) -> Answer:
        """What Slack asks the app; in the loop of the twins."""
        return await self.twin._slack.link.ask(kind, payload)

    def command(self, name: str, text: str = "") -> dict[str, Any]:
        slack = self.twin._slack
        person, channel = slack.workspace.person(TRAINER), slack.workspace.channel(CHANNEL)
        return slack.payloads.command(
            person, channel, name, text,
            response_url=self._response_url(), trigger_id=slack.triggers.issue(TRAINER),
        )  # fmt: skip

    def button(self, action_id: str, value: str) -> dict[str, Any]:
        """A click in an answer for this person's eyes."""
        slack = self.twin._slack
        action = {"action_id": action_id, "block_id": "b", "type": "button", "value": value}
        payload = slack.payloads._actions(
            slack.workspace.person(TRAINER), action, slack.triggers.issue(TRAINER)
        )
        place = {"type": "message", "message_ts": slack.workspace.stamp(), "channel_id": CHANNEL}
        return payload | {
            "container": place, "channel": {"id": CHANNEL, "name": "line-vision"}, "response_url": self._response_url(),
        }  # fmt: skip

    def type_ahead(self, action_id: str, typed: str) -> dict[str, Any]:
        slack = self.twin._slack
        return slack.payloads.suggestion(slack.workspace.person(TRAINER), action_id, action_id, typed)

    def submission(
        self, callback_id: str, values: dict[str, str], *, channel: str = CHANNEL
    ) -> dict[str, Any]:
        slack = self.twin._slack
        state = {name: {name: {"type": "plain_text_input", "value": value}} for name, value in values.items()}
        view = {
            "id": slack.workspace.fresh_id("V"), "team_id": TEAM, "type": "modal", "callback_id": callback_id,
            "private_metadata": json.dumps({"channel": channel}), "state": {"values": state}, "blocks": [],
        }  # fmt: skip
        person = slack.workspace.person(TRAINER)
        return slack.payloads._interaction("view_submission", person) | {"view": view, "response_urls": []}

    def opened(self, payload: dict[str, Any]) -> bool:
        """Whether the form was opened that this command asked for."""
        return self.twin._slack.triggers._issued[payload["trigger_id"]].used

    def _response_url(self) -> str:
        return f"{self.twin.url}/response/{self.twin._slack.hooks.issue(CHANNEL, TRAINER, None, None)}"


def _without_slack(settings: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in settings.items() if not name.startswith("SLACK_")}


def wait(condition: Callable[[], bool], what: str, seconds: float = 60.0, *, every: float = 0.02) -> None:
    """The twins live in this process: a condition that takes long to find out is looked at less often."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"never came true: {what}")
        time.sleep(every)
