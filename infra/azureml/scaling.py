"""Making GPU clusters, and changing how far they grow."""

from dataclasses import dataclass
from typing import Any

from infra.azureml.clusters import API
from infra.azureml.connection import Connection


@dataclass(frozen=True)
class Scale:
    """Nodes at least and at most; a node that idles for `idle_seconds` is given back."""

    min_nodes: int
    max_nodes: int
    idle_seconds: int | None


def make(
    connection: Connection, name: str, location: str, vm_size: str, scale: Scale, identity_id: str
) -> None:
    """Asks for a cluster whose nodes act as an identity; its provisioning state tells when it is there. Safe to
    repeat."""
    inner = {
        "vmSize": vm_size,
        "vmPriority": "Dedicated",
        "osType": "Linux",
        "enableNodePublicIp": True,
        "remoteLoginPortPublicAccess": "Disabled",
        "scaleSettings": _settings(scale),
    }
    properties = {
        "computeType": "AmlCompute",
        "computeLocation": location,
        "disableLocalAuth": True,
        "properties": inner,
    }
    identity = {"type": "UserAssigned", "userAssignedIdentities": {identity_id: {}}}
    body = {"location": location, "identity": identity, "properties": properties}
    connection.change("PUT", connection.arm("computes", name), body, api=API)


def change(connection: Connection, name: str, scale: Scale) -> None:
    """Changes nothing but how far a cluster grows. Safe to repeat."""
    body = {"properties": {"properties": {"scaleSettings": _settings(scale)}}}
    connection.change("PATCH", connection.arm("computes", name), body, api=API)


def _settings(scale: Scale) -> dict[str, Any]:
    bounds: dict[str, Any] = {"minNodeCount": scale.min_nodes, "maxNodeCount": scale.max_nodes}
    idle = {} if scale.idle_seconds is None else {"nodeIdleTimeBeforeScaleDown": f"PT{scale.idle_seconds}S"}
    return bounds | idle
