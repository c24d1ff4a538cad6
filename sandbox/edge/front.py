"""What stands before every operation of the hub: who calls, which API version, and how it refuses."""

import json
import logging
import re
import uuid
from collections.abc import Set
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sandbox.azure.errors import ServiceError
from sandbox.azure.tokens import Tokens
from sandbox.edge.errors import argument_invalid, iot_error, precondition_failed

log = logging.getLogger(__name__)

RESOURCE = "https://iothubs.azure.net"
API_VERSIONS = ("2018-06-30", "2020-05-31-preview", "2020-09-30", "2021-04-12", "2024-03-31")
_QUOTED = re.compile(r'"([^"]*)"')


def guard_of(tokens: Tokens, forbidden: Set[str]) -> Middleware:
    """`forbidden` are data actions that nobody has here, in small letters."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        ids = {"x-ms-request-id": str(uuid.uuid4())}
        try:
            _check(request, tokens, forbidden)
            response = await handler(request)
            response.headers.update(ids)
            return response
        except ServiceError as refused:
            refused.headers.update(ids)
            raise
        except web.HTTPException as missing:
            text = f"The sandbox's hub does not answer {request.method} {request.path}."
            raise iot_error(missing.status_code, "GenericNotFound", text, ids) from None
        except Exception:
            log.exception("%s %s broke the twin", request.method, request.path_qs)
            raise iot_error(500, "ServerError", "The twin broke; its log says where.", ids) from None

    return guard


def _check(request: web.Request, tokens: Tokens, forbidden: Set[str]) -> None:
    try:
        claims = tokens.check(request.headers.get("Authorization"), {RESOURCE})
    except web.HTTPException:
        raise iot_error(401, "IotHubUnauthorizedAccess", "Unauthorized") from None
    if _action(request) in forbidden:
        text = (
            f"Principal {claims['oid']} is not authorized for {request.method} on {request.path} "
            "due to no assigned permissions"
        )
        raise iot_error(401, "IotHubUnauthorized", text)
    version = request.query.get("api-version")
    if version not in API_VERSIONS:
        raise iot_error(400, "InvalidProtocolVersion", f"Unsupported API version: {version or 'none'}.")


def _action(request: web.Request) -> str:
    """The data action that a request needs."""
    kind = request.path.split("/")[1]
    if request.path == "/devices/query":
        return "microsoft.devices/iothubs/twins/read"
    if request.path == "/configurations/testQueries":
        return "microsoft.devices/iothubs/configurations/testqueries/action"
    done = {"GET": "read", "DELETE": "delete"}.get(request.method, "write")
    return f"microsoft.devices/iothubs/{kind}/{done}"


async def body_of(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise argument_invalid("The request body is not a JSON object.")
    return body


def quoted_condition(request: web.Request) -> str | None:
    """The etag of If-Match, or `*`; one without quotes counts as none."""
    given = request.headers.get("If-Match", "")
    match = _QUOTED.fullmatch(given)
    return "*" if given == "*" else match[1] if match else None


def check_etag(request: web.Request, etag: str) -> None:
    """Raises the hub's 412 where If-Match speaks of an older state. Quotes do not matter here."""
    given = request.headers.get("If-Match", "*").strip('"')
    if given not in ("*", etag):
        raise precondition_failed("ETag mismatch.")
