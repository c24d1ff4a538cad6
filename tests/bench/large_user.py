"""A large user: people in many channels, and Spotter beside them, which lives as long as is asked for."""

import json
import random
import sqlite3
import subprocess
import sys
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from commands import rooms
from commands.kit.manifest import manifest
from commands.train.command import RUNS
from infra.azureml.together import READ
from sandbox.edge.pace import Pace as EdgePace
from sandbox.environment import bot_environment
from sandbox.slack.twin import SlackTwin
from sandbox.slack.workspace import APP, BOT_USER, TEAM, Channel, Person
from sandbox.world import World
from tests.bench.contestants import Loop
from tests.bench.large_plant import LASTS, TRIALS, LargePlant
from tests.bench.large_policy import CHANNELS, TARGETS, policy_file
from tests.bench.years import MODELS, START

PEOPLE, DEVICES, DEVICES_QUICK = 500, 5000, 500
MOMENT, A_MOMENT = timedelta(minutes=14.4), 3  # trainings: 300 a day
FOLLOWER = "follower: "
ALL_DUE, ALL_TO_SHOW = UNDIVIDED = ("digests: all that are due at once", "courier: all there is to show")
HANDED_OVER = 2  # looks until Azure has all that was asked for
EXPORT, CLUSTER = "caps_20261102_081530", "gpu-cluster"
NEVER = 1e6
STILL = EdgePace(evaluation=NEVER, index=NEVER, metrics=NEVER, minute=1e-6)  # as many units as it takes
SERVICES = ("Slack", "Azure", "Azure DevOps", "IoT Hub")


@dataclass
class Span:
    """What one lived span has cost. `cpu` are seconds by what was done, `calls` those of a span by service."""

    cpu: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    calls: dict[str, int] = field(default_factory=dict)
    memory: float = 0.0
    size: int = 0
    grown: int = 0
    runs: int = 0
    asked: int = 0


