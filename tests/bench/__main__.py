"""`make bench`: Spotter beside a bare Bolt app on the same twins, in the same run.

Prints the time to start, memory, and the time to acknowledge a command, a button and a type-ahead over signed HTTP.
"""

import hashlib
import hmac
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from sandbox.claim import free_port
from sandbox.environment import bot_environment
from sandbox.world import World
from tests.stories.stage import until

ROUNDS = 300
STARTS = 7
LONGEST_START = 30.0
TRAINER, CHANNEL, TEAM = "U0TRAINER1", "C0LINEVIS1", "T0FACTORY1"
POLICY = Path(__file__).parents[1] / "stories" / "spotter.toml"


@dataclass
class Server:
    """A bot under test."""

    name: str
    command: list[str]
    settings: dict[str, str]
    log: Path

    def start(self) -> float:
        """Seconds from the start of the process until it acknowledged a first command."""
        began = time.perf_counter()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command, env=self.settings, stdout=subprocess.DEVNULL, stderr=log
            )
        while time.perf_counter() - began < LONGEST_START:
            try:
                self.ack(command(0))
            except ConnectionRefusedError:
                time.sleep(0.002)
            else:
                took = time.perf_counter() - began
                self.memory_then = self.memory()
                return took
        raise RuntimeError(f"{self.name} does not start:\n{self.log.read_text()[-2000:]}")

    def memory(self) -> float:
        """Resident megabytes."""
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.exists():
            return float("nan")
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def ack(self, body: dict[str, str]) -> float:
        """Milliseconds until the request was acknowledged."""
        text = urllib.parse.urlencode(body)
        stamp = str(int(time.time()))
        secret = self.settings["SLACK_SIGNING_SECRET"].encode()
        signature = hmac.new(secret, f"v0:{stamp}:{text}".encode(), hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={signature}",
        }
        connection = http.client.HTTPConnection("127.0.0.1", int(self.settings["PORT"]), timeout=10)
        began = time.perf_counter()
        connection.request("POST", "/slack/events", text, headers)
        status = connection.getresponse().status
        took = (time.perf_counter() - began) * 1000
        connection.close()
        if status != 200:
            raise RuntimeError(f"{self.name} answered {status}")
        return took

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)


def command(number: int) -> dict[str, str]:
    return {
        "command": "/runs",
        "text": "",
        "user_id": TRAINER,
        "user_name": "trainer",
        "channel_id": CHANNEL,
        "team_id": TEAM,
        "api_app_id": "A0SPOTTER1",
        "trigger_id": f"1.2.{number}",
    }


def button(number: int) -> dict[str, str]:
    action = {
        "action_id": "runs.details",
        "block_id": "b",
        "type": "button",
        "value": "none",
        "action_ts": f"{number}",
    }
    return {
        "payload": json.dumps(
            {**_origin("block_actions"), "trigger_id": f"1.2.{number}", "actions": [action]}
        )
    }


def type_ahead(_number: int) -> dict[str, str]:
    return {
        "payload": json.dumps(
            {**_origin("block_suggestion"), "action_id": "train:dataset", "block_id": "dataset", "value": ""}
        )
    }


def _origin(kind: str) -> dict[str, object]:
    return {
        "type": kind,
        "user": {"id": TRAINER, "name": "trainer", "team_id": TEAM},
        "team": {"id": TEAM, "domain": "plant"},
        "api_app_id": "A0SPOTTER1",
        "channel": {"id": CHANNEL, "name": "line-vision"},
        "container": {"type": "message", "message_ts": "1.2", "channel_id": CHANNEL},
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        world.start()
        try:
            measure(world, Path(folder))
        finally:
            world.stop()


def measure(world: World, folder: Path) -> None:
    settings = bot_environment(world, folder, POLICY)
    settings.pop("SLACK_APP_TOKEN")
    spotter = Server("Spotter", [sys.executable, "-m", "bot.cli", "run"], settings, folder / "spotter.log")
    bare = Server(
        "bare Bolt",
        [sys.executable, "-m", "tests.bench.bare_bolt"],
        {**settings, "PORT": str(free_port())},
        folder / "bare.log",
    )
    click.echo(f"{'':42}{'Spotter':>10}{'bare Bolt':>12}{'ratio':>8}")
    row("first start to first command, s", spotter.start(), bare.start(), 2)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(STARTS):
        for server, took in ((spotter, ours), (bare, theirs)):
            server.stop()
            took.append(server.start())
    row("start to first command, median s", statistics.median(ours), statistics.median(theirs), 2)
    row("resident memory then, MB", spotter.memory_then, bare.memory_then, 0)
    until(lambda: world.azure_faults.log("GET", "/workspaces/"), "Spotter reads the workspace", lambda: "")
    for what, body in (("command", command), ("button", button), ("type-ahead", type_ahead)):
        ours, theirs = alternate(spotter, bare, body)
        row(f"ack of a {what}, p50 ms", statistics.median(ours), statistics.median(theirs), 2)
        row(f"ack of a {what}, p99 ms", percentile(ours), percentile(theirs), 2)
    row("resident memory at the end, MB", spotter.memory(), bare.memory(), 0)
    for server in (spotter, bare):
        server.stop()


def alternate(
    one: Server, other: Server, body: Callable[[int], dict[str, str]]
) -> tuple[list[float], list[float]]:
    """Both servers in turns, so that whatever else the machine does meets both; the first tenth only warms up."""
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(ROUNDS):
        ours.append(one.ack(body(number)))
        theirs.append(other.ack(body(number)))
    return ours[ROUNDS // 10 :], theirs[ROUNDS // 10 :]


def percentile(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


def row(what: str, ours: float, theirs: float, digits: int) -> None:
    click.echo(f"{what:42}{ours:>10.{digits}f}{theirs:>12.{digits}f}{ours / theirs:>8.2f}")


if __name__ == "__main__":
    main()
