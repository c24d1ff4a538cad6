"""Requests to Azure with the identity of a step's service connection.

With the standard library only: these commands are started again and again, and it is there at once.
"""

import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn
from urllib.parse import urlencode

ARM_SCOPE = "https://management.azure.com"
SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """Of whatever status; `headers` have names in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def failed(sentence: str) -> NoReturn:
    sys.exit(f"ERROR: {sentence}")


def send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Answer:
    """`form` is sent as a form, `body` as it is. Ends the command where nobody answers."""
    address = f"{url}?{urlencode(query)}" if query else url
    data = urlencode(form).encode() if form is not None else body
    request = urllib.request.Request(address, data, dict(headers or {}), method=method)  # noqa: S310  a twin's
    try:
        with _opener().open(request, timeout=SECONDS) as answer:
            return _told(answer.status, answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return _told(refused.code, refused)
    except OSError as fault:
        failed(f"{url} could not be reached: {fault}")


def _told(status: int, answer: Any) -> Answer:
    return Answer(status, {name.lower(): value for name, value in answer.headers.items()}, answer.read())


@cache
def _opener() -> urllib.request.OpenerDirector:
    trusted = ssl.create_default_context(cafile=os.environ.get("REQUESTS_CA_BUNDLE"))
    proxies = {"https": os.environ["ALL_PROXY"]} if "ALL_PROXY" in os.environ else {}
    return urllib.request.build_opener(
        urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=trusted)
    )


def token(resource: str) -> str:
    """Ends the command where the step has no service connection."""
    if "IDENTITY_ENDPOINT" not in os.environ:
        failed("Please run 'az login' to setup account.")
    answer = send(
        "GET",
        os.environ["IDENTITY_ENDPOINT"],
        query={"resource": resource, "api-version": "2019-08-01"},
        headers={"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]},
    )
    if answer.status != 200:
        failed(str(answer.json().get("error_description", answer.body)))
    return str(answer.json()["access_token"])


def call(
    method: str,
    url: str,
    resource: str,
    *,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Answer:
    """A signed request."""
    signed = {"Authorization": f"Bearer {token(resource)}", **(headers or {})}
    return send(method, url, headers=signed, query=query, body=body)


def resource_manager() -> str:
    """Of the cloud that the environment describes."""
    clouds = send("GET", os.environ["ARM_CLOUD_METADATA_URL"]).json()
    found = clouds if isinstance(clouds, list) else [clouds]
    return str(next(cloud["resourceManager"] for cloud in found if cloud.get("resourceManager"))).rstrip("/")
