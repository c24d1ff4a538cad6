"""How IoT Hub says no: `{"Message": "ErrorCode:PreconditionFailed;…", "ExceptionMessage": "Tracking ID:…"}`."""

import re
from typing import Any

from infra.http.answers import NOT_JSON
from infra.http.errors import (
    SHORTEST_NAP,
    AzureError,
    Denied,
    Refused,
    Throttled,
    Unavailable,
    error_type,
    retry_after,
)
from infra.http.fields import text
from infra.http.types import HttpResponse

THROTTLED_SECONDS = 10.0
"""What the hub asks for in words where it sets no Retry-After."""
_ERROR_CODE = re.compile(r"ErrorCode:(\w+);?\s*")
_NOT_A_ROLE = {"IotHubQuotaExceeded": Unavailable, "ConfigurationCountLimitExceeded": Refused}
_ROLE = "Give Spotter's identity the role IoT Hub Data Contributor on the hub (IoT Hub Data Reader is enough to watch)."


class Resting(Throttled):
    """The hub answers no more now, and nothing is wrong: what was read is kept, and the next look goes on there."""


def error_from(response: HttpResponse) -> AzureError:
    """The typed error for an answer of 400 or above."""
    said = _message(response)
    found = _ERROR_CODE.search(said)
    code = response.headers.get("iothub-errorcode", "") or (found[1] if found else "")
    message = _ERROR_CODE.sub("", said).strip()
    message = (
        message
        or f"{response.request.method} answered {response.status_code} {response.reason or ''}".strip()
    )
    about: dict[str, Any] = {
        "status": response.status_code,
        "code": code,
        "request_id": response.headers.get("x-ms-request-id", ""),
    }
    if response.status_code == 429:
        asked = retry_after(response)
        return Throttled(message, retry_after=asked if asked != SHORTEST_NAP else THROTTLED_SECONDS, **about)
    if response.status_code == 404 and not code:
        # The hub always gives a code; without one nothing may be taken for gone.
        return Refused("What answers there is no IoT Hub: check IOTHUB_HOSTNAME.", **about)
    kind = _NOT_A_ROLE.get(code) or error_type(response.status_code)
    if kind is Denied:
        message = f"IoT Hub does not let Spotter in: {message.rstrip('.')}. {_ROLE}"
    return kind(message, **about)


def _message(response: HttpResponse) -> str:
    try:
        body = response.json()
    except NOT_JSON:
        return ""
    return text(body, "Message") or text(body, "message")
