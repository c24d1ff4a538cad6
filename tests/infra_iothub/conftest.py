"""A hub with devices whose every word the test says itself, and the client pointed at it by environment variables."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.iothub.hub import Hub, Survey
from infra.iothub.rollout import Rollout
from infra.provision.edge.deployment import layered
from infra.provision.edge.shipment import Shipment
from sandbox.edge.pace import Pace
from tests.sandbox.edge import conftest as twins
from tests.sandbox.edge.conftest import Running

FAST = Pace(evaluation=0.03, index=0.03, metrics=0.03, minute=0.05)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def image(version: int) -> str:
    return f"plant.example/detector@sha256:{hashlib.sha256(str(version).encode()).hexdigest()}"


@dataclass
class Line:
    """Line 1 with a canary and another device, line 2 with one. They do what the test says, and nothing else."""

    running: Running
    client: Hub

    def ships(self, version: int, ring: str, build: int, key: str = "") -> str:
        """Makes the deployment that the edge pipeline would make; its id."""
        body = layered(
            Shipment("Caps", version, "line-1", ring, key or f"request-{version}", build), image(version)
        )
        answer = self.running.patient("PUT", f"/configurations/{body['id']}", body)
        assert answer.status_code == 200, answer.text()
        return str(body["id"])

    def runs(self, device: str, version: int, health: str = "ok", **module: Any) -> None:
        """The device takes its order, whatever it is, and tells that it runs this version."""
        about = {"runtimeStatus": "running", "exitCode": 0, "settings": {"image": image(version)}, **module}
        self.agent(device, modules={"detector": about})
        said = {"modelName": "Caps", "modelVersion": str(version), "health": health}
        said["reason"] = "" if health == "ok" else "model.onnx is half a file"
        self._report(device, "detector", said)

    def agent(self, device: str, code: int = 200, description: str = "", **more: Any) -> None:
        version = self.running.hub.devices[device].agent.desired.version
        status = {"code": code, "description": description}
        self._report(
            device, "$edgeAgent", {"lastDesiredVersion": version, "lastDesiredStatus": status, **more}
        )

    def until(self, seen: Callable[[Survey], object]) -> Survey:
        """What the hub tells when it is as it should be: its index is a little behind."""

        def look() -> Survey | None:
            found = self.client.survey()
            return found if seen(found) else None

        return self.running.until(look, "the hub to tell it")

    def rollout(self, deployment_id: str, seen: Callable[[Rollout], object], late: bool = False) -> Rollout:
        """The rollout when it is as it should be, a minute before or after its deadline."""

        def look(survey: Survey) -> Rollout | None:
            now = datetime.now(UTC)
            deadline = now + timedelta(minutes=-1 if late else 1)
            return survey.rollout(deployment_id, now=now, deadline=deadline)

        def is_seen(survey: Survey) -> bool:
            found = look(survey)
            return found is not None and bool(seen(found))

        found = look(self.until(is_seen))
        assert found is not None
        return found

    def _report(self, device: str, module: str, change: dict[str, Any]) -> None:
        async def report() -> None:
            assert self.running.hub.report(device, module, change), f"{device} has no {module}"

        self.running.do(report())


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(twins, "FAST", FAST)
        running = Running(tmp_path_factory.mktemp("hub"), {})
        running.start()
        for name, value in running.env().items():
            patch.setenv(name, value)
        try:
            yield running
        finally:
            running.stop()


@pytest.fixture
def line(running: Running) -> Iterator[Line]:
    async def anew() -> None:
        hub = running.hub
        hub.devices.clear()
        for name in [name for name in hub.configurations if name != "edge-base"]:
            del hub.configurations[name]
        for device, tags in (
            ("line-1-a", {"target": "line-1", "ring": "canary"}),
            ("line-1-b", {"target": "line-1"}),
            ("line-2-a", {"target": "line-2", "place": {"hall": 3}}),
        ):
            hub.add_device(device, tags)
            hub.connect(device, connected=True)
        hub.evaluate()
        hub.look()

    running.edge.faults.clear()
    running.do(anew())
    client = Hub.connect(running.env()["IOTHUB_HOSTNAME"])
    yield Line(running, client)
    client.close()
