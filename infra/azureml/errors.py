"""Azure Machine Learning's own failures beside the shared ones, and how ARM and its data plane tell them."""

from collections.abc import Mapping
from typing import Any

from infra.http.answers import NOT_JSON
from infra.http.errors import (
    AzureError,
    Denied,
    NotFound,
    Refused,
    Throttled,
    Unavailable,
    Unclear,
    error_type,
    retry_after,
)
from infra.http.fields import mapping, sequence, text
from infra.http.types import HttpResponse

__all__ = [
    "AzureError",
    "Denied",
    "NameTaken",
    "NotFound",
    "Refused",
    "Throttled",
    "Unavailable",
    "Unclear",
    "Unreadable",
    "error_from",
]


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


def _told(response: HttpResponse) -> tuple[str, str, tuple[str, ...]]:
    try:
        body = response.json()
    except NOT_JSON:
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
