"""One device on a line, and what can happen to it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import aiohttp

from sandbox.edge.edge_hub import EdgeHub
from sandbox.edge.hub.hub import Hub
from sandbox.edge.plant.agent import EdgeAgent
from sandbox.edge.plant.camera import Camera, Seen
from sandbox.edge.plant.storage import Storage
from sandbox.edge.registry.store import Store

log = logging.getLogger(__name__)

MODULE = "detector"
Failure = Literal["memory", "storage"]
Result = TypeVar("Result")


@dataclass(frozen=True)
class DeviceView:
    """A device as someone beside the line sees it. `health` is what its module says: starting, ok, failed; or none.

    `wanted` is the image that its twin asks for, `runs` the one that runs; `restarts` counts how often it ended.
    """

    id: str
    line: str
    ring: str
    is_online: bool
    wanted: str | None
    runs: str | None
    model: str
    health: str
    reason: str
    restarts: int
    seen: Seen | None


class Device:
    """Its controls are synchronous and safe from any thread."""

    def __init__(
        self,
        id_: str,
        line: str,
        ring: str,
        number: int,
        hub: Hub,
        edge_hub: EdgeHub,
        registry: Store,
        folder: Path,
    ) -> None:
        self.id = id_
        self.line = line
        self.ring = ring
        self._hub = hub
        self._edge_hub = edge_hub
        self._storage = Storage(folder / "images", registry)
        folder.mkdir(parents=True, exist_ok=True)
        self._agent = EdgeAgent(id_, hub, edge_hub, self._storage, folder)
        place = id_.upper().replace("-CAM", "  CAM").replace("-", " ")
        self._camera = Camera(number, place)
        self._online = True
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reboots = False

    async def live(self, session: aiohttp.ClientSession) -> None:
        """Until it is cancelled; its processes end with it."""
        self._loop = asyncio.get_running_loop()
        hub = self._hub
        hub.connect(self.id, connected=True)
        looking = asyncio.ensure_future(
            self._again_and_again(lambda: hub.pace.picture, lambda: self._camera.look(session, self._port))
        )
        try:
            await self._again_and_again(lambda: hub.pace.sync, self._turn)
        finally:
            looking.cancel()
            await self._agent.stop()

    async def _again_and_again(self, every: Callable[[], float], work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except Exception:
                log.exception("%s broke", self.id)
            await asyncio.sleep(every())

    async def _turn(self) -> None:
        if self._reboots:
            self._reboots = False
            await self._agent.stop()
        await self._agent.sync(online=self._online)

    @property
    def _port(self) -> int | None:
        module = self._agent.modules.get(MODULE)
        return module.process.port if module and module.process else None

    def fail(self, how: Failure = "memory") -> None:
        """From now on every image but the ones that run fails here: the kernel kills it for want of memory, or its
        model arrives broken and the module says that it cannot load it.
        """

        def work() -> None:
            if how == "memory":
                self._agent.fitting = {module.image.digest for module in self._agent.modules.values()}
            else:
                self._storage.damage({module.folder for module in self._agent.modules.values()})

        self._do(work)

    def go_silent(self) -> None:
        """Its way to the hub is cut; the line goes on with what the device runs."""

        def work() -> None:
            self._online = False
            self._edge_hub.cut(self.id)
            self._hub.connect(self.id, connected=False)

        self._do(work)

    def recover(self) -> None:
        """Somebody mends it: way to the hub, memory, storage; and starts it anew where it had failed."""

        def work() -> None:
            broken = self._agent.fitting is not None or self._storage.is_damaged
            self._online, self._agent.fitting = True, None
            self._storage.repair()
            self._edge_hub.mend(self.id)
            self._hub.connect(self.id, connected=True)
            if broken:
                self._reboots = True

        self._do(work)

    def view(self) -> DeviceView:
        return self._do(self._view)

    def _view(self) -> DeviceView:
        wanted: dict[str, Any] = self._hub.devices[self.id].agent.desired.values.get("modules", {})
        module, health = self._agent.modules.get(MODULE), self._camera.health
        runs = module if module and module.process else None
        name, version = health.get("modelName"), health.get("modelVersion")
        return DeviceView(
            id=self.id,
            line=self.line,
            ring=self.ring,
            is_online=self._online,
            wanted=wanted[MODULE]["settings"]["image"] if MODULE in wanted else None,
            runs=runs.spec["settings"]["image"] if runs else None,
            model=f"{name}:{version}" if runs and name else "",
            health=health.get("health", "starting") if runs else "none",
            reason=health.get("reason", ""),
            restarts=module.restarts if module else 0,
            seen=self._camera.last,
        )

    def _do(self, work: Callable[[], Result]) -> Result:
        if self._loop is None or not self._loop.is_running() or _running_loop() is self._loop:
            return work()

        async def on_loop() -> Result:
            return work()

        return asyncio.run_coroutine_threadsafe(on_loop(), self._loop).result(30)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
