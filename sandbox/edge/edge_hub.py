"""IoT Edge's local side, as a module meets it: the workload API that signs for it, and edgeHub over MQTT and TLS.

One server stands in for the edge runtimes of all devices. It takes what a module may send about itself (reported
properties of its twin) and refuses the rest, as edgeHub does.
"""

import asyncio
import json
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote

import trustme
from aiohttp import web

from sandbox.edge import mqtt
from sandbox.edge.signing import ModuleKeys

WORKLOAD_API = "2021-12-07"
PATCH = "$iothub/twin/PATCH/properties/reported/"
RESULTS = "$iothub/twin/res/"

Reported = Callable[[str, str, dict[str, Any]], int]


class EdgeHub:
    """`reported(device, module, patch)` takes a merge patch and gives back the version of the reported properties."""

    def __init__(self, reported: Reported, host_name: str) -> None:
        self.keys = ModuleKeys(host_name)
        self.connected: set[tuple[str, str]] = set()
        self._reported = reported
        self._writers: dict[tuple[str, str], asyncio.StreamWriter] = {}
        self._offline: set[str] = set()
        self._authority = trustme.CA()
        self._runner: web.AppRunner | None = None
        self._mqtt: asyncio.Server | None = None
        self._ports = (0, 0)

    async def start(self) -> None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._authority.issue_cert("localhost").configure_cert(tls)
        self._mqtt = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        app = web.Application()
        app.router.add_get("/{device}/trust-bundle", self._trust_bundle)
        app.router.add_post("/{device}/modules/{module}/genid/{generation}/sign", self._sign)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        workload = web.TCPSite(self._runner, "127.0.0.1", 0)
        await workload.start()
        self._ports = (self._runner.addresses[0][1], self._mqtt.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        for writer in self._writers.values():
            writer.transport.abort()
        if self._mqtt is not None:
            self._mqtt.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def environment(self, device: str, module: str, generation: str) -> dict[str, str]:
        """The variables that edgeAgent starts a module with; from now on it may connect, and older generations not."""
        self.keys.issue(device, module, generation)
        workload, gateway = self._ports
        return {
            "IOTEDGE_WORKLOADURI": f"http://127.0.0.1:{workload}/{quote(device, safe='')}/",
            "IOTEDGE_DEVICEID": device,
            "IOTEDGE_MODULEID": module,
            "IOTEDGE_MODULEGENERATIONID": generation,
            "IOTEDGE_IOTHUBHOSTNAME": self.keys.host_name,
            "IOTEDGE_GATEWAYHOSTNAME": f"localhost:{gateway}",
            "IOTEDGE_APIVERSION": WORKLOAD_API,
        }

    def cut(self, device: str) -> None:
        """The device's way to the hub is cut until `mend`."""
        self._offline.add(device)
        for who, writer in self._writers.items():
            if who[0] == device:
                writer.transport.abort()

    def mend(self, device: str) -> None:
        self._offline.discard(device)

    async def _trust_bundle(self, request: web.Request) -> web.Response:
        if "api-version" not in request.query:
            return web.json_response({"message": "api-version is missing"}, status=400)
        return web.json_response({"certificate": self._authority.cert_pem.bytes().decode()})

    async def _sign(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if asked.get("algo") != "HMACSHA256" or asked.get("keyId") not in ("primary", "secondary"):
            return web.json_response({"message": "unknown key or algorithm"}, status=400)
        at = request.match_info
        digest = self.keys.sign(at["device"], at["module"], at["generation"], asked.get("data", ""))
        if digest is None:
            return web.json_response({"message": "module not found"}, status=404)
        return web.json_response({"digest": digest})

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One module's connection, from CONNECT to its end."""
        try:
            asked = await asyncio.wait_for(mqtt.read_connect(reader), mqtt.CONNECT_WITHIN)
            device, _, module = asked.client_id.partition("/")
            if not self.keys.lets_in(device, module, asked.user, asked.password):
                writer.write(mqtt.connack(mqtt.NOT_AUTHORIZED))
                await writer.drain()
            elif device not in self._offline:
                await self._stay(device, module, asked.keep_alive, reader, writer)
        except (TimeoutError, mqtt.Broken, OSError, EOFError):
            pass  # it ends here, as edgeHub ends it
        finally:
            writer.transport.abort()

    async def _stay(
        self,
        device: str,
        module: str,
        keep_alive: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        who = (device, module)
        if older := self._writers.get(who):
            older.transport.abort()
        self._writers[who] = writer
        self.connected.add(who)
        try:
            writer.write(mqtt.connack(mqtt.ACCEPTED))
            while packet := await asyncio.wait_for(mqtt.read(reader), 1.5 * keep_alive or None):
                for answer in self._answers(device, module, packet):
                    writer.write(answer)
                await writer.drain()
        finally:
            if self._writers.get(who) is writer:
                del self._writers[who]
                self.connected.discard(who)

    def _answers(self, device: str, module: str, packet: mqtt.Packet) -> list[bytes]:
        """Raises Broken, which ends the connection, for what edgeHub has no answer to."""
        if packet.kind == mqtt.SUBSCRIBE:
            return [mqtt.suback(packet, lambda topic: topic == f"{RESULTS}#")]
        if packet.kind == mqtt.PINGREQ:
            return [mqtt.PINGRESP]
        if packet.kind == mqtt.PUBLISH:
            told = mqtt.published(packet)
            return [told.acknowledgement, mqtt.publish(self._patched(device, module, told), b"")]
        raise mqtt.Broken(f"a packet of kind {packet.kind}")

    def _patched(self, device: str, module: str, told: mqtt.Message) -> str:
        """The topic that answers a patch of reported properties."""
        topic, _, query = told.topic.partition("?")
        if topic != PATCH:
            raise mqtt.Broken(f"a module may not publish to {told.topic}")
        number = parse_qs(query).get("$rid", [""])[0]
        try:
            patch = json.loads(told.payload)
        except ValueError:
            patch = None
        if not isinstance(patch, dict) or any(name.startswith("$") for name in patch):
            return f"{RESULTS}400/?$rid={number}"
        version = self._reported(device, module, patch)
        return f"{RESULTS}204/?$rid={number}&$version={version}"
