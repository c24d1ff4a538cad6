"""Signed requests to one IoT Hub."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from infra.http.answers import read
from infra.http.errors import Refused, Unavailable, Unclear
from infra.http.types import Gate, HttpRequest, HttpResponse, TokenCredential, always
from infra.iothub.errors import error_from

API = "2021-04-12"
SCOPE = "https://iothubs.azure.net/.default"
QUERY = ("devices", "query")
PAGE = 1000
"""Asked for in one page of a query; a hub that takes no such number gives as many as it likes, such as a hundred."""
HOST_NAME = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:\d+)?")


class Connection:
    """Sends requests and turns every failure into an `AzureError`. Safe to use from many threads."""

    def __init__(self, host_name: str, sign_in: Callable[[], TokenCredential], gate: Gate = always) -> None:
        from infra.http.signed import SignedRequests
        from infra.http.transport import open_transport

        self._root = f"https://{host_name}"
        self._transport = open_transport(gate)
        self._signed = SignedRequests(self._transport, sign_in)

    @classmethod
    def open(cls, host_name: str, gate: Gate = always) -> "Connection":
        """Reads the identity from the environment.

        Raises Refused for what is no host name, Unavailable if the cloud's metadata is not there.
        """
        if not HOST_NAME.fullmatch(host_name):
            raise Refused(f"{host_name!r} is no host name of an IoT Hub, such as plant.azure-devices.net.")
        from infra.http.cloud import cloud_from_environment
        from infra.http.transport import default_credential

        cloud = cloud_from_environment()
        return cls(host_name, lambda: default_credential(cloud), gate)

    def close(self) -> None:
        self._transport.close()

    def get(self, *path: str) -> Any:
        return read(self._send("GET", path))

    def rows(self, *path: str, **query: str | int) -> list[Any]:
        """A list that comes in one piece."""
        return _rows(self._send("GET", path, query))

    def page(self, text: str, continuation: str = "") -> tuple[list[Any], str]:
        """A page of a query's rows, and where the next one goes on, empty after the last; repeated where it failed, for
        it only reads."""
        headers = {"x-ms-max-item-count": str(PAGE)}
        if continuation:
            headers["x-ms-continuation"] = continuation
        response = self._send("POST", QUERY, {}, {"query": text}, headers)
        following = response.headers.get("x-ms-continuation", "")
        return _rows(response), following if following != continuation else ""

    def delete(self, *path: str, etag: str) -> None:
        """Only what still has this etag. Raises Unclear where it may or may not have happened."""
        try:
            self._send("DELETE", path, headers={"If-Match": f'"{etag}"'})
        except Unavailable as fault:
            raise Unclear(
                f"{fault.message} The change may have been made.",
                status=fault.status,
                code=fault.code,
                request_id=fault.request_id,
            ) from fault

    def _send(
        self,
        method: str,
        path: tuple[str, ...],
        query: Mapping[str, str | int] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        from azure.core.rest import HttpRequest as Request

        url = self._root + "".join("/" + quote(part, safe="") for part in path)
        params = {"api-version": API, **{name: str(entry) for name, entry in (query or {}).items()}}
        request: HttpRequest = Request(method, url, params=params, json=body, headers=dict(headers or {}))
        response = self._signed.send(request, SCOPE, reads=path == QUERY)
        if response.status_code >= 300:
            raise error_from(response)
        return response


def _rows(response: HttpResponse) -> list[Any]:
    told = read(response)
    if not isinstance(told, list):
        raise Unavailable(f"{response.request.method} was answered with something that is no list.")
    return told
