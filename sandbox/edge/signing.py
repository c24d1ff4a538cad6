"""The keys of modules, the signatures that the workload API gives out for them, and whether a token is one."""

import base64
import hashlib
import hmac
import secrets
import time
from urllib.parse import parse_qs, unquote

KEY_BYTES = 32


class ModuleKeys:
    """One key for a module's present generation; `host_name` is the IoT Hub's."""

    def __init__(self, host_name: str) -> None:
        self.host_name = host_name
        self._keys: dict[tuple[str, str], tuple[str, bytes]] = {}

    def issue(self, device: str, module: str, generation: str) -> None:
        if self._keys.get((device, module), ("", b""))[0] != generation:
            self._keys[device, module] = (generation, secrets.token_bytes(KEY_BYTES))

    def sign(self, device: str, module: str, generation: str, data: str) -> str | None:
        """Both texts in base64; None where there is no such module."""
        known, key = self._keys.get((device, module), ("", b""))
        return _signature(key, base64.b64decode(data)) if key and known == generation else None

    def lets_in(self, device: str, module: str, user: str, password: str) -> bool:
        """Whether MQTT's user name and shared access signature are this module's, and are still good."""
        place, _, query = user.partition("/?")
        if place != f"{self.host_name}/{device}/{module}" or "api-version" not in parse_qs(query):
            return False
        kind, _, given = password.partition(" ")
        parts = dict(part.partition("=")[::2] for part in given.split("&"))
        resource, until = parts.get("sr", ""), parts.get("se", "")
        _, key = self._keys.get((device, module), ("", b""))
        return (
            bool(key)
            and kind == "SharedAccessSignature"
            and unquote(resource) == f"{self.host_name}/devices/{device}/modules/{module}"
            and until.isdigit()
            and int(until) > time.time()
            and hmac.compare_digest(
                _signature(key, f"{resource}\n{until}".encode()), unquote(parts.get("sig", ""))
            )
        )


def _signature(key: bytes, data: bytes) -> str:
    return base64.b64encode(hmac.digest(key, data, hashlib.sha256)).decode()
