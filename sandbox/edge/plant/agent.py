"""The edge agent of one device: makes what runs like what the twin wants, and reports how that goes."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.edge.edge_hub import EdgeHub
from sandbox.edge.hub.hub import Hub
from sandbox.edge.plant.module import RunningModule
from sandbox.edge.plant.process import ModuleProcess
from sandbox.edge.plant.storage import Storage
from sandbox.edge.registry.store import ImageNotFound

RUNTIME_VERSION = "1.5.21"
SCHEMA_VERSIONS = ("1.0", "1.1")
OK, EMPTY, BAD_FORMAT, BAD_SCHEMA, FAILED = 200, 417, 400, 412, 500


class EdgeAgent:
    def __init__(self, device_id: str, hub: Hub, edge_hub: EdgeHub, storage: Storage, logs: Path) -> None:
        self.modules: dict[str, RunningModule] = {}
        self.fitting: set[str] | None = None
        """While memory is short: digests of the images for which there is enough; the kernel kills any other."""
        self._device_id = device_id
        self._hub = hub
        self._edge_hub = edge_hub
        self._storage = storage
        self._logs = logs
        self._reported: dict[str, Any] = {}

    async def sync(self, *, online: bool) -> None:
        """One look at what is wanted (while there is a way to the hub) and at what runs."""
        desired = self._hub.devices[self._device_id].agent.desired
        version, code, said = desired.version, OK, ""
        if online:
            code, said = await self._follow(desired.values)
        for name, module in self.modules.items():
            await self._keep(name, module)
        if online:
            self._report(version, code, said, desired.values)

    async def stop(self) -> None:
        """Ends what runs, and forgets it."""
        for module in self.modules.values():
            if module.process is not None:
                await module.process.stop()
        self.modules.clear()

    async def _follow(self, wanted: Mapping[str, Any]) -> tuple[int, str]:
        """Code and description of the outcome. What cannot be had leaves in place what runs."""
        if wrong := _problem(wanted):
            return wrong
        for name in set(self.modules) - set(wanted["modules"]):
            await self._remove(name)
        problems = []
        for name, spec in wanted["modules"].items():
            before = self.modules.get(name)
            if before is not None and before.is_for(spec):
                continue
            try:
                image, folder = await self._storage.pull(spec["settings"]["image"])
            except ImageNotFound as missing:
                problems.append(f"Error calling pull image for module {name}: {missing}")
                continue
            if before is not None:
                await self._remove(name)
            self.modules[name] = RunningModule(dict(spec), image, folder)
        return (FAILED, "; ".join(problems)) if problems else (OK, "")

    async def _remove(self, name: str) -> None:
        module = self.modules.pop(name)
        if module.process is not None:
            await module.process.stop()

    async def _keep(self, name: str, module: RunningModule) -> None:
        """Starts what should run and does not, also again and again."""
        module.has_ended(self._hub.pace.backoff)
        identity = self._hub.module(self._device_id, name)
        if not module.may_start or identity is None:
            return
        if module.ended is not None:
            module.restarts += 1
        environment = {
            **module.variables,
            **self._edge_hub.environment(self._device_id, name, identity.generation),
        }
        log = self._logs / f"{self._device_id}-{name}.log"
        process = await ModuleProcess.start(module.folder, module.image.settings, environment, log)
        module.begins(process)
        if self.fitting is not None and module.image.digest not in self.fitting:
            process.kill()

    def _report(self, version: int, code: int, said: str, wanted: Mapping[str, Any]) -> None:
        """Tells what has changed since the last time."""
        system = wanted.get("systemModules", {}) if code == OK else {}
        now: dict[str, Any] = {
            "lastDesiredVersion": version,
            "lastDesiredStatus": {"code": code, "description": said},
            "schemaVersion": "1.1",
            "version": {"version": RUNTIME_VERSION, "build": "", "commit": ""},
            "runtime": {"platform": {"os": "linux", "architecture": "x86_64"}, "type": "docker"},
            "systemModules": {name: _system(spec) for name, spec in system.items()},
            "modules": {name: module.told() for name, module in self.modules.items()},
        }
        gone = set(self._reported.get("modules", {})) - set(now["modules"])
        change = {key: value for key, value in now.items() if self._reported.get(key) != value}
        if gone:
            change["modules"] = {**now["modules"], **dict.fromkeys(gone)}
        if change:
            self._hub.report(self._device_id, "$edgeAgent", change)
        self._reported = now


def _problem(wanted: Mapping[str, Any]) -> tuple[int, str] | None:
    """Why an edge agent would not take this, with its code."""
    if not wanted:
        return EMPTY, "Empty configuration"
    if wanted.get("schemaVersion") not in SCHEMA_VERSIONS:
        return BAD_SCHEMA, f"The schema version {wanted.get('schemaVersion')} is not supported."
    with contextlib.suppress(KeyError, TypeError, AttributeError):
        docker = wanted["runtime"]["type"] == "docker"
        system = all(wanted["systemModules"][name]["settings"]["image"] for name in ("edgeAgent", "edgeHub"))
        modules = all(
            spec["type"] == "docker"
            and spec["settings"]["image"]
            and spec["status"] in ("running", "stopped")
            for spec in wanted["modules"].values()
        )
        if docker and system and modules:
            return None
    return BAD_FORMAT, "Agent configuration format is invalid."


def _system(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "docker",
        "status": spec.get("status", "running"),
        "exitCode": 0,
        "statusDescription": "running",
        "runtimeStatus": "running",
        "settings": dict(spec["settings"]),
    }
