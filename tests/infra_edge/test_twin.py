"""The module as a member of its device: its twin says which model it runs and how it is."""

import asyncio
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from infra.edge.module.workload import Identity, NoWorkload
from sandbox.edge.edge_hub import EdgeHub
from tests.infra_edge.conftest import SECONDS, Start

HOST_NAME = "bottling-line.azure-devices.net"
DEVICE, MODULE = "line-1 camera", "detector"


@dataclass
class Device:
    """An edge hub on a loop of its own, and what it was told."""

    loop: asyncio.AbstractEventLoop
    patches: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hub = EdgeHub(self._reported, HOST_NAME)

    def _reported(self, device: str, module: str, patch: dict[str, Any]) -> int:
        assert (device, module) == (DEVICE, MODULE)
        self.patches.append(patch)
        return len(self.patches) + 1

    def at(self, act: Callable[[], None]) -> None:
        self.loop.call_soon_threadsafe(act)

    def tells(self, after: int = 0, **expected: str) -> dict[str, Any]:
        """The first report that is as expected, when it comes; those up to `after` do not count."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            for patch in self.patches[after:]:
                if patch.items() >= expected.items():
                    return patch
            time.sleep(0.01)
        raise AssertionError(f"{expected} is not among {self.patches}")


@pytest.fixture
def device() -> Iterator[Device]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    device = Device(loop)
    asyncio.run_coroutine_threadsafe(device.hub.start(), loop).result(SECONDS)
    yield device
    asyncio.run_coroutine_threadsafe(device.hub.stop(), loop).result(SECONDS)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(SECONDS)
    loop.close()


def test_the_twin_says_what_runs_and_how_it_is(
    device: Device, model: Path, tmp_path: Path, start: Start
) -> None:
    given = device.hub.environment(DEVICE, MODULE, "generation-1")
    start(model, **given)
    said: dict[str, Any] = {
        "modelName": "Cap_Detection_Model",
        "modelVersion": "3",
        "health": "ok",
        "reason": "",
    }
    device.tells(**said)
    assert device.hub.connected == {(DEVICE, MODULE)}
    # Cut off and back again: it finds its way, and tells all anew.
    before = len(device.patches)
    device.at(lambda: device.hub.cut(DEVICE))
    device.at(lambda: device.hub.mend(DEVICE))
    device.tells(after=before, **said)
    # A new generation takes the older one's place; without a model it says why.
    start(tmp_path, **device.hub.environment(DEVICE, MODULE, "generation-2"))
    assert "no model was built in" in device.tells(health="failed")["reason"]


def test_it_waits_for_its_device(device: Device, model: Path, start: Start) -> None:
    """The runtime starts modules before its own parts answer: first nobody signs for it, then edgeHub is away."""
    given = device.hub.environment(DEVICE, MODULE, "generation-1")
    device.hub.environment(DEVICE, MODULE, "generation-2")
    module = start(model, **given)
    assert module.settled()[0] == 200, "the line goes on while the hub is away"
    device.at(lambda: device.hub.cut(DEVICE))
    device.hub.environment(DEVICE, MODULE, "generation-1")
    device.at(lambda: device.hub.mend(DEVICE))
    device.tells(health="ok")


def test_nobody_else_gets_in(device: Device) -> None:
    given = device.hub.environment(DEVICE, MODULE, "generation-1")
    identity = Identity.from_environment(given)
    assert identity is not None and Identity.from_environment(given | {"IOTEDGE_DEVICEID": ""}) is None
    token = identity.token()
    user = f"{HOST_NAME}/{identity.client_id}/?api-version=2021-04-12"
    assert device.hub.keys.lets_in(DEVICE, MODULE, user, token)
    assert not device.hub.keys.lets_in("line-2 camera", MODULE, user, token)
    assert not device.hub.keys.lets_in(DEVICE, MODULE, user, token.replace("se=1", "se=2"))
    assert not device.hub.keys.lets_in(DEVICE, MODULE, f"{HOST_NAME}/{identity.client_id}", token)
    device.hub.environment(DEVICE, MODULE, "generation-2")
    with pytest.raises(NoWorkload, match="404"):
        identity.token()
    refused: list[bool] = []
    client = Client(CallbackAPIVersion.VERSION2, identity.client_id, protocol=MQTTProtocolVersion.MQTTv311)
    client.tls_set_context(ssl.create_default_context(cadata=identity.trust_bundle()))
    client.username_pw_set(user, token)
    client.on_connect = lambda *told: refused.append(told[3].is_failure)
    client.connect(*identity.edge_hub)
    until = time.monotonic() + SECONDS
    while not refused and time.monotonic() < until:
        client.loop(0.1)
    assert refused == [True]
