"""One IoT Hub: its devices and deployments, and the work it does behind every request."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.azure.times import now
from sandbox.edge.errors import iot_error
from sandbox.edge.hub.configurations import Configuration
from sandbox.edge.hub.rollout import roll_out
from sandbox.edge.hub.twins import Device, Module
from sandbox.edge.pace import Pace
from sandbox.edge.query.parser import Query, parse_query

log = logging.getLogger(__name__)

A_MINUTE = {"configurations": 20, "queries": 20, "registry": 100}
"""What one S1 unit answers in a minute."""
OPERATIONS = {
    "configurations": "ConfigurationOperations",
    "queries": "Query",
    "registry": "RegistryOperations",
}


class Hub:
    """What devices do to it they do by `connect` and `report`, for it speaks none of their protocols.

    Devices and configurations may be added from any thread.
    """

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.devices: dict[str, Device] = {}
        self.configurations: dict[str, Configuration] = {}
        self._index: dict[str, list[dict[str, Any]]] = {"devices": [], "devices.modules": []}
        self._found_in_index: dict[Query, list[dict[str, Any]]] = {}
        self._asked: dict[str, deque[float]] = {kind: deque() for kind in A_MINUTE}
        self._work: list[asyncio.Task[None]] = []

    def start(self) -> None:
        for every, work in (
            (lambda: self.pace.evaluation, self.evaluate),
            (lambda: self.pace.index, self.look),
            (lambda: self.pace.metrics, self.count),
        ):
            self._work.append(asyncio.ensure_future(_again_and_again(every, work)))

    async def stop(self) -> None:
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    def add_device(self, device_id: str, tags: Mapping[str, Any]) -> Device:
        device = self.devices[device_id] = Device(device_id, tags)
        return device

    def connect(self, device_id: str, *, connected: bool) -> None:
        """The state of the edge agent's own twin never changes, as in Azure."""
        device = self.devices[device_id]
        for module in device.everything():
            if module is not device.agent:
                module.connected = connected
        device.last_activity = now()

    def report(self, device_id: str, module_id: str, change: Mapping[str, Any]) -> int:
        """Takes a merge patch; the version of the reported properties, 0 where there is no such module."""
        device = self.devices[device_id]
        device.last_activity = now()
        module = device.modules.get(module_id)
        if module is None:
            return 0
        module.last_activity = now()
        module.reported.patch(change)
        return module.reported.version

    def evaluate(self) -> None:
        """Finds the devices of every deployment, and tells them."""
        for device in list(self.devices.values()):
            roll_out(device, list(self.configurations.values()))

    def look(self) -> None:
        """Takes the picture of all twins that queries are answered from."""
        devices = list(self.devices.values())
        self._index = {
            "devices": [device.twin() for device in devices],
            "devices.modules": [module.twin() for device in devices for module in device.modules.values()],
        }
        self._found_in_index.clear()

    def count(self) -> None:
        """Counts what every deployment's metrics find."""
        for configuration in list(self.configurations.values()):
            configuration.system_results = {
                name: self._found(query) for name, query in configuration.system_queries.items()
            }
            configuration.results = {
                name: self._found(query) for name, query in configuration.queries.items()
            }

    def _found(self, query: str) -> int:
        return len(self.rows(parse_query(query))) if query else 0

    def rows(self, query: Query) -> list[dict[str, Any]]:
        """All that it finds, looked for once however many pages are asked for."""
        if query not in self._found_in_index:
            self._found_in_index[query] = query.rows(self._index[query.collection])
        return self._found_in_index[query]

    def module(self, device_id: str, module_id: str) -> Module | None:
        device = self.devices.get(device_id)
        return device.modules.get(module_id) if device else None

    def throttle(self, kind: str) -> None:
        """Raises the hub's 429 where more was asked in this minute than the hub's unit answers."""
        asked, at = self._asked[kind], asyncio.get_running_loop().time()
        while asked and asked[0] <= at - self.pace.minute:
            asked.popleft()
        if len(asked) >= A_MINUTE[kind]:
            text = (
                "The request has been throttled. Wait 10 seconds and try again. "
                f"Operation type: {OPERATIONS[kind]}"
            )
            raise iot_error(429, "ThrottlingBacklogTimeout", text, {"Connection": "close"})
        asked.append(at)


async def _again_and_again(every: Callable[[], float], work: Callable[[], None]) -> None:
    while True:
        try:
            work()
        except Exception:
            log.exception("%s broke the twin", work.__name__)
        await asyncio.sleep(every())
