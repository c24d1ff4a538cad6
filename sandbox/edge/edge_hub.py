"""IoT Edge's local side, as a module meets it: the workload API that signs for it, and edgeHub over MQTT and TLS.

One server stands in for the edge runtimes of all devices. It takes what a module may send about itself (reported
properties of its twin) and refuses the rest, as edgeHub does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import trustme

from sandbox.edge import mqtt

HUB = "plant.azure-devices.net"
WORKLOAD_API = "2021-12-07"
PATCH = "$iothub/twin/PATCH/properties/reported/"
RESULTS = "$iothub/twin/res/"
MODULE_KEY_BYTES = 32

Reported = Callable[[str, str, dict[str, Any]], int]


class EdgeHub:
    """`reported(device, module, patch)` is called from the hub's threads and gives back the twin's new version."""

    def __init__(self, reported: Reported, hub: str = HUB) -> None:
        self.reported = reported
        self.hub = hub
        self.connected: set[tuple[str, str]] = set()
        self._keys: dict[tuple[str, str, str], bytes] = {}
        self._offline: set[str] = set()
        self._sockets: dict[tuple[str, str], socket.socket] = {}
        self._changing = threading.Lock()
        authority = trustme.CA()
        self.trust_bundle = authority.cert_pem.bytes().decode()
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(self.tls)
        self._mqtt = _Server(("127.0.0.1", 0), _Connection, self)
        self._workload = _Workload(("127.0.0.1", 0), _WorkloadHandler, self)

    def start(self) -> None:
        for server in (self._mqtt, self._workload):
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        for server in (self._mqtt, self._workload):
            server.shutdown()
            server.server_close()
        self._drop(lambda _: True)

    def environment(self, device: str, module: str, generation: str) -> dict[str, str]:
        """The variables that edgeAgent starts a module with; from now on the module may connect."""
        self._keys.setdefault((device, module, generation), secrets.token_bytes(MODULE_KEY_BYTES))
        return {
            "IOTEDGE_WORKLOADURI": f"http://127.0.0.1:{self._workload.server_address[1]}/{quote(device, safe='')}/",
            "IOTEDGE_DEVICEID": device,
            "IOTEDGE_MODULEID": module,
            "IOTEDGE_MODULEGENERATIONID": generation,
            "IOTEDGE_IOTHUBHOSTNAME": self.hub,
            "IOTEDGE_GATEWAYHOSTNAME": f"localhost:{self._mqtt.server_address[1]}",
            "IOTEDGE_APIVERSION": WORKLOAD_API,
        }

    def forget(self, device: str, module: str) -> None:
        """The module was removed or is started anew: its old generation is known no more."""
        with self._changing:
            self._keys = {who: key for who, key in self._keys.items() if who[:2] != (device, module)}
        self._drop(lambda who: who == (device, module))

    def cut(self, device: str) -> None:
        """The device's way to the hub is cut until `mend`."""
        self._offline.add(device)
        self._drop(lambda who: who[0] == device)

    def mend(self, device: str) -> None:
        self._offline.discard(device)

    def sign(self, device: str, module: str, generation: str, data: bytes) -> bytes | None:
        key = self._keys.get((device, module, generation))
        return hmac.digest(key, data, hashlib.sha256) if key else None

    def lets_in(self, device: str, module: str, user: str, password: str) -> bool:
        """Whether a user name and shared access signature are this module's, and are still good."""
        place, _, query = user.partition("/?")
        if place != f"{self.hub}/{device}/{module}" or "api-version" not in parse_qs(query):
            return False
        kind, _, given = password.partition(" ")
        parts = dict(part.partition("=")[::2] for part in given.split("&"))
        resource, until = parts.get("sr", ""), parts.get("se", "")
        if kind != "SharedAccessSignature" or not until.isdigit() or int(until) < time.time():
            return False
        if unquote(resource) != f"{self.hub}/devices/{device}/modules/{module}":
            return False
        said = unquote(parts.get("sig", ""))
        signed = [hmac.digest(key, f"{resource}\n{until}".encode(), hashlib.sha256) for key in self._keys_of(device, module)]
        return any(hmac.compare_digest(base64.b64encode(each).decode(), said) for each in signed)

    def joins(self, device: str, module: str, connection: socket.socket) -> bool:
        """False while the device is cut off. A module that connects again takes the place of its older connection."""
        with self._changing:
            if device in self._offline:
                return False
            older = self._sockets.pop((device, module), None)
            self._sockets[device, module] = connection
            self.connected = {*self.connected, (device, module)}
        if older is not None:
            _close(older)
        return True

    def leaves(self, device: str, module: str, connection: socket.socket) -> None:
        with self._changing:
            if self._sockets.get((device, module)) is connection:
                del self._sockets[device, module]
                self.connected = self.connected - {(device, module)}

    def _keys_of(self, device: str, module: str) -> list[bytes]:
        with self._changing:
            return [key for who, key in self._keys.items() if who[:2] == (device, module)]

    def _drop(self, which: Callable[[tuple[str, str]], bool]) -> None:
        with self._changing:
            dropped = [connection for who, connection in self._sockets.items() if which(who)]
        for connection in dropped:
            _close(connection)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], handler: type[socketserver.BaseRequestHandler], hub: EdgeHub) -> None:
        self.hub = hub
        super().__init__(address, handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is nothing to tell of."""


class _Workload(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], hub: EdgeHub) -> None:
        self.hub = hub
        super().__init__(address, handler)


class _Connection(socketserver.BaseRequestHandler):
    """One module's MQTT connection, from CONNECT to its end."""

    server: _Server

    def handle(self) -> None:
        hub = self.server.hub
        self.request.settimeout(mqtt.CONNECT_WITHIN)
        with hub.tls.wrap_socket(self.request, server_side=True) as wire:
            asked = mqtt.read_connect(wire)
            device, _, module = asked.client_id.partition("/")
            if not hub.lets_in(device, module, asked.user, asked.password):
                wire.sendall(mqtt.connack(mqtt.NOT_AUTHORIZED))
                return
            if not hub.joins(device, module, wire):
                return
            try:
                wire.settimeout(1.5 * asked.keep_alive or None)
                wire.sendall(mqtt.connack(mqtt.ACCEPTED))
                self._serve(wire, device, module)
            finally:
                hub.leaves(device, module, wire)

    def _serve(self, wire: socket.socket, device: str, module: str) -> None:
        subscribed: set[str] = set()
        while packet := mqtt.read(wire):
            if packet.kind == mqtt.SUBSCRIBE:
                topics, answer = mqtt.subscribed(packet, lambda topic: topic == f"{RESULTS}#")
                subscribed |= topics
                wire.sendall(answer)
            elif packet.kind == mqtt.PUBLISH:
                told = mqtt.published(packet)
                if told.acknowledgement:
                    wire.sendall(told.acknowledgement)
                answer_topic = self._patched(device, module, told)
                if f"{RESULTS}#" in subscribed:
                    wire.sendall(mqtt.publish(answer_topic, b""))
            elif packet.kind == mqtt.PINGREQ:
                wire.sendall(mqtt.PINGRESP)
            else:
                return  # DISCONNECT, or what edgeHub knows no answer to

    def _patched(self, device: str, module: str, told: mqtt.Message) -> str:
        """The topic of the answer. Raises for a topic that is not the twin's, which ends the connection."""
        topic, _, query = told.topic.partition("?")
        if topic != PATCH:
            raise mqtt.Broken(f"a module may not publish to {told.topic}")
        number = parse_qs(query).get("$rid", [""])[0]
        try:
            patch = json.loads(told.payload)
            if not isinstance(patch, dict) or any(name.startswith("$") for name in patch):
                raise ValueError
        except ValueError:
            return f"{RESULTS}400/?$rid={number}"
        version = self.server.hub.reported(device, module, patch)
        return f"{RESULTS}204/?$rid={number}&$version={version}"


class _WorkloadHandler(BaseHTTPRequestHandler):
    """`/{device}/trust-bundle` and `/{device}/modules/{module}/genid/{generation}/sign`."""

    server: _Workload

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path.endswith("/trust-bundle") and "api-version" in parse_qs(address.query):
            return self._answer(200, {"certificate": self.server.hub.trust_bundle})
        return self._answer(404, {"message": "not found"})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"{}")
        match [unquote(part) for part in urlsplit(self.path).path.split("/")]:
            case ["", device, "modules", module, "genid", generation, "sign"]:
                signed = self.server.hub.sign(device, module, generation, base64.b64decode(asked.get("data", "")))
                if asked.get("algo") != "HMACSHA256" or asked.get("keyId") not in ("primary", "secondary"):
                    return self._answer(400, {"message": "unknown key or algorithm"})
                if signed is not None:
                    return self._answer(200, {"digest": base64.b64encode(signed).decode()})
        return self._answer(404, {"message": "module not found"})

    def _answer(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps the sandbox's output clean."""


def _close(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        connection.close()
