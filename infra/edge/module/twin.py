"""Tells the module's state as reported properties of its twin, to edgeHub over MQTT.

By hand on paho-mqtt, because azure-iot-device needs a version of it from 2021 and seven more packages for the one
message that is sent here; topics and names are those of IoT Hub's MQTT reference.
"""

from __future__ import annotations

import itertools
import json
import logging
import ssl
import threading
import time
from typing import Any
from urllib.parse import quote

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from .state import Module
from .workload import Identity

API = "2021-04-12"
PATCH = "$iothub/twin/PATCH/properties/reported/?$rid="
ANSWERS = "$iothub/twin/res/"
KEEP_ALIVE = 60
SHORTEST_PAUSE, LONGEST_PAUSE = 1, 60

log = logging.getLogger(__name__)


class Reporter:
    """Keeps the twin as the module is, from a thread of its own, for as long as the process lives."""

    def __init__(self, identity: Identity, module: Module) -> None:
        self._identity = identity
        self._module = module
        self._numbers = itertools.count(1)
        agent = quote("spotter-edge", safe="")
        self._user = f"{identity.hub}/{identity.client_id}/?api-version={API}&DeviceClientType={agent}"
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=identity.client_id, protocol=MQTTProtocolVersion.MQTTv311
        )
        self._client.on_pre_connect = self._sign_in
        self._client.on_connect = self._connected
        self._client.on_message = self._answered

    def start(self) -> None:
        self._module.changed = self._report
        threading.Thread(target=self._keep_connected, name="twin", daemon=True).start()

    def _keep_connected(self) -> None:
        trusted = self._trusted()
        self._client.tls_set_context(ssl.create_default_context(cadata=trusted))
        self._client.reconnect_delay_set(SHORTEST_PAUSE, LONGEST_PAUSE)
        self._client.connect_async(*self._identity.edge_hub, keepalive=KEEP_ALIVE)
        self._client.loop_forever(retry_first_connection=True)

    def _trusted(self) -> str:
        pause = SHORTEST_PAUSE
        while True:
            try:
                return self._identity.trust_bundle()
            except OSError as fault:
                log.warning("The device's workload API is not there yet: %s", fault)
            time.sleep(pause)
            pause = min(LONGEST_PAUSE, 2 * pause)

    def _sign_in(self, client: Client, _: Any) -> None:
        """Before every connection: a token's time is over after an hour."""
        client.username_pw_set(self._user, self._identity.token())

    def _connected(self, client: Client, _: Any, __: Any, reason: Any, ___: Any) -> None:
        if reason.is_failure:
            log.warning("edgeHub refuses the module: %s", reason)
            return
        client.subscribe(f"{ANSWERS}#", qos=1)
        self._report()

    def _report(self) -> None:
        """The state as it is now; while there is no connection nothing, for the next one reports it."""
        if self._client.is_connected():
            properties = json.dumps(self._module.state.properties())
            self._client.publish(f"{PATCH}{next(self._numbers)}", properties, qos=1)

    def _answered(self, _: Client, __: Any, message: MQTTMessage) -> None:
        status = message.topic.removeprefix(ANSWERS).partition("/")[0]
        if not status.startswith("2"):
            log.warning("edgeHub did not take the reported properties: %s %r", status, message.payload[:200])
