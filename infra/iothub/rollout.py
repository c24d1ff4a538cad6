"""How a deployment lands on its devices, told from their twins: the hub's own counts lag by minutes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from infra.iothub.deployments import Deployment
from infra.iothub.devices import Device

Phase = Literal["waiting", "outranked", "succeeded", "failed", "silent"]
DONE, AGENT_AWAY = 200, 406
GIVEN_UP = ("backoff", "failed", "unhealthy", "dead", "stopped")


@dataclass(frozen=True)
class Landing:
    """One device. `codes` say what it waits for or failed at (order-500, module-backoff, exit-137, health-failed…),
    `messages` are the words of the device; `winner` is the id of a deployment that outranks this one.
    """

    device: Device
    phase: Phase
    codes: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    winner: str = ""


@dataclass(frozen=True)
class Rollout:
    """The devices that a deployment targets, each in one phase."""

    deployment: Deployment
    landings: tuple[Landing, ...]

    @property
    def targeted(self) -> int:
        return len(self.landings)

    @property
    def applied(self) -> int:
        """Devices that were told to run this deployment's image."""
        return sum(each.device.order.image == self.deployment.image for each in self.landings)

    @property
    def waiting(self) -> tuple[Landing, ...]:
        return self._in("waiting")

    @property
    def outranked(self) -> tuple[Landing, ...]:
        return self._in("outranked")

    @property
    def succeeded(self) -> tuple[Landing, ...]:
        return self._in("succeeded")

    @property
    def failed(self) -> tuple[Landing, ...]:
        return self._in("failed")

    @property
    def silent(self) -> tuple[Landing, ...]:
        """Neither succeeded nor failed when the deadline had passed."""
        return self._in("silent")

    @property
    def is_done(self) -> bool:
        """Whether every device runs the model and says so; false where there is no device."""
        return bool(self.landings) and len(self.succeeded) == len(self.landings)

    def _in(self, phase: Phase) -> tuple[Landing, ...]:
        return tuple(each for each in self.landings if each.phase == phase)


def rollout(
    deployment: Deployment,
    devices: Iterable[Device],
    deployments: Iterable[Deployment],
    *,
    now: datetime,
    deadline: datetime,
    heard_since: datetime | None = None,
) -> Rollout:
    """Pure: from what was read a moment ago. After `deadline` who still waits is silent.

    A twin keeps the last words of a device that has gone dark. With `heard_since` they only count where the device is
    connected now, or was heard of then or later.
    """
    known = {each.id: each for each in deployments}
    landings = []
    for device in devices:
        if deployment.id in device.deployments:
            landing = _landing(deployment, device, known)
            if landing.phase == "succeeded" and heard_since and not device.was_heard(heard_since):
                landing = Landing(device, "waiting", ("out-of-touch",))
            if landing.phase == "waiting" and now >= deadline:
                landing = Landing(device, "silent", landing.codes, landing.messages)
            landings.append(landing)
    return Rollout(deployment, tuple(landings))


def _landing(deployment: Deployment, device: Device, known: dict[str, Deployment]) -> Landing:
    order = device.order
    if order.image != deployment.image:
        winner = _winner(deployment, device, known)
        return (
            Landing(device, "outranked", winner=winner)
            if winner
            else Landing(device, "waiting", ("not-written",))
        )
    if not order.was_taken:
        return Landing(device, "waiting", ("not-taken",))
    if order.code not in (DONE, AGENT_AWAY, None):
        return Landing(device, "failed", (f"order-{order.code}", *_module_codes(device)), _words(device))
    return _by_module(deployment, device)


def _by_module(deployment: Deployment, device: Device) -> Landing:
    module, report = device.module, device.report
    if module is None or module.image != deployment.image:
        return Landing(device, "waiting", (_away(device) or "not-started",))
    if module.status in GIVEN_UP:
        return Landing(device, "failed", _module_codes(device), _words(device))
    if (report.model, report.version) == (deployment.model, deployment.version):
        if report.health == "failed":
            return Landing(device, "failed", ("health-failed",), (report.reason,) if report.reason else ())
        if report.health == "ok" and module.status == "running":
            return Landing(device, "succeeded")
    return Landing(device, "waiting", (_away(device) or "not-reported",))


def _winner(deployment: Deployment, device: Device, known: dict[str, Deployment]) -> str:
    """The id of the deployment that the device follows in place of this one; empty where the hub is only behind."""
    applied = [
        known[name] for name, status in device.deployments.items() if status == "Applied" and name in known
    ]
    above = [
        each for each in applied if each.image == device.order.image and each.priority >= deployment.priority
    ]
    if above:
        return max(above, key=lambda each: each.priority).id
    if device.deployments[deployment.id] == "Applied":
        return ""
    others = [name for name, status in device.deployments.items() if status == "Applied"]
    return others[0] if others else ""


def _away(device: Device) -> str:
    return "agent-away" if device.order.code == AGENT_AWAY else ""


def _module_codes(device: Device) -> tuple[str, ...]:
    module = device.module
    if module is None or module.status not in GIVEN_UP:
        return ()
    ended = (f"exit-{module.exit_code}",) if module.exit_code else ()
    return (*ended, f"module-{module.status}")


def _words(device: Device) -> tuple[str, ...]:
    said = (device.order.description, device.module.description if device.module else "")
    return tuple(words for words in dict.fromkeys(said) if words)
