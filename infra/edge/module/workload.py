"""Who this module is on its device: IoT Edge's workload API signs for it and says whom to trust."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

MQTT_PORT = 8883
SECONDS = 10
TOKEN_SECONDS = 3600
# What edgeAgent gives to every module that it starts.
VARIABLES = {
    "workload": "IOTEDGE_WORKLOADURI",
    "device": "IOTEDGE_DEVICEID",
    "module": "IOTEDGE_MODULEID",
    "generation": "IOTEDGE_MODULEGENERATIONID",
    "hub": "IOTEDGE_IOTHUBHOSTNAME",
    "gateway": "IOTEDGE_GATEWAYHOSTNAME",
    "api": "IOTEDGE_APIVERSION",
}


class NoWorkload(OSError):
    """The workload API cannot be reached, or refuses."""


@dataclass(frozen=True)
class Identity:
    """The module's place in the world, and its workload API as `unix:///path` or `http://host:port`."""

    workload: str
    device: str
    module: str
    generation: str
    hub: str
    gateway: str
    api: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Identity | None:
        """None outside IoT Edge."""
        given = {name: environment.get(variable, "") for name, variable in VARIABLES.items()}
        return cls(**given) if all(given.values()) else None

    @property
    def client_id(self) -> str:
        return f"{self.device}/{self.module}"

    @property
    def edge_hub(self) -> tuple[str, int]:
        """Host and port; a port can be given with the host where it is not MQTT's own."""
        address = urlsplit(f"//{self.gateway}")
        return address.hostname or self.gateway, address.port or MQTT_PORT

    def trust_bundle(self) -> str:
        """The certificates, in PEM, that edgeHub's own is signed with. Raises NoWorkload."""
        return str(self._ask("GET", "/trust-bundle")["certificate"])

    def token(self) -> str:
        """A shared access signature for edgeHub, good for an hour. Raises NoWorkload."""
        resource = quote(f"{self.hub}/devices/{self.device}/modules/{self.module}", safe="")
        until = int(time.time()) + TOKEN_SECONDS
        data = base64.b64encode(f"{resource}\n{until}".encode()).decode()
        path = f"/modules/{quote(self.module, safe='')}/genid/{quote(self.generation, safe='')}/sign"
        signed = self._ask("POST", path, {"keyId": "primary", "algo": "HMACSHA256", "data": data})
        return f"SharedAccessSignature sr={resource}&sig={quote(str(signed['digest']), safe='')}&se={until}"

    def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        address = urlsplit(self.workload)
        by_socket = address.scheme == "unix"
        connection = (
            _UnixConnection(address.path)
            if by_socket
            else http.client.HTTPConnection(address.netloc, timeout=SECONDS)
        )
        below = "" if by_socket else address.path.rstrip("/")
        url = f"{below}{path}?{urlencode({'api-version': self.api})}"
        content = None if body is None else json.dumps(body)
        try:
            connection.request(method, url, content, {"Content-Type": "application/json"} if content else {})
            response = connection.getresponse()
            told = response.read()
            if response.status >= 400:
                raise NoWorkload(f"{path} answered {response.status}: {told[:200]!r}")
            answer: dict[str, Any] = json.loads(told)
            return answer
        except (http.client.HTTPException, ValueError) as fault:
            raise NoWorkload(f"{path}: {fault}") from fault
        finally:
            connection.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(SECONDS)
        self.sock.connect(self._path)
