"""A running IoT Hub twin beside the Azure twin, and azure-core's client pointed at it by environment variables."""

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
from sandbox.edge.pace import Pace
from sandbox.edge.twin import IoTHubTwin

FAST = Pace(evaluation=0.05, index=0.05, metrics=0.1, sync=0.05, picture=0.2, backoff=0.1, minute=0.5)
Result = TypeVar("Result")
Seen = TypeVar("Seen")


class Edge:
    """The twins on a thread of their own, and plain requests to the hub."""

    def __init__(self, root: Path) -> None:
        self.azure = AzureTwin(root / "azure", pace=AzurePace())
        self.twin = IoTHubTwin(self.azure.workspace.tokens, pace=FAST)
        self.hub = self.twin.hub
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def start(self) -> None:
        self._thread.start()
        self.do(self.azure.start())
        self.do(self.twin.start(self.azure))

    def stop(self) -> None:
        self.do(self.twin.stop())
        self.do(self.azure.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def env(self) -> dict[str, str]:
        return {**self.azure.env(), **self.twin.env()}

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
        sign = BearerTokenCredentialPolicy[HttpRequest, HttpResponse](DefaultAzureCredential(), scope)
        client = PipelineClient[HttpRequest, HttpResponse]("", policies=[sign])
        request = HttpRequest(
            method,
            f"https://{self.twin.env()['IOTHUB_HOSTNAME']}{path}",
            params={"api-version": version},
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            json=body,
        )
        with client:
            answer = client.send_request(request)
            answer.read()
            return answer

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
        self, condition: Callable[[], Seen | Literal[False] | None], what: str, seconds: float = 30.0
    ) -> Seen:
        """Waits for a condition; fails by saying what did not come true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.03)
        raise AssertionError(f"not within {seconds} s: {what}")


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    running = Edge(tmp_path_factory.mktemp("edge"))
    running.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in running.env().items():
            patch.setenv(name, value)
        try:
            yield running
        finally:
            running.stop()
