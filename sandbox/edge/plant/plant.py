"""All devices of the plant, each living as a task of the world's loop."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from sandbox.edge.edge_hub import EdgeHub
from sandbox.edge.hub.hub import Hub
from sandbox.edge.plant.device import Device, DeviceView
from sandbox.edge.registry.store import Store

LINES = {"line-1": 3, "line-2": 2, "line-3": 2}
"""Devices on each line; the first one is the canary."""


class Plant:
    def __init__(
        self,
        hub: Hub,
        edge_hub: EdgeHub,
        registry: Store,
        folder: Path,
        lines: Mapping[str, int] = LINES,
    ) -> None:
        self.devices: dict[str, Device] = {}
        self._lives: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None
        for line, count in lines.items():
            for place in range(1, count + 1):
                id_, ring = f"{line}-cam-{place}", "canary" if place == 1 else ""
                hub.add_device(id_, {"target": line, **({"ring": ring} if ring else {})})
                number = len(self.devices) + 1
                self.devices[id_] = Device(id_, line, ring, number, hub, edge_hub, registry, folder / id_)

    async def start(self) -> None:
        self._session = aiohttp.ClientSession()
        self._lives = [asyncio.ensure_future(device.live(self._session)) for device in self.devices.values()]

    async def stop(self) -> None:
        """Ends every module's process."""
        for life in self._lives:
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def __getitem__(self, device_id: str) -> Device:
        return self.devices[device_id]

    def view(self) -> list[DeviceView]:
        """Every device as it is now, line by line. Safe from any thread."""
        return [device.view() for device in self.devices.values()]
