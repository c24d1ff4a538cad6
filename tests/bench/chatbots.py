"""Chatbots: from a message in a channel to the bot's answer below it, and from the start of the process to the first
answer, beside other chatbots in turns: a bare Bolt app, Errbot and opsdroid, each installed in an environment of its
own, on a Slack of its own. They are sent `!ping`, Spotter is asked for its help. opsdroid is reached over HTTP, for its
Socket Mode does not connect.
"""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from commands import rooms
from commands.kit.manifest import manifest
from sandbox.claim import free_port
from sandbox.environment import OF_THE_MACHINE, bot_environment
from sandbox.slack.messages import Message
from sandbox.slack.people_side import acts
from sandbox.slack.twin import SlackTwin
from sandbox.slack.workspace import BOT_USER
from sandbox.world import World
from tests.bench.ack import POLICY
from tests.bench.contestants import CHANNEL, TRAINER, Loop
from tests.bench.table import Row, figure, p50, p99

ROUNDS, ROUNDS_QUICK, WARM, STARTS, STARTS_QUICK = 40, 10, 3, 5, 2
LONGEST_START, LONGEST_ANSWER, LONGEST_INSTALL = 90.0, 30.0, 300.0
ROOT = Path(__file__).parents[2]
OTHERS = Path(__file__).parent / "others"
KEPT = ROOT / ".bench-others"  # so that the next bench need not install them again
SCOPES = ("app_mentions:read", "channels:history", "channels:read", "chat:write", "chat:write.customize")
MORE_SCOPES = (
    "groups:read",
    "im:read",
    "im:write",
    "mpim:read",
    "reactions:write",
    "team:read",
    "users:read",
)


@dataclass(frozen=True)
class Chatbot:
    """`packages` are installed for it, into an environment of its own. With a `path`, Slack reaches it there over
    HTTP, else over Socket Mode."""

    name: str
    arguments: tuple[str, ...]
    said: str = "!ping"
    packages: tuple[str, ...] = ()
    path: str = ""


SPOTTER = Chatbot("Spotter", ("-m", "bot.cli", "run"), said="@spotter help")
OTHER_BOTS = (
    Chatbot("a bare Bolt app", ("-m", "tests.bench.others.bare_bolt")),
    Chatbot(
        "Errbot",
        (str(OTHERS / "launch.py"), "errbot"),
        packages=("errbot", "errbot-backend-slackv3", "setuptools<81"),
    ),
    Chatbot(
        "opsdroid",
        (str(OTHERS / "launch.py"), "opsdroid"),
        packages=("opsdroid[connector_slack]", "setuptools<81"),
        path="/connector/slack",
    ),
)


class Failed(Exception):
    """This chatbot cannot be installed, or does not answer; why."""


def measure(*, quick: bool) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        world = World(Path(folder), lines={})
        world.start()
        stack.callback(world.stop)
        loop = Loop()
        stack.callback(loop.close)
        ours = Talk(SPOTTER, bot_environment(world, Path(folder), POLICY), Path(folder), loop, sys.executable)
        stack.callback(ours.close)
        machine = {name: os.environ[name] for name in OF_THE_MACHINE if name in os.environ}
        for other in OTHER_BOTS:
            try:
                theirs = Talk(other, machine, Path(folder), loop, _python(other))
                stack.callback(theirs.close)
                yield from _beside(ours, theirs, quick=quick)
            except Failed as why:
                yield Row(f"{other.name}: skipped", str(why))


def _beside(ours: "Talk", theirs: "Talk", *, quick: bool) -> Iterator[Row]:
    starts: tuple[list[float], list[float]] = [], []
    answers: tuple[list[float], list[float]] = [], []
    for _ in range(STARTS_QUICK if quick else STARTS):
        for bot, times in zip((ours, theirs), starts, strict=True):
            bot.stop()
            times.append(bot.start())
    for number in range(WARM + (ROUNDS_QUICK if quick else ROUNDS)):
        for bot, times in zip((ours, theirs), answers, strict=True):
            took = bot.ask()
            if took is None:
                raise Failed(f"{bot.chatbot.name} did not answer: {bot.last_words()}")
            times += [took * 1000] if number >= WARM else []
    mine, other = (statistics.median(times) for times in starts)
    told = f"{figure(mine)} s, {mine / other:.2f}× of {figure(other)} s"
    yield Row(f"start to first answer, beside {theirs.chatbot.name}", told)
    mine, other = (p50(times) for times in answers)
    told = f"{figure(mine)} ms, {mine / other:.2f}× of {figure(other)}"
    tails = ", ".join(figure(p99(times)) for times in answers)
    yield Row(f"message to answer, beside {theirs.chatbot.name}", f"{told}; p99 {tails}")