class LargeUser:
    """The twins, the people, and the bot beside them. `stack` ends them all."""

    def __init__(self, folder: Path, stack: ExitStack, devices: int) -> None:
        self._at = START
        self._choice = random.Random(1)  # noqa: S311  no secret
        self._asked = self._runs = 0
        policy = folder / "spotter.toml"
        policy.write_text(policy_file())
        world = World(folder, lines={}, edge_pace=STILL)
        world.start()
        stack.callback(world.stop)
        world.seed()
        loop = Loop()
        stack.callback(loop.close)
        self._loop = loop
        self._slack = SlackTwin(clock=lambda: self._at.timestamp(), rate_limits=False)
        loop.do(self._slack.start())
        stack.callback(lambda: loop.do(self._slack.stop()))
        self._slack.install(manifest(rooms.ALL))
        self._people()
        settings = {
            **bot_environment(world, folder, policy),
            **self._slack.env(),
            **world.devops.env(),
            **world.edge.env(),
        }
        publish = ["publish-pipeline", "--version", "1", "--config", str(policy)]
        subprocess.run(
            [sys.executable, "-m", "bot.cli", *publish], env=settings, check=True, capture_output=True
        )
        self.plant = LargePlant(world)
        self.plant.adds_devices(devices, [f"line-{number}" for number in range(TARGETS)])
        self.file = folder / "spotter.db"
        self._world = world
        log = stack.enter_context((folder / "log").open("wb"))
        self._bot = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.stepwise"], env=settings, cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        stack.callback(self._ends)
        self._followers: list[str] = self._hears()["followers"]
        self._does(at=self._at.timestamp())
        for follower in self._followers:
            self._follows(follower)
        self._span = Span()

    def lives(self, moments: int, number: int) -> Span:
        """As many moments as a span has, and more until its last trainings have ended; `number` spans were before."""
        self._span = span = Span()
        self._asked, since = number * moments * A_MOMENT, number * moments * MOMENT
        calls, size = self._calls(), self._size()
        for moment in range(moments + LASTS + 2):
            self._passes(START + since + moment * MOMENT)
            if moment < moments:
                self._types()
            self.plant.works(self._at)
            for follower in self._followers:
                if follower != "devices" or moment % 4 == 0:
                    self._steps(follower)
            self._delivers()
        for service, now in self._calls().items():
            span.calls[service] = now - calls[service]
        span.asked = moments * A_MOMENT
        span.size = self._size()
        span.grown = span.size - size
        before, span.runs = self._runs, self._count("training_runs")
        self._runs = span.runs
        if span.runs != before + span.asked or self._count("training_runs WHERE ended_at IS NULL"):
            raise RuntimeError(
                f"{span.runs - before} of {span.asked} trainings were begun, or some did not end"
            )
        return span

    def trains(self, number: int) -> None:
        """So many more trainings are at work from now on, and Spotter knows how they stand."""
        for _ in range(number):
            self._asks_for_a_training()
        for _ in range(HANDED_OVER):
            self._does(step=RUNS)
        self.plant.begins(self._at)
        for _ in range(-(-self._asked * TRIALS // READ) + 1):
            self._does(step=RUNS)
        self._does(deliver=True)

    def looks(self, follower: str) -> tuple[dict[str, int], float]:
        """What one look of a follower asks of each service, and the seconds of CPU that it takes."""
        before = self._calls()
        told = self._does(step=follower)
        if told["failed"]:
            raise RuntimeError(f"{follower} failed, see the log")
        return {name: now - before[name] for name, now in self._calls().items()}, float(told["cpu"])

    def tidies(self, since: timedelta) -> None:
        """Housekeeping after a time that was not lived through."""
        self._passes(START + since)
        self._does(step="housekeeping")
        self._runs = self._count("training_runs")

    def _types(self) -> None:
        for _ in range(A_MOMENT):
            self._asks_for_a_training()
        model = f"Model_{self._choice.randrange(30):03}"
        self._commands("the form of a training", "/train", "")
        self._commands("/runs", "/runs", "")
        self._commands("/models", "/models", "")
        self._commands("/models, one of them", "/models", model)
        self._commands("/digest now", "/digest", "now")
        person = self._person()
        self._asks("Home", "events_api", _home(person.id))
        payloads = self._slack._slack.payloads
        self._asks(
            "type-ahead over models",
            "interactive",
            payloads.suggestion(person, "models:name", "models:name", "model_1"),
        )

    def _asks_for_a_training(self) -> None:
        asked = f"Model_{self._asked % MODELS:03} {EXPORT} {CLUSTER}"
        self._asked += 1
        self._commands("asking for a training", "/train", asked)

    def _commands(self, what: str, name: str, typed: str) -> None:
        slack, person = self._slack._slack, self._person()
        channel = slack.workspace.channel(f"C0TEAM{self._choice.randrange(CHANNELS):03}")
        hook = slack.hooks.issue(channel.id, person.id, None, None)
        payload = slack.payloads.command(
            person, channel, name, typed,
            response_url=f"{self._slack.url}/response/{hook}", trigger_id=slack.triggers.issue(person.id),
        )  # fmt: skip
        self._asks(what, "slash_commands", payload)

    def _asks(self, what: str, kind: str, payload: dict[str, Any]) -> None:
        self._span.cpu[what].append(self._does(ask=kind, payload=payload)["cpu"])

    def _steps(self, follower: str) -> None:
        before = self._count("digest_firings")
        told = self._follows(follower)
        if told["failed"]:
            raise RuntimeError(f"{follower} failed, see the log")
        what, times = follower, 1
        if fired := self._count("digest_firings") - before:
            what, times = "each digest that is due", fired
            self._span.cpu[ALL_DUE].append(told["cpu"])
        self._span.cpu[f"{FOLLOWER}{what}"].append(told["cpu"] / times)
        self._span.memory = told["memory"]

    def _follows(self, follower: str) -> dict[str, Any]:
        """A look of a follower; as many as it takes to read all devices, some pages in each."""
        surveys, spent = self._surveys(), 0.0
        while True:
            told = self._does(step=follower)
            spent += told["cpu"]
            if follower != "devices" or self._surveys() > surveys or told["failed"]:
                return {**told, "cpu": spent}

    def _surveys(self) -> int:
        return len(self._world.edge_faults.log("GET", "/configurations"))

    def _delivers(self) -> None:
        before = self._calls()["Slack"]
        told = self._does(deliver=True)
        if calls := self._calls()["Slack"] - before:
            self._span.cpu["courier: ten calls to Slack"].append(told["cpu"] * 10 / calls)
            self._span.cpu[ALL_TO_SHOW].append(told["cpu"])

    def _passes(self, at: Any) -> None:
        self._at = at
        self._does(at=at.timestamp())

    def _person(self) -> Person:
        return self._slack._slack.workspace.person(f"U0TEAM{self._choice.randrange(PEOPLE):04}")

    def _people(self) -> None:
        workspace = self._slack._slack.workspace
        people = [
            Person(f"U0TEAM{number:04}", f"person-{number}", f"Person {number}", "Vision")
            for number in range(PEOPLE)
        ]
        workspace.people.update({person.id: person for person in people})
        members = [*(person.id for person in people), BOT_USER]
        for number in range(CHANNELS):
            name = f"C0TEAM{number:03}"
            workspace.channels[name] = Channel(name, name.lower(), members=members)

    def _calls(self) -> dict[str, int]:
        world = self._world
        logs = (self._slack.faults, world.azure_faults, world.devops_faults, world.edge_faults)
        return {name: faults.taken for name, faults in zip(SERVICES, logs, strict=True)}

    def _size(self) -> int:
        """Bytes in use."""
        with sqlite3.connect(self.file) as connection:
            pages, free, size = (
                int(connection.execute(f"PRAGMA {name}").fetchone()[0])
                for name in ("page_count", "freelist_count", "page_size")
            )
        return (pages - free) * size

    def _count(self, table: str) -> int:
        with sqlite3.connect(self.file) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608  constants

    def _does(self, **request: Any) -> dict[str, Any]:
        assert self._bot.stdin
        self._bot.stdin.write(json.dumps(request) + "\n")
        self._bot.stdin.flush()
        return self._hears()

    def _hears(self) -> dict[str, Any]:
        assert self._bot.stdout
        line = self._bot.stdout.readline()
        if not line:
            raise RuntimeError(f"the bot ended:\n{(self.file.parent / 'log').read_text()[-3000:]}")
        told: dict[str, Any] = json.loads(line)
        return told

    def _ends(self) -> None:
        self._bot.kill()
        self._bot.wait()


def _home(person: str) -> dict[str, Any]:
    event = {"type": "app_home_opened", "user": person, "channel": "D0", "tab": "home", "event_ts": "1"}
    authorized = [{"team_id": TEAM, "user_id": BOT_USER, "is_bot": True}]
    return {
        "token": "t", "team_id": TEAM, "api_app_id": APP, "event": event, "type": "event_callback",
        "event_id": "Ev1", "event_time": 1, "authorizations": authorized,
    }  # fmt: skip
