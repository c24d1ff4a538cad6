"""How Azure DevOps says no."""

from typing import Any

from infra.http.answers import NOT_JSON
from infra.http.errors import AzureError, Denied, Refused, Throttled, error_type, retry_after
from infra.http.fields import mapping, sequence, text
from infra.http.types import HttpResponse

_DENIED = frozenset({"AccessCheckException", "UnauthorizedRequestException", "AccessDeniedException"})


def asks_to_sign_in(response: HttpResponse) -> bool:
    """Whether this is the sign-in page: sent with status 203, as a redirection, or in place of JSON."""
    if response.status_code == 203:
        return True
    if 300 <= response.status_code < 400:
        return "_signin" in response.headers.get("Location", "").lower()
    return response.status_code < 300 and "text/html" in response.headers.get("Content-Type", "")


def sign_in_needed(response: HttpResponse, by_token: bool) -> Denied:
    """The error for a token that is not, or no longer, accepted."""
    why = (
        "Azure DevOps does not accept the personal access token: it has expired or was revoked, or belongs to another"
        " organisation. Make a new one for AZURE_DEVOPS_EXT_PAT, or leave it out and use an Entra identity."
        if by_token
        else "Azure DevOps does not accept Spotter's Entra identity: add it to the organisation as a user with"
        " access to the project."
    )
    said = _message(_body(response))
    return Denied(f"{why} It says: {said}" if said else why, **_about(response, 401))


def error_from(response: HttpResponse) -> AzureError:
    """The typed error for an answer of 300 or above."""
    status = response.status_code
    if status < 400:
        elsewhere = response.headers.get("Location", "another address")
        message = f"Azure DevOps points to {elsewhere}: check the organisation's address."
        return Refused(message, **_about(response, status))
    body = _body(response)
    message = _message(body) or f"{response.request.method} answered {status} {response.reason or ''}".strip()
    if status == 429:
        return Throttled(message, retry_after=retry_after(response), **_about(response, status))
    kind = Denied if text(body, "typeKey") in _DENIED and status < 500 else error_type(status)
    return kind(message, **_about(response, status))


def _about(response: HttpResponse, status: int) -> dict[str, Any]:
    return {
        "status": status,
        "code": text(_body(response), "typeKey"),
        "request_id": response.headers.get("ActivityId", ""),
    }


def _message(body: Any) -> str:
    """What is said, with the findings that a refused run hides below its message."""
    findings = [
        text(finding, "message")
        for finding in sequence(mapping(body, "customProperties"), "ValidationResults")
        if text(finding, "message")
    ]
    return " ".join([text(body, "message"), *findings]).strip()


def _body(response: HttpResponse) -> Any:
    try:
        return response.json()
    except NOT_JSON:
        return {}
