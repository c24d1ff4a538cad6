"""What can go wrong when Azure is asked something, sorted by what the caller may do about it."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from azure.core.rest import HttpResponse

from infra.azureml.fields import mapping, sequence, text

SHORTEST_NAP = 1.0


class AzureError(Exception):
    """Azure's answer, or the lack of one.

    `status` is the HTTP status, 0 where no answer came. `code` is Azure's outermost error code,
    `inner_codes` the more precise ones below it, outermost first.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        inner_codes: tuple[str, ...] = (),
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.inner_codes = inner_codes
        self.request_id = request_id

    @property
    def codes(self) -> tuple[str, ...]:
        return (self.code, *self.inner_codes) if self.code else self.inner_codes


class NotFound(AzureError):
    """What was asked for is not there, or may not be seen by this identity."""


class Refused(AzureError):
    """Azure understood and said no; the same request will be refused again until a person changes something."""


class Denied(AzureError):
    """No valid sign-in, or a role is missing."""


class Throttled(AzureError):
    """Too many requests; `retry_after` is in seconds."""

    def __init__(self, message: str, *, retry_after: float = SHORTEST_NAP, **about: Any) -> None:
        super().__init__(message, **about)
        self.retry_after = retry_after


class Unavailable(AzureError):
    """Azure, or the way to it, is not working now; asking again later is safe."""


class Unclear(AzureError):
    """A change was sent and its outcome is unknown: look before sending it again."""


class NameTaken(AzureError):
    """The job name is in use by a job that is not this request's."""


class Unreadable(Exception):
    """The contents of an asset could not be read; `reason` is a sentence for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def error_from(response: HttpResponse) -> AzureError:
    """The typed error for an answer of 400 or above, from ARM, run history, MLflow or blob storage."""
    code, message, inner = _told(response)
    message = (
        message
        or f"{response.request.method} answered {response.status_code} {response.reason or ''}".strip()
    )
    about: dict[str, Any] = {
        "status": response.status_code,
        "code": code,
        "inner_codes": inner,
        "request_id": response.headers.get("x-ms-request-id", ""),
    }
    if response.status_code == 429:
        return Throttled(message, retry_after=retry_after(response), **about)
    return error_type(response.status_code)(message, **about)


def error_type(status: int) -> type[AzureError]:
    """What an HTTP status of 400 or above means."""
    known = {401: Denied, 403: Denied, 404: NotFound, 408: Unavailable, 429: Throttled}
    return known.get(status, Unavailable if status >= 500 else Refused)


def retry_after(response: HttpResponse) -> float:
    """How long Azure asks to wait, in seconds; it may name the time until which, instead."""
    for header, unit in (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("retry-after", 1.0)):
        asked = response.headers.get(header, "")
        try:
            return max(0.0, float(asked) * unit)
        except ValueError:
            with suppress(ValueError):
                return max(0.0, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds())
    return SHORTEST_NAP


def _told(response: HttpResponse) -> tuple[str, str, tuple[str, ...]]:
    try:
        body = response.json()
    except ValueError:
        return response.headers.get("x-ms-error-code", ""), "", ()
    error = mapping(body, "error") or mapping(body)
    code = text(error, "code") or text(error, "error_code")
    return code, text(error, "message"), tuple(_inner_codes(error))


def _inner_codes(error: Mapping[str, Any]) -> list[str]:
    """Codes of `innerError` chains, and of the `details` and `additionalInfo` that ARM hangs them in."""
    found: list[str] = []
    for below in (mapping(error, "innerError"), mapping(error, "innererror")):
        if below:
            found += [text(below, "code"), *_inner_codes(below)]
    for detail in sequence(error, "details"):
        found += [text(detail, "code"), *_inner_codes(mapping(detail))]
    for info in sequence(error, "additionalInfo"):
        value = mapping(info, "info", "value") or mapping(info, "info")
        found += [text(value, "code"), *_inner_codes(value)]
    return [code for code in found if code]
