"""Signed requests to one Azure DevOps project."""

import base64
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from infra.devops.errors import asks_to_sign_in, error_from, sign_in_needed
from infra.http.answers import MOST_PAGES, endless, read
from infra.http.cloud import cloud_from_environment
from infra.http.errors import Denied, Unavailable, Unclear
from infra.http.fields import sequence
from infra.http.safety import is_unauthorized, travels_in_the_open
from infra.http.types import Gate, HttpRequest, HttpResponse, TokenCredential, always

API = "7.1"
PREVIEW = "7.1-preview.1"
SCOPE = "499b84ac-1321-427f-aa17-267ca6975798/.default"
TOKEN_VARIABLE = "AZURE_DEVOPS_EXT_PAT"  # noqa: S105  the variable's name, which is also that of Azure's own CLI

Query = Mapping[str, str | int]


@dataclass(frozen=True)
class Place:
    """Where a project is: the organisation's address, such as https://dev.azure.com/fabrikam, and its name."""

    organization: str
    project: str


class Connection:
    """Sends requests and turns every failure into an `AzureError`. Safe to use from many threads."""

    def __init__(
        self,
        place: Place,
        token: str = "",
        sign_in: Callable[[], TokenCredential] | None = None,
        gate: Gate = always,
    ) -> None:
        """`token` is a personal access token; without one, `sign_in` gives the Entra identity to act with."""
        from infra.http.transport import open_transport

        self.place = place
        self._by_token = bool(token)
        self._transport = open_transport(gate)
        self._exchange = self._with_identity(sign_in) if sign_in and not token else self._with_token(token)

    @classmethod
    def open(cls, place: Place, gate: Gate = always) -> "Connection":
        """Reads token or identity from the environment.

        Raises Unavailable if the cloud's metadata is not there, Denied where the token would travel in the open.
        """
        if travels_in_the_open(place.organization):
            raise Denied(
                f"{place.organization} must begin with https://, or the token could be read on its way."
            )
        if token := os.environ.get(TOKEN_VARIABLE, ""):
            return cls(place, token, gate=gate)
        from infra.http.transport import default_credential

        cloud = cloud_from_environment()
        return cls(place, sign_in=lambda: default_credential(cloud), gate=gate)

    def close(self) -> None:
        self._transport.close()

    def project(self, *parts: str | int) -> str:
        """The address of something in the project; the parts are escaped."""
        return _below(f"{self.place.organization.rstrip('/')}/{quote(self.place.project, safe='')}", parts)

    def organization(self, *parts: str | int) -> str:
        """The address of something in the organisation."""
        return _below(self.place.organization.rstrip("/"), parts)

    def get(self, url: str, query: Query | None = None, *, api: str = API) -> Any:
        """The JSON at `url`; an empty mapping where the answer has no content."""
        return _json(self._send("GET", url, query, api))

    def pages(self, url: str, query: Query | None = None, *, api: str = API) -> Iterator[Any]:
        """The items of a list, one page at a time as they are consumed."""
        asked = dict(query or {})
        for _ in range(MOST_PAGES):
            response = self._send("GET", url, asked, api)
            yield from sequence(_json(response), "value")
            following = response.headers.get("x-ms-continuationtoken", "")
            if not following or following == asked.get("continuationToken"):
                return
            asked["continuationToken"] = following
        raise endless()

    def change(self, method: str, url: str, body: Any, *, api: str = API) -> Any:
        """A write, sent once. Raises Unclear where it may or may not have happened."""
        try:
            return _json(self._send(method, url, None, api, body))
        except Unavailable as fault:
            raise Unclear(
                f"{fault.message} The change may have been made.",
                status=fault.status,
                code=fault.code,
                request_id=fault.request_id,
            ) from fault

    def _send(self, method: str, url: str, query: Query | None, api: str, body: Any = None) -> HttpResponse:
        from azure.core.rest import HttpRequest

        params = {"api-version": api, **{name: str(entry) for name, entry in (query or {}).items()}}
        # The header asks for an honest status instead of a redirection to the sign-in page.
        headers = {"Accept": "application/json", "X-TFS-FedAuthRedirect": "Suppress"}
        request = HttpRequest(method, url, params=params, json=body, headers=headers)
        response = self._exchange(request, method != "GET")
        if _is_refused(response):
            raise sign_in_needed(response, self._by_token)
        if response.status_code >= 300:
            raise error_from(response)
        return response

    def _with_token(self, token: str) -> Callable[[HttpRequest, bool], HttpResponse]:
        from azure.core.credentials import AzureKeyCredential
        from azure.core.pipeline.policies import AzureKeyCredentialPolicy

        from infra.http.transport import client, exchange

        basic = base64.b64encode(f":{token}".encode()).decode()
        sign = AzureKeyCredentialPolicy[HttpRequest, HttpResponse](
            AzureKeyCredential(basic), "Authorization", prefix="Basic"
        )
        signed = client(self._transport, sign)
        return lambda request, once: exchange(signed, request, once=once)

    def _with_identity(
        self, sign_in: Callable[[], TokenCredential]
    ) -> Callable[[HttpRequest, bool], HttpResponse]:
        from infra.http.signed import SignedRequests

        signed = SignedRequests(self._transport, sign_in)
        return lambda request, once: signed.send(request, SCOPE, refused=_is_refused, once=once)


def _is_refused(response: HttpResponse) -> bool:
    return is_unauthorized(response) or asks_to_sign_in(response)


def _below(root: str, parts: tuple[str | int, ...]) -> str:
    return f"{root}/_apis" + "".join("/" + quote(str(part), safe="") for part in parts)


def _json(response: HttpResponse) -> Any:
    if not response.content:
        return {}
    return read(response)
