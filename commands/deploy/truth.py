"""What IoT Hub and the devices say themselves about a shipment; a green pipeline proves nothing about devices."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from commands.kit.health import IOT_HUB
from commands.kit.once import Once
from commands.kit.services import Services
from infra.azureml.models import ModelVersion
from infra.devops.project import Project
from infra.devops.runs import Run
from infra.failures.devices import explain_landing
from infra.http.errors import AzureError
from infra.iothub.deployments import ALL, Deployment
from infra.iothub.errors import Resting
from infra.iothub.hub import Hub, Survey
from infra.iothub.rollout import Rollout
from storage.deployments import Deployment as Request

LOOK, DEVICES = "deployments", "devices of deployments"  # a hub may tell of the ones and not of the others
SHOWN = 5
Answer = TypeVar("Answer")


class Look:
    """One look at IoT Hub, the registry and the edge pipeline's runs, shared by every request of a pass: a hub lets
    itself be asked a few times a minute only, so it is about the devices of these requests' targets alone, or of one
    ring of them, and goes on reading with the next look where the hub grants no more.

    So devices may tell of a moment before something that is to be judged: each judgement asks `as_of`, and waits for
    the next reading where this one began too early."""

    def __init__(self, services: Services, open_now: Sequence[Request], *, ring: str = "") -> None:
        self._services = services
        self._targets = frozenset(each.target for each in open_now if each.state != "waiting")
        self._ring = ring
        self.trouble: AzureError | None = None
        rings = [ring for each in open_now for ring in each.rings or []]
        self._asked_for = frozenset(ring["run_id"] for ring in rings if ring["state"] == "queued")
        self._runs: Once[frozenset[int], dict[int, Run]] = Once(lambda ids: self.devops.runs_by_id(ids))
        self.version: Once[tuple[str, int], ModelVersion] = Once(lambda which: services.azure.version(*which))
        self.files_digest = Once(services.azure.files_digest)

    def edge_run(self, run_id: int) -> Run:
        """A run of the edge pipeline; one call tells those of all rings that were handed over. Raises NotFound."""
        return self._runs(self._asked_for).get(run_id) or self.devops.run(run_id)

    @cached_property
    def deployed(self) -> Survey:
        """The deployments alone. Raises AzureError, which is then also told as IoT Hub's trouble."""
        return self._asked(self.hub.deployed, about=LOOK)

    @property
    def survey(self) -> Survey:
        """With the devices. Raises Resting where that takes longer, and as `deployed`."""
        return self._read[0]

    @property
    def as_of(self) -> datetime:
        """The moment of which the devices tell at least: when reading them began. Raises as `survey`."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[Survey, datetime]:
        there, now = self.deployed, self._services.clock.now()
        found, began = self._asked(
            lambda: self.hub.devices_by_and_by(now, self._targets, ring=self._ring), about=DEVICES
        )
        return replace(there, devices=found), began

    def _asked(self, ask: Callable[[], Answer], *, about: str) -> Answer:
        if self.trouble:
            raise self.trouble  # for every request of this pass the same
        try:
            answer = ask()
        except Resting as rest:
            self.trouble = rest
            raise
        except AzureError as trouble:
            self.trouble = trouble
            self._services.health.trouble(IOT_HUB, str(trouble), about=about)
            raise
        self._services.health.well(IOT_HUB, about=about)
        return answer

    @property
    def devops(self) -> Project:
        assert self._services.devops is not None  # noqa: S101  the command refuses to start without one
        return self._services.devops

    @property
    def hub(self) -> Hub:
        assert self._services.hub is not None  # noqa: S101  the command refuses to start without one
        return self._services.hub

    def incumbent(self, target: str, without: str) -> Deployment | None:
        """What all devices of a target are told to run now, leaving out the rings of one request."""
        there = [
            each
            for each in self.deployed.deployments
            if each.target == target and each.ring == ALL and each.key != without
        ]
        return max(there, key=lambda each: each.priority, default=None)

    def truth(
        self,
        ring: dict[str, Any],
        target: str,
        *,
        now: datetime,
        deadline: datetime,
        heard_since: datetime | None = None,
    ) -> dict[str, Any]:
        """Counts of a ring's devices and the ids of those in trouble, as a request's record keeps them.

        Every device with the ring's tags counts, also one that the hub has not told yet. A device that has not been
        in touch since `heard_since` is not healthy, whatever it said before; one that has gone on to a later ring of
        the same request is that ring's affair, and well here.
        """
        rollout = self.survey.rollout(
            ring["configuration"], now=now, deadline=deadline, heard_since=heard_since
        )
        landings = rollout.landings if rollout else ()
        told = {landing.device.id for landing in landings}
        untold = [device.id for device in self.survey.in_ring(target, ring["name"]) if device.id not in told]
        own = {each.id for each in self.survey.of_request(rollout.deployment.key)} if rollout else set()
        replaced = [landing for landing in rollout.outranked if landing.winner in own] if rollout else []
        outranked = [landing for landing in rollout.outranked if landing.winner not in own] if rollout else []
        late = (*rollout.silent, *(outranked if now >= deadline else ())) if rollout else ()
        failed = rollout.failed if rollout else ()
        late_ids = [landing.device.id for landing in late] + (untold if now >= deadline else [])
        return {
            "targeted": len(landings) + len(untold),
            "healthy": len(rollout.succeeded) + len(replaced) if rollout else 0,
            "failed": len(failed),
            "silent": len(late_ids),
            "failed_ids": _shortened([landing.device.id for landing in failed]),
            "silent_ids": _shortened(late_ids),
            "why": _why(rollout) if rollout else "",
        }


def forget_troubles(services: Services) -> None:
    """No request needs IoT Hub now, so what was wrong with it is no trouble of theirs any more."""
    for about in (LOOK, DEVICES):
        services.health.well(IOT_HUB, about=about)


def _shortened(ids: list[str]) -> list[str]:
    return ids[:SHOWN] + ([f"{len(ids) - SHOWN} more"] if len(ids) > SHOWN else [])


def _why(rollout: Rollout) -> str:
    """Of the first device in trouble."""
    troubled = (*rollout.failed, *rollout.outranked, *rollout.silent)
    if not troubled:
        return ""
    told = explain_landing(troubled[0])
    return f"{told.cause} {told.remedy}".strip()
