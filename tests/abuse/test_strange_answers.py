"""Whatever Azure, Azure DevOps and IoT Hub answer, no follower fails, and all goes on once answers are sane again."""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from prometheus_client import REGISTRY
from requests.adapters import HTTPAdapter
from slack_sdk import WebClient

from bot.pacer import take_step
from commands import rooms
from commands.kit.clock import Clock
from commands.kit.command import Asked
from commands.kit.health import Health
from commands.kit.people import Directory, Person
from commands.kit.policy import load
from commands.kit.services import Services
from commands.train.form import TrainArgs
from commands.train.request import request
from infra.azureml.connection import WorkspaceId
from infra.azureml.workspace import Workspace
from infra.devops.connection import Place
from infra.devops.project import Project
from infra.iothub.hub import Hub
from sandbox.azure.seed import copy
from sandbox.environment import bot_environment
from sandbox.world import World
from storage import catalog, migrate, runs
from storage.database import Store
from tests.abuse.plant import fill
from tests.abuse.strange import garbled, odd_headers
from tests.postgresql import cluster
from tests.stories.conftest import POLICY, QUICK, QUICK_AGENTS, Template, compiled, template
from tests.stories.stage import SEEDED_EXPORTS

__all__ = ["cluster", "compiled", "template"]
SIGN_IN = re.compile(r"/metadata/|/msi/|oauth2")
DEVICE = {
    "deviceId": "line-1-cam-1",
    "moduleId": "$edgeAgent",
    "tags": {"target": "line-1", "ring": "all"},
    "connectionState": "Connected",
    "lastActivityTime": "2026-11-22T12:00:00Z",
    "configurations": {"spotter": {"status": "Applied"}},
    "properties": {
        "desired": {"$version": 3, "modules": {"detector": {"settings": {"image": "i"}}}},
        "reported": {"lastDesiredVersion": 3, "modelName": "M", "modelVersion": "1", "health": "ok"},
    },
}
FOLLOWERS = [each for command in rooms.ALL for each in command.followers if each.name != "roles"]
"""All but the one that asks Slack, whose answers are as they always are here."""


@dataclass
class Wire:
    """Between Spotter and the twins. Garbles answers while it has a `chance`."""

    chance: random.Random | None = None
    last: list[str] = field(default_factory=list)

    def spoil(self, answer: requests.Response) -> requests.Response:
        if self.chance is None or self.chance.random() < 0.4 or SIGN_IN.search(str(answer.url)):
            return answer
        content = answer.content
        if "/devices/query" in str(answer.url) and content == b"[]":
            content = json.dumps([DEVICE, {**DEVICE, "moduleId": "detector"}]).encode()
        status, body = garbled(content, self.chance)
        odd = odd_headers(self.chance, often=status is not None)
        self.last = [*self.last[-5:], f"{answer.request.method} {answer.url}: {body[:600]!r} {odd!s:.300}"]
        headers = {**answer.headers, "Content-Length": str(len(body)), **odd}
        raw = urllib3.HTTPResponse(
            BytesIO(body), headers=headers, status=status or answer.status_code, preload_content=False
        )
        return HTTPAdapter().build_response(answer.request, raw)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire, send = Wire(), HTTPAdapter.send

    def sent(*args: Any, **options: Any) -> requests.Response:
        return wire.spoil(send(*args, **{**options, "stream": False}))

    monkeypatch.setattr(HTTPAdapter, "send", sent)
    return wire


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
def database(request: pytest.FixtureRequest) -> str:
    """The URL of one that minds how long a text is, and of one that does not; empty for the usual one."""
    return "" if request.param == "sqlite" else request.getfixturevalue("cluster").new_database()


@pytest.fixture
def services(
    template: Template, compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str
) -> Iterator[Services]:
    """A published workspace and the team's pipelines, and something open of every kind."""
    (tmp_path / "spotter.toml").write_text(POLICY.read_text())
    world = World(tmp_path, pace=QUICK, devops_pace=QUICK_AGENTS, lines={}, cache=compiled)
    copy(template.workspace, world.azure)
    world.start()
    world.slack.install(template.manifest)
    world.connect(tmp_path / "spotter.toml")
    world.azure.studio.set_capacity("gpu-small", available=False)
    environment = bot_environment(world, tmp_path, tmp_path / "spotter.toml")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    store = Store(database or environment["DATABASE_URL"])
    migrate.upgrade(store)
    policy, clock = load(tmp_path / "spotter.toml"), Clock()
    slack = WebClient(
        environment["SLACK_BOT_TOKEN"], base_url=environment["SLACK_API_URL"], retry_handlers=[]
    )
    place = world.azure.workspace.place
    made = Services(
        store=store,
        policy=policy,
        clock=clock,
        people=Directory(slack, policy.roles, clock),
        health=Health(clock),
        azure=Workspace.connect(WorkspaceId(place.subscription, place.group, place.workspace)),
        devops=Project.connect(
            Place(environment["AZURE_DEVOPS_ORG_URL"], environment["AZURE_DEVOPS_PROJECT"])
        ),
        hub=Hub.connect(environment["IOTHUB_HOSTNAME"]),
        wake=lambda _name: None,
        commands=rooms.ALL,
    )
    with store.write() as tx:
        fill(tx, clock.now(), policy, "U0TRAINER1")
    yield made
    store.close()
    world.stop()


def failed(name: str) -> float:
    labels = {"follower": name, "outcome": "error"}
    return REGISTRY.get_sample_value("spotter_follower_steps_total", labels) or 0.0


def look(services: Services, wire: Wire) -> None:
    """Every follower takes a step, and none fails at what it finds."""
    for follower in FOLLOWERS:
        before = failed(follower.name)
        take_step(follower, services)
        if failed(follower.name) > before:
            pytest.fail(f"{follower.name} failed after\n" + "\n".join(wire.last))


def strange(services: Services, wire: Wire, rounds: range) -> None:
    for number in rounds:
        wire.chance = random.Random(number)  # noqa: S311  the same again
        look(services, wire)
    wire.chance = None


@pytest.mark.parametrize("rounds", [4, pytest.param(300, marks=pytest.mark.soak)])
def test_followers_survive_whatever_they_are_answered_and_go_on(
    services: Services, wire: Wire, rounds: int
) -> None:
    with services.store.write() as tx:
        asked = Asked(Person("U0TRAINER1", "trainer"), "C0LINEVIS1", "form:1")
        args = TrainArgs("Cap_Model", "caps_20261102_081530", "gpu-small", "spotter")
        request(tx, args, asked, services, None, channel="C0LINEVIS1")
    strange(services, wire, range(rounds))
    for _ in range(3):
        look(services, wire)
    assert services.health.troubles() == []
    with services.store.read() as tx:
        assert len(catalog.list_exports(tx, containing="caps")) >= SEEDED_EXPORTS - 2
        (run,) = (run for run in runs.open_runs(tx) if run.model_name == "Cap_Model")
    assert run.state in ("queued", "running")
