"""A running IoT Hub twin, alone or with a plant, and azure-core's client pointed at it by environment variables."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

import pytest
from azure.core import PipelineClient
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest, HttpResponse
from azure.identity import DefaultAzureCredential

from sandbox.azure.pace import Pace as AzurePace
from sandbox.azure.twin import AzureTwin
from sandbox.edge.edge import Edge
from sandbox.edge.incumbent import push, ship
from sandbox.edge.pace import Pace
from sandbox.edge.plant.device import DeviceView

from .brightness import write_model

FAST = Pace(evaluation=0.05, index=0.05, metrics=0.1, sync=0.05, picture=0.3, backoff=0.1, minute=0.5)
Result = TypeVar("Result")
Seen = TypeVar("Seen")


class Running:
    """The twins on a thread of their own, and plain requests to the hub."""

    def __init__(self, root: Path, lines: dict[str, int]) -> None:
        self.azure = AzureTwin(root / "azure", pace=AzurePace())
        self.edge = Edge(root / "edge", self.azure.workspace.tokens, pace=FAST, lines=lines)
        self.hub = self.edge.hub
        self._clients: dict[str, PipelineClient[HttpRequest, HttpResponse]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def start(self) -> None:
        self._thread.start()
        self.do(self.azure.start())
        self.do(self.edge.start(self.azure))

    def stop(self) -> None:
        self.do(self.edge.stop())
        self.do(self.azure.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)

    def env(self) -> dict[str, str]:
        return {**self.azure.env(), **self.edge.env()}

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: str = "2021-04-12",
        scope: str = "https://iothubs.azure.net/.default",
        **headers: str,
    ) -> HttpResponse:
        """A signed request; header names with underscores for hyphens."""
        if scope not in self._clients:
            sign = BearerTokenCredentialPolicy[HttpRequest, HttpResponse](DefaultAzureCredential(), scope)
            self._clients[scope] = PipelineClient[HttpRequest, HttpResponse]("", policies=[sign])
        request = HttpRequest(
            method,
            f"https://{self.edge.env()['IOTHUB_HOSTNAME']}{path}",
            params={"api-version": version},
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            json=body,
        )
        return self._clients[scope].send_request(request)

    def get(self, path: str) -> Any:
        answer = self.patient("GET", path)
        assert answer.status_code == 200, answer.text()
        return answer.json()

    def patient(self, *request: Any, **headers: str) -> HttpResponse:
        """Asks again where the hub is throttled."""
        return self.until(
            lambda: (answer := self.call(*request, **headers)).status_code != 429 and answer, "an answer"
        )

    def query(self, text: str) -> Any:
        answer = self.patient("POST", "/devices/query", {"query": text})
        assert answer.status_code == 200, answer.text()
        return answer.json()

    def until(
        self, condition: Callable[[], Seen | Literal[False] | None], what: str, seconds: float = 60.0
    ) -> Seen:
        """Waits for a condition; fails by saying what did not come true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.03)
        raise AssertionError(f"not within {seconds} s: {what}")

    def device(self, name: str) -> DeviceView:
        return self.edge.plant[name].view()


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A hub with nothing in it."""
    running = Running(tmp_path_factory.mktemp("edge"), {})
    for started in _started(running):
        started.hub.configurations.clear()
        yield started


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One line with a canary and another device, which run the first version of a model."""
    folder = tmp_path_factory.mktemp("plant")
    running = Running(folder, {"line-1": 2})
    ship(running.edge, "Caps", 1, write_model(folder / "v1", "old"), "line-1")
    yield from _started(running)


@pytest.fixture(scope="module")
def new_image(plant: Running, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The second version of the model, in the registry."""
    return push(plant.edge, "Caps", 2, write_model(tmp_path_factory.mktemp("new") / "v2", "new"))


def _started(running: Running) -> Iterator[Running]:
    running.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in running.env().items():
            patch.setenv(name, value)
        try:
            yield running
        finally:
            running.stop()
