"""Devices that really run the module: what the client tells of them is what they do."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.failures.devices import explain_landing
from infra.iothub.hub import Hub
from infra.iothub.rollout import Landing, Phase
from infra.provision.edge.deployment import layered
from infra.provision.edge.shipment import Shipment
from sandbox.edge.incumbent import push, ship
from tests.sandbox.edge.brightness import write_model
from tests.sandbox.edge.conftest import Running

CANARY, OTHER = "line-1-cam-1", "line-1-cam-2"


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    running = Running(tmp_path, {"line-1": 2})
    ship(running.edge, "Caps", 1, write_model(tmp_path / "v1", "old"), "line-1")
    running.start()
    for name, value in running.env().items():
        monkeypatch.setenv(name, value)
    yield running
    running.stop()


@pytest.fixture
def client(plant: Running) -> Iterator[Hub]:
    hub = Hub.connect(plant.env()["IOTHUB_HOSTNAME"])
    yield hub
    hub.close()


def test_a_failing_canary_is_found_explained_and_taken_back(
    plant: Running, client: Hub, tmp_path: Path
) -> None:
    def lands(deployment_id: str, phase: Phase, count: int, late: bool = False) -> tuple[Landing, ...]:
        now = datetime.now(UTC)
        deadline = now + timedelta(minutes=-1 if late else 1)

        def look() -> tuple[Landing, ...] | None:
            found = client.survey().rollout(deployment_id, now=now, deadline=deadline)
            there = [each for each in found.landings if each.phase == phase] if found else []
            return tuple(there) if len(there) == count else None

        return plant.until(look, f"{deployment_id} to be {phase} on {count}")

    (incumbent,) = client.survey().deployments
    lands(incumbent.id, "succeeded", 2)
    plant.edge.plant[CANARY].fail()
    image = push(plant.edge, "Caps", 2, write_model(tmp_path / "v2", "new"))
    body = layered(Shipment("Caps", 2, "line-1", "canary", "request-2", 412), image)
    assert plant.patient("PUT", f"/configurations/{body['id']}", body).status_code == 200
    (killed,) = lands(body["id"], "failed", 1)
    assert (killed.device.id, explain_landing(killed).reason) == (CANARY, "edge-killed")
    lands(incumbent.id, "outranked", 1)

    shipped = client.deployment(body["id"])
    assert shipped is not None and client.survey().below(shipped) is not None
    client.withdraw(body["id"])
    lands(incumbent.id, "succeeded", 2)
    seen = plant.until(lambda: plant.device(CANARY).seen, "the canary sees again")
    assert seen.model == "Caps:1"

    plant.edge.plant[OTHER].go_silent()
    everywhere = layered(Shipment("Caps", 2, "line-1", "all", "request-3", 413), image)
    assert plant.patient("PUT", f"/configurations/{everywhere['id']}", everywhere).status_code == 200
    (silent,) = lands(everywhere["id"], "silent", 1, late=True)
    assert silent.device.id == OTHER and not silent.device.is_connected
    assert explain_landing(silent).reason == "edge-not-taken"
