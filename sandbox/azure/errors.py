"""Refusals in the envelopes that Azure's clients parse.

Azure Resource Manager itself answers `{"error": {code, message}}`; the Machine Learning provider behind it adds
`additionalInfo` entries and a chain of `innerError` codes, outermost first.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from sandbox.azure.times import arm_time, now


class ServiceError(web.HTTPException):
    """An HTTP refusal whose status is chosen at the raise."""

    def __str__(self) -> str:
        return f"{self.status_code} {self.text}"

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        self.status_code = status
        super().__init__(text=json.dumps(body), content_type="application/json", headers=headers)


def arm_error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> ServiceError:
    return ServiceError(status, {"error": {"code": code, "message": message}}, headers)


def ml_error(
    status: int,
    code: str,
    message: str,
    inner: Sequence[str] = (),
    parameters: Mapping[str, str] | None = None,
    region: str = "westeurope",
) -> ServiceError:
    """A refusal by the Machine Learning provider; `inner` are the inner codes, outermost first."""
    chain = inner_error(inner)
    facts: list[tuple[str, Any]] = [
        ("ComponentName", "managementfrontend"),
        ("Correlation", {"operation": uuid.uuid4().hex, "request": uuid.uuid4().hex[:16]}),
        ("Environment", region),
        ("Location", region),
        ("Time", arm_time(now())),
    ]
    if chain:
        facts.append(("InnerError", chain))
    if parameters:
        facts.append(("MessageParameters", dict(parameters)))
    error = {
        "code": code,
        "message": message,
        "details": [],
        "innerError": chain,
        "additionalInfo": [{"type": kind, "info": {"value": value}} for kind, value in facts],
    }
    return ServiceError(status, {"error": error})


def inner_error(codes: Sequence[str]) -> dict[str, Any] | None:
    """`["A", "B"]` → `{code: A, innerError: {code: B, innerError: None}}`."""
    chain: dict[str, Any] | None = None
    for code in reversed(codes):
        chain = {"code": code, "innerError": chain}
    return chain


def bad_request(message: str, *inner: str) -> ServiceError:
    return ml_error(400, "UserError", message, ["BadArgument", *inner] if inner else ["BadArgument"])


def not_found(message: str) -> ServiceError:
    return ml_error(404, "UserError", message, ["NotFound", "ResourceNotFound"])
