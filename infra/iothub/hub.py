"""One IoT Hub, as Spotter sees it."""

from dataclasses import dataclass
from datetime import datetime

from infra.http.connected import Connected
from infra.http.types import Gate, always
from infra.iothub import deployments, devices, rollout
from infra.iothub.connection import Connection
from infra.iothub.deployments import ALL, Deployment
from infra.iothub.devices import Device
from infra.iothub.rollout import Rollout


@dataclass(frozen=True)
class Survey:
    """All of our deployments and all edge devices, as they were a moment ago. Asking it asks nobody else."""

    deployments: tuple[Deployment, ...]
    devices: tuple[Device, ...]

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


class Hub(Connected[Connection]):
    """Every call may raise `infra.http.errors.AzureError`, and every call may be made from any thread.

    A call takes at most some tens of seconds, retries included; nothing waits for a device.
    """

    @classmethod
    def connect(cls, host_name: str, gate: Gate = always) -> "Hub":
        """`host_name` is such as plant.azure-devices.net. Reads the identity at the first call, not before."""
        return cls(lambda: Connection.open(host_name, gate))

    def survey(self) -> Survey:
        """Everything at once, in three calls: a hub lets itself be asked twenty times a minute of each kind."""
        ours = deployments.all_of_ours(self.connection)
        return Survey(tuple(ours), tuple(devices.all_edge_devices(self.connection)))

    def deployment(self, deployment_id: str) -> Deployment | None:
        """With the hub's own counts; None where it is not there, or no more."""
        return deployments.one(self.connection, deployment_id)

    def withdraw(self, deployment_id: str) -> None:
        """Deletes it, so that the one below it applies again; gone is done. Raises Refused for one that is not ours,
        Unclear where it may still be there: ask again.
        """
        deployments.withdraw(self.connection, deployment_id)
