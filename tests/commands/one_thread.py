"""Spotter in one thread and under one clock, so that what went wrong once goes wrong again: its own rooms, store and
clients, whose requests are answered within the thread, and a switch that cuts its power.
"""

import sqlite3
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPMessage, RemoteDisconnected
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.response import addinfourl

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter
from slack_sdk import WebClient
from sqlalchemy import event
from urllib3.exceptions import ProtocolError

from commands.kit.clock import Clock
from commands.kit.health import Health
from commands.kit.people import Directory
from commands.kit.policy import Policy, Roles
from commands.kit.services import Services
from infra.azureml.connection import WorkspaceId
from infra.azureml.workspace import Workspace
from infra.devops.connection import Place
from infra.devops.project import Project
from infra.iothub.hub import Hub
from storage import catalog, migrate
from storage.catalog import ModelRow
from storage.database import Store
from storage.tables import metadata
from tests.commands.small_plant import FIGURES, MODEL, Plant, tags_of
from tests.commands.small_plant_answers import ARM, DEVOPS, ENTRA, HUB, SLACK, LostAnswer, answer, uri_of

START = datetime(2030, 1, 7, 8, tzinfo=UTC)
"""Not the wall clock, so that nothing depends on the hour of the day; later than it, for tokens and lists of runs."""
ENVIRONMENT = {
    "ARM_CLOUD_METADATA_URL": f"https://{ARM}/metadata/endpoints",
    "AZUREML_CURRENT_CLOUD": "small",
    "IDENTITY_ENDPOINT": f"http://{ENTRA}/msi/token",
    "IDENTITY_HEADER": "h",
    "AZURE_DEVOPS_EXT_PAT": "p",
    "NO_PROXY": ".small.test",
}


class PowerCut(BaseException):
    """The process dies here."""


class MovedClock(Clock):
    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Power:
    """Counts what leaves the process and what is committed, and is cut at the one that was chosen."""

    def __init__(self) -> None:
        self.left = 0
        self.after = False
        self.with_answer = False
        """Whether it is cut when the answer to a change gets lost."""
        self.may_be_cut = False

    def lasts(self) -> None:
        self.left, self.with_answer = 0, False

    def passing(self) -> bool:
        """Whether this is the one."""
        self.left -= self.may_be_cut
        return self.may_be_cut and self.left == 0


class Wire:
    """The one way out of the process."""

    def __init__(self, power: Power) -> None:
        self.power = power
        self.plant = Plant(now=lambda: START)

    def exchange(self, method: str, url: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        is_now = self.power.passing()
        if is_now and not self.power.after:
            raise PowerCut
        try:
            answered = answer(self.plant, method, url, body)
        except LostAnswer:
            is_now |= self.power.with_answer
            if not is_now:
                raise
        if is_now:
            raise PowerCut
        return answered


class ForAzure(HTTPAdapter):
    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        body = request.body
        sent = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b""
        try:
            status, headers, content = self._wire.exchange(str(request.method), str(request.url), sent)
        except LostAnswer:
            gone = ProtocolError("Connection aborted.", RemoteDisconnected("lost"))
            raise requests.ConnectionError(gone) from None
        raw = urllib3.HTTPResponse(BytesIO(content), headers=headers, status=status, preload_content=False)
        return self.build_response(request, raw)


class ForSlack(urllib.request.HTTPHandler):
    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def http_open(self, request: urllib.request.Request) -> Any:
        sent = request.data if isinstance(request.data, bytes) else b""
        status, headers, content = self._wire.exchange(request.get_method(), request.full_url, sent)
        told = HTTPMessage()
        for name, value in headers.items():
            told[name] = value
        response = addinfourl(BytesIO(content), told, request.full_url, status)
        response.msg = ""  # type: ignore[attr-defined]  # as http.client's own has one
        return response


@dataclass(frozen=True)
class Seat:
    """What outlives a power cut: the clock, the store's file, and connections, which hold no state."""

    clock: MovedClock
    power: Power
    wire: Wire
    eyes: sqlite3.Connection
    """Looks at the store past SQLAlchemy, for it looks after every step."""
    services: Services

    def empties(self, plant: Plant) -> None:
        """Everything as before the first start, in another world, whose models Spotter has seen."""
        names = [table.name for table in reversed(metadata.sorted_tables)]
        self.eyes.executescript("".join(f"DELETE FROM {name};" for name in names))  # noqa: S608  constants
        self.clock.time, self.wire.plant = START, plant
        self.power.lasts()
        self.power.may_be_cut = False
        with self.services.store.write() as tx:
            for version in FIGURES:
                catalog.add_model(tx, _row(version))

    def starts(self, policy: Policy) -> Services:
        """What a new process has: nothing but what is stored."""
        client = WebClient(token="t", base_url=f"http://{SLACK}/api/", retry_handlers=[])
        people = Directory(client, policy.roles, self.clock)
        return replace(self.services, policy=policy, people=people, health=Health(self.clock))


def _row(version: int) -> ModelRow:
    return ModelRow(
        name=MODEL,
        version=version,
        created_at=None,
        created_by="Line engineer",
        mean_average_precision=FIGURES[version],
        precision=1.0,
        recall=1.0,
        tags=tags_of(FIGURES[version]),
        uri=uri_of(MODEL, version),
        run_id=None,
        announced=True,
        seen_at=START,
    )


@contextmanager
def seat(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Seat]:
    clock, power = MovedClock(), Power()
    wire = Wire(power)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    adapter = ForAzure(wire)
    monkeypatch.setattr(requests.Session, "get_adapter", lambda session, url: adapter)
    monkeypatch.setattr(urllib.request, "_opener", urllib.request.build_opener(ForSlack(wire)))
    monkeypatch.setattr(time, "sleep", clock.sleep)
    file = folder / "spotter.db"
    store = Store(f"sqlite:///{file}")
    event.listen(store.engine, "connect", _hurry)
    migrate.upgrade(store)
    event.listen(store.engine, "commit", lambda connection: _commits(power))
    services = Services(
        store=store,
        policy=Policy(),
        clock=clock,
        people=Directory(WebClient(), Roles(), clock),
        health=Health(clock),
        azure=Workspace.connect(WorkspaceId("s", "g", "w")),
        devops=Project.connect(Place(f"https://{DEVOPS}/org", "Line")),
        hub=Hub.connect(HUB),
        wake=lambda name: None,
        commands=(),
    )
    _sign_in(services)
    eyes = sqlite3.connect(file, isolation_level=None)
    _hurry(eyes, None)
    yield Seat(clock, power, wire, eyes, services)
    eyes.close()
    store.close()


def _sign_in(services: Services) -> None:
    """Tokens and addresses, which clients ask for once: else the first story would differ from the same one again."""
    assert services.devops and services.hub
    services.azure.version(MODEL, 1)
    services.azure.files_digest(uri_of(MODEL, 1))
    services.devops.pipeline(services.policy.pipelines.edge)
    services.hub.survey()


def _hurry(connection: sqlite3.Connection, _: object) -> None:
    """Only the process loses its power here, not the disk."""
    connection.execute("PRAGMA synchronous=OFF")


def _commits(power: Power) -> None:
    if power.passing():
        raise PowerCut