class Talk:
    """A chatbot with a Slack of its own, in which a person speaks to it."""

    def __init__(
        self, chatbot: Chatbot, settings: dict[str, str], folder: Path, loop: Loop, python: str
    ) -> None:
        self.chatbot = chatbot
        self._settings = settings
        self._loop = loop
        self._python = python
        self._folder = folder / chatbot.name.replace(" ", "-")
        self._folder.mkdir()
        self._twin = SlackTwin(rate_limits=False, patience=60)
        self._port = free_port()
        loop.do(self._twin.start())
        self._twin.install(_manifest(chatbot, self._port))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Seconds from the start of the process until its first answer."""
        began = time.perf_counter()
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [self._python, *self.chatbot.arguments], env=self._environment(), stdout=log, stderr=log, cwd=ROOT
            )  # fmt: skip
        while time.perf_counter() - began < LONGEST_START and self._process.poll() is None:
            if self._hears() and self.ask(seconds=1.0) is not None:
                return time.perf_counter() - began
            time.sleep(0.005)
        raise Failed(f"{self.chatbot.name} does not answer: {self.last_words()}")

    def ask(self, seconds: float = LONGEST_ANSWER) -> float | None:
        """Seconds until there is an answer; None where there is none in time."""
        slack = self._twin._slack
        person = slack.workspace.person(TRAINER)
        before, began = self._answers(), time.perf_counter()
        self._loop.do(acts.type_text(slack, person, CHANNEL, self.chatbot.said, None))
        while time.perf_counter() - began < seconds:
            if self._answers() > before:
                return time.perf_counter() - began
            time.sleep(0.0005)
        return None

    def last_words(self) -> str:
        lines = (self._folder / "log").read_text(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "it says nothing")[:120]

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def close(self) -> None:
        self.stop()
        self._loop.do(self._twin.stop())

    def _hears(self) -> bool:
        if not self.chatbot.path:
            return bool(self._twin._slack.sockets.connections)
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def _answers(self) -> int:
        shown: list[Message] = self._twin._slack.messages.in_channel(CHANNEL, TRAINER)
        return sum(1 for message in shown if message.author == BOT_USER)

    def _environment(self) -> dict[str, str]:
        return {
            **self._settings,
            **self._twin.env(),
            "PORT": str(self._port),
            "BENCH_FOLDER": str(self._folder),
            "BENCH_SKILL": str(OTHERS / "opsdroid" / "ping.py"),
        }


def _manifest(chatbot: Chatbot, port: int) -> dict[str, object]:
    """Spotter's own; another one reads channels."""
    url = f"http://127.0.0.1:{port}{chatbot.path}" if chatbot.path else None
    made = manifest(rooms.ALL, request_url=url)
    if chatbot is not SPOTTER:
        made["oauth_config"]["scopes"]["bot"] = [*SCOPES, *MORE_SCOPES]
        made["settings"]["event_subscriptions"]["bot_events"] = ["message.channels"]
        made["features"]["slash_commands"] = []
    return made


def _python(chatbot: Chatbot) -> str:
    """The interpreter that has what the chatbot needs, installed from PyPI where it is not there yet."""
    if not chatbot.packages:
        return sys.executable
    home = KEPT / chatbot.name.lower()
    python, done = home / "bin" / "python", home / "installed"
    if done.exists():
        return str(python)
    uv = str(Path(sys.executable).with_name("uv"))
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)],
        [uv, "pip", "install", "--quiet", "--python", str(python), *chatbot.packages],
    ):
        try:
            ran = subprocess.run(
                command, capture_output=True, text=True, timeout=LONGEST_INSTALL, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as failed:
            raise Failed(f"it cannot be installed here ({type(failed).__name__})") from failed
        if ran.returncode:
            raise Failed(f"it cannot be installed here ({ran.stderr.strip().splitlines()[-1][:100]})")
    done.touch()
    return str(python)
