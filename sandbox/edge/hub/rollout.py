"""Which deployments win on a device, and what its modules are told to run in consequence."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from sandbox.edge.hub.configurations import Configuration, condition_of
from sandbox.edge.hub.twins import SYSTEM_MODULES, Device, Module

Desired = dict[str, dict[str, Any]]


def roll_out(device: Device, configurations: Iterable[Configuration]) -> None:
    """Writes the device's module twins as its deployments want them; without any, what runs goes on running."""
    twin = device.twin()
    targeting = sorted((c for c in configurations if _targets(c, twin)), key=_rank)
    base = next((c for c in reversed(targeting) if not c.is_layered), None)
    layers = [c for c in targeting if base is not None and c.is_layered and c.priority > base.priority]
    applied = [base, *layers] if base else []
    device.agent.configurations = {
        c.id: {"status": "Applied" if c in applied else "Targeted"} for c in targeting
    }
    if applied:
        _write(device, _merged(applied))


def _targets(configuration: Configuration, twin: dict[str, Any]) -> bool:
    if not configuration.target:
        return False
    condition = condition_of(configuration.target)
    return condition is None or condition.value(twin) is True


def _rank(configuration: Configuration) -> tuple[int, Any]:
    """The highest priority wins, and among equals the newest."""
    return configuration.priority, configuration.created


def _merged(applied: list[Configuration]) -> Desired:
    """Desired properties by module: the base's, then each layer's on top, the weakest first."""
    found: Desired = {}
    for configuration in applied:
        for module, parts in configuration.content.items():
            for path, value in parts.items():
                below = path.split(".")[2:]
                if not below:
                    found[module] = deepcopy(value)
                    continue
                place = found.setdefault(module, {})
                for step in below[:-1]:
                    place = place.setdefault(step, {})
                place[below[-1]] = deepcopy(value)
    return found


def _write(device: Device, wanted: Desired) -> None:
    modules = wanted["$edgeAgent"].get("modules")
    names = set(modules) if isinstance(modules, dict) else set()
    for name in set(device.modules) - names - set(SYSTEM_MODULES):
        del device.modules[name]
    for name in sorted(names - set(device.modules)):
        device.modules[name] = Module(device.device_id, name, "iotEdge")
    for name, module in device.modules.items():
        desired = wanted.get(name)
        if desired is not None and desired != module.desired.values:
            module.desired.replace(desired)
            module.revision += 1
