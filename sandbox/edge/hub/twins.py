"""Devices, their modules, and the twins of both: tags, desired and reported properties."""

import base64
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.azure.times import arm_time, now

NEVER = "0001-01-01T00:00:00Z"
SYSTEM_MODULES = ("$edgeAgent", "$edgeHub")


def counter_etag(number: int) -> str:
    return base64.b64encode(number.to_bytes(8, "big")).decode()


class Properties:
    """Desired or reported properties, with the version and the times that the hub keeps with them."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.version = 1
        self._metadata: dict[str, Any] = {"$lastUpdated": NEVER}
        self._view: dict[str, Any] | None = None

    def patch(self, change: Mapping[str, Any]) -> None:
        """A merge patch: null removes, objects merge, anything else replaces."""
        _merge(self.values, change)
        self.version += 1
        _stamp(self._metadata, change, arm_time(now()))
        self._view = None

    def replace(self, values: Mapping[str, Any]) -> None:
        self.values = deepcopy(dict(values))
        self.version += 1
        self._metadata = {}
        _stamp(self._metadata, values, arm_time(now()))
        self._view = None

    def view(self) -> dict[str, Any]:
        """As of now and for good; the same one until something changes, so it is to be read only."""
        if self._view is None:
            self._view = {
                **deepcopy(self.values),
                "$metadata": deepcopy(self._metadata),
                "$version": self.version,
            }
        return self._view


@dataclass
class Module:
    """A device itself has no `module_id`."""

    device_id: str
    module_id: str | None = None
    managed_by: str | None = None
    tags: dict[str, Any] = field(default_factory=dict)
    desired: Properties = field(default_factory=Properties)
    reported: Properties = field(default_factory=Properties)
    configurations: dict[str, dict[str, str]] = field(default_factory=dict)
    revision: int = 1
    connected: bool = False
    last_activity: datetime | None = None
    generation: str = field(default_factory=lambda: str(int(datetime.now(UTC).timestamp() * 1e7)))
    identity_etag: str = field(default_factory=lambda: counter_etag(int(datetime.now(UTC).timestamp() * 1e6)))

    @property
    def etag(self) -> str:
        """Of the twin: moves with tags and desired properties, not with what a device reports."""
        return counter_etag(self.revision)

    def twin(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "deviceId": self.device_id,
            **({"moduleId": self.module_id} if self.module_id else {}),
            "etag": self.etag,
            "deviceEtag": self.identity_etag,
            "status": "enabled",
            "statusUpdateTime": NEVER,
            "connectionState": "Connected" if self.connected else "Disconnected",
            "lastActivityTime": arm_time(self.last_activity) if self.last_activity else NEVER,
            "cloudToDeviceMessageCount": 0,
            "authenticationType": "sas" if not self.managed_by else "none",
            "x509Thumbprint": {"primaryThumbprint": None, "secondaryThumbprint": None},
            "modelId": "",
            "version": self.revision + self.reported.version,
            "properties": {"desired": self.desired.view(), "reported": self.reported.view()},
        }
        if not self.module_id:
            found["tags"] = deepcopy(self.tags)
            found["capabilities"] = {"iotEdge": True}
            found["deviceScope"] = f"ms-azure-iot-edge://{self.device_id}-{self.generation}"
        if self.configurations:
            found["configurations"] = deepcopy(self.configurations)
        return found

    def identity(self) -> dict[str, Any]:
        """As the identity registry shows it; what the sandbox's devices sign in with is nobody's business."""
        found: dict[str, Any] = {
            "deviceId": self.device_id,
            **({"moduleId": self.module_id, "managedBy": self.managed_by} if self.module_id else {}),
            "generationId": self.generation,
            "etag": self.identity_etag,
            "connectionState": "Connected" if self.connected else "Disconnected",
            "connectionStateUpdatedTime": NEVER,
            "lastActivityTime": arm_time(self.last_activity) if self.last_activity else NEVER,
            "cloudToDeviceMessageCount": 0,
            "authentication": {"symmetricKey": {"primaryKey": None, "secondaryKey": None}, "type": "sas"},
        }
        if not self.module_id:
            found |= {"status": "enabled", "statusReason": None, "statusUpdatedTime": NEVER}
            found["capabilities"] = {"iotEdge": True}
        return found


class Device(Module):
    """An edge device with its modules; the hub makes those of the system itself."""

    def __init__(self, device_id: str, tags: Mapping[str, Any]) -> None:
        super().__init__(device_id, tags=dict(tags))
        self.modules = {name: Module(device_id, name, "iotEdge") for name in SYSTEM_MODULES}

    @property
    def agent(self) -> Module:
        return self.modules["$edgeAgent"]

    def everything(self) -> Iterator[Module]:
        yield self
        yield from self.modules.values()


def _merge(into: dict[str, Any], change: Mapping[str, Any]) -> None:
    for key, value in change.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, Mapping):
            inner = into.get(key)
            if not isinstance(inner, dict):
                inner = into[key] = {}
            _merge(inner, value)
        else:
            into[key] = deepcopy(value)


def merged(into: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """A merge patch of a copy."""
    found = deepcopy(into)
    _merge(found, change)
    return found


def _stamp(metadata: dict[str, Any], change: Mapping[str, Any], at: str) -> None:
    metadata["$lastUpdated"] = at
    for key, value in change.items():
        if value is None:
            metadata.pop(key, None)
            continue
        inner = metadata.setdefault(key, {})
        inner["$lastUpdated"] = at
        if isinstance(value, Mapping):
            _stamp(inner, value, at)
