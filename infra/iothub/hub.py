"""One IoT Hub, as Spotter sees it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from infra.http.answers import MOST_PAGES, endless
from infra.http.connected import Connected
from infra.http.errors import AzureError, Refused, Throttled
from infra.http.types import Gate, always
from infra.iothub import deployments, rollout
from infra.iothub.connection import Connection
from infra.iothub.deployments import ALL, Deployment
from infra.iothub.devices import Device, Reading
from infra.iothub.errors import Resting
from infra.iothub.rollout import Rollout

FORGOTTEN_AFTER = timedelta(minutes=5)
"""What nobody went on reading for so long is read anew: a rollout is judged by what is so now."""
ALL_FORGOTTEN_AFTER = timedelta(hours=1)
"""The same for all devices, which nobody judges by."""

GRANTED_WITHIN = timedelta(minutes=2)
"""A hub that answers no page for so long is in trouble; its throttles are of a minute."""


@dataclass(frozen=True)
class Survey:
    """All of our deployments and edge devices, as they were a moment ago. Asking it asks nobody else."""

    deployments: tuple[Deployment, ...]
    devices: tuple[Device, ...] = ()

    def deployment(self, deployment_id: str) -> Deployment | None:
        return next((each for each in self.deployments if each.id == deployment_id), None)

    def rollout(
        self, deployment_id: str, *, now: datetime, deadline: datetime, heard_since: datetime | None = None
    ) -> Rollout | None:
        """None for a deployment that is not there, or no more."""
        found = self.deployment(deployment_id)
        if found is None:
            return None
        return rollout.rollout(
            found, self.devices, self.deployments, now=now, deadline=deadline, heard_since=heard_since
        )

    def in_ring(self, target: str, ring: str) -> tuple[Device, ...]:
        """Who a shipment to this ring will be for; ring `all` has the canaries too."""
        there = (device for device in self.devices if device.target == target)
        return tuple(device for device in there if ring in (ALL, device.ring))

    def of_request(self, key: str) -> list[Deployment]:
        """All rings of a request: to undo it, withdraw each."""
        return deployments.of_request(self.deployments, key)

    def below(self, deployment: Deployment) -> Deployment | None:
        """What its devices go back to when its request is withdrawn; None: they would have nothing to go back to."""
        return deployments.below(self.deployments, deployment)

    def superseded(self, deployment: Deployment) -> list[Deployment]:
        """What may be withdrawn when this one, of ring `all`, has succeeded: a hub takes a hundred deployments."""
        return deployments.superseded(self.deployments, deployment)


class _Scope(NamedTuple):
    """Whose devices are read."""

    targets: frozenset[str] | None
    ring: str

    @property
    def forgotten_after(self) -> timedelta:
        return ALL_FORGOTTEN_AFTER if self.targets is None else FORGOTTEN_AFTER


@dataclass(frozen=True)
class _Kept:
    """A reading that was begun and not ended."""

    reading: Reading
    began: datetime
    went_on: datetime


class Hub(Connected[Connection]):
    """Every call may raise `infra.http.errors.AzureError`, and every call may be made from any thread.

    A call takes at most some tens of seconds, retries included; nothing waits for a device.
    """

    @classmethod
    def connect(cls, host_name: str, gate: Gate = always) -> "Hub":
        """`host_name` is such as plant.azure-devices.net. Reads the identity at the first call, not before."""
        return cls(lambda: Connection.open(host_name, gate))

    @cached_property
    def _readings(self) -> dict[_Scope, _Kept]:
        """Those that were begun and not ended."""
        return {}

    def deployed(self) -> Survey:
        """The deployments alone, in one call."""
        return Survey(tuple(deployments.all_of_ours(self.connection)))

    def survey(self) -> Survey:
        """With all devices, at once."""
        return replace(self.deployed(), devices=self.devices())

    def devices(self, targets: Iterable[str] | None = None) -> tuple[Device, ...]:
        """Of these targets, or all, at once: for a large plant a hub does not answer so often."""
        found = self._reading(_scope(targets)).goes_on(MOST_PAGES)
        if found is None:
            raise endless()
        return tuple(found)

    def devices_by_and_by(
        self,
        now: datetime,
        targets: Iterable[str] | None = None,
        pages: int = MOST_PAGES,
        *,
        ring: str = "",
    ) -> tuple[tuple[Device, ...], datetime]:
        """Devices over as many looks as it takes, and when the first began, which may be before what the caller
        judges from. Those with the tag `ring` alone, where one is named. Raises Resting where it goes on with the next
        look: after so many pages, or when the hub grants no more."""
        self._forget(now)
        scope = _scope(targets, ring)
        kept = self._readings.pop(scope, None)
        if kept is None:
            kept = _Kept(self._reading(scope), began=now, went_on=now)
        try:
            found = kept.reading.goes_on(pages)
        except Refused:  # as where the hub has forgotten where the next page goes on
            raise
        except Resting:
            self._readings[scope] = replace(kept, went_on=now)
            raise
        except AzureError as trouble:
            self._readings[scope] = kept
            if isinstance(trouble, Throttled) and now < kept.went_on + GRANTED_WITHIN:
                raise Resting(trouble.message, retry_after=trouble.retry_after) from trouble
            raise
        if found is None:
            self._readings[scope] = replace(kept, went_on=now)
            raise Resting("IoT Hub is read by and by.")
        return tuple(found), kept.began

    def _forget(self, now: datetime) -> None:
        """Drops what nobody goes on reading: it may be thousands of twins."""
        for scope, kept in list(self._readings.items()):
            if now - kept.went_on > scope.forgotten_after:
                self._readings.pop(scope, None)

    def _reading(self, scope: _Scope) -> Reading:
        return Reading(self.connection, *scope)

    def deployment(self, deployment_id: str) -> Deployment | None:
        """With the hub's own counts; None where it is not there, or no more."""
        return deployments.one(self.connection, deployment_id)

    def withdraw(self, deployment_id: str) -> None:
        """Deletes it, so that the one below it applies again; gone is done. Raises Refused for one that is not ours,
        Unclear where it may still be there: ask again.
        """
        deployments.withdraw(self.connection, deployment_id)


def _scope(targets: Iterable[str] | None, ring: str = "") -> _Scope:
    return _Scope(None if targets is None else frozenset(targets), ring)
