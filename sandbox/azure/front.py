"""What stands before every handler: whose token, which workspace, which API version; and what paging has in common."""

import base64
import json
import logging
import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sandbox.azure.errors import ServiceError, arm_error
from sandbox.azure.place import MANAGED_IDENTITY, PROVIDER
from sandbox.azure.tokens import ARM_RESOURCES, ML_RESOURCE
from sandbox.azure.workspace import Workspace

Item = TypeVar("Item")
log = logging.getLogger(__name__)

_MACHINE_LEARNING = (
    "2022-05-01",
    "2022-10-01",
    "2022-10-01-preview",
    "2022-12-01-preview",
    "2023-02-01-preview",
    "2023-04-01",
    "2023-04-01-preview",
    "2023-06-01-preview",
    "2023-08-01-preview",
    "2023-10-01",
    "2024-01-01-preview",
    "2024-04-01",
    "2024-04-01-preview",
    "2024-07-01-preview",
    "2024-10-01",
    "2024-10-01-preview",
    "2025-01-01-preview",
    "2025-06-01",
)
API_VERSIONS = {
    PROVIDER.lower(): _MACHINE_LEARNING,
    MANAGED_IDENTITY.lower(): ("2018-11-30", "2022-01-31-preview", "2023-01-31", "2024-11-30"),
    "microsoft.storage": ("2022-09-01", "2023-01-01", "2023-05-01", "2024-01-01"),
    "microsoft.authorization": ("2015-07-01", "2018-07-01", "2022-04-01"),
    "": ("2016-06-01", "2019-11-01", "2020-01-01", "2021-01-01", "2022-12-01"),
}
"""By provider, the last one in the path; without one it is the subscription itself."""
PAGE = 30
_SCOPE = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)"
    r"(/resourceGroups/(?P<group>[^/]+))?"
    r"(/providers/(?P<provider>[^/]+))?"
    r"(/(?P<type>[^/]+)(/(?P<name>[^/]+))?)?",
    re.IGNORECASE,
)
DATA_PLANES = ("/history/", "/mlflow/", "/artifact/", "/metric/", "/data/")


def guard_of(workspace: Workspace) -> Middleware:
    """The middleware of the application that serves Azure Resource Manager and the data plane."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        ids = _request_ids(request)
        try:
            _check(request, workspace)
            response = await handler(request)
            response.headers.update(ids)
            return response
        except ServiceError as refused:
            refused.headers.update(ids)
            raise
        except web.HTTPException as missing:
            kind = request.path.rstrip("/").rpartition("/")[2]
            message = f"The resource type '{kind}' does not answer {request.method} {request.path}."
            raise arm_error(missing.status_code, "InvalidResourceType", message, ids) from None
        except Exception:
            log.exception("%s %s broke the twin", request.method, request.path_qs)
            raise arm_error(500, "InternalServerError", "The twin broke; its log says where.", ids) from None

    return guard


def _check(request: web.Request, workspace: Workspace) -> None:
    """Whose token, which API version, which workspace. The documents of discovery are for everyone."""
    authorization = request.headers.get("Authorization")
    if request.path.startswith("/subscriptions/"):
        claims = workspace.tokens.check(authorization, {workspace.base_url, *ARM_RESOURCES})
        _check_scope(request.path, workspace)
        _check_api_version(request, workspace.place.region)
        _check_permission(request, workspace, str(claims["oid"]))
    elif request.path.startswith(DATA_PLANES):
        workspace.tokens.check(authorization, {workspace.base_url, *ARM_RESOURCES, ML_RESOURCE})
        _check_scope("/subscriptions/" + request.path.partition("/subscriptions/")[2], workspace)


def _request_ids(request: web.Request) -> dict[str, str]:
    ids = {"x-ms-request-id": str(uuid.uuid4()), "x-ms-correlation-request-id": str(uuid.uuid4())}
    if given := request.headers.get("x-ms-client-request-id"):
        ids["x-ms-client-request-id"] = given
    return ids


def _check_api_version(request: web.Request, region: str) -> None:
    version = request.query.get("api-version")
    if version is None:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise arm_error(400, "MissingApiVersionParameter", message)
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}(-preview)?", version):
        raise arm_error(400, "InvalidApiVersionParameter", f"The api-version '{version}' is invalid.")
    _, *below = re.split("/providers/", request.path, flags=re.IGNORECASE)
    provider, _, resource = (below[-1] if below else "").partition("/")
    known = API_VERSIONS.get(provider.lower(), ())
    if version not in known:
        message = (
            f"No registered resource provider found for location '{region}' and API version '{version}' for type "
            f"'{resource.partition('/')[0] or 'subscriptions'}'. The supported api-versions are '{', '.join(known)}'."
        )
        raise arm_error(400, "NoRegisteredProviderFound", message)


def _check_permission(request: web.Request, workspace: Workspace, principal: str) -> None:
    """Whether a person has taken the right to this away, as no role would give it."""
    _, _, below = request.path.partition("/providers/")
    provider, *parts = below.strip("/").split("/")
    types = "/".join(parts[0::2])
    verb = {"GET": "read", "HEAD": "read", "DELETE": "delete", "POST": "action"}.get(request.method, "write")
    action = f"{provider}/{types}/{verb}"
    if action.lower() in workspace.forbidden:
        message = (
            f"The client '{principal}' with object id '{principal}' does not have authorization to perform action "
            f"'{action}' over scope '{request.path}' or the scope is invalid. If access was recently granted, please "
            "refresh your credentials."
        )
        raise arm_error(403, "AuthorizationFailed", message)


def _check_scope(path: str, workspace: Workspace) -> None:
    place = workspace.place
    match = _SCOPE.match(path)
    scope = match.groupdict() if match else {}
    if (scope.get("subscription") or "").lower() != place.subscription:
        message = f"The subscription '{scope.get('subscription')}' could not be found."
        raise arm_error(404, "SubscriptionNotFound", message)
    if scope.get("group") and scope["group"].lower() != place.group.lower():
        raise arm_error(
            404, "ResourceGroupNotFound", f"Resource group '{scope['group']}' could not be found."
        )
    if (scope.get("provider") or "").lower() not in API_VERSIONS:
        raise arm_error(404, "InvalidResourceNamespace", "The resource namespace is invalid.")
    if (scope.get("type") or "").lower() == "workspaces" and (
        scope["name"] or ""
    ).lower() != place.workspace.lower():
        message = (
            f"The Resource '{PROVIDER}/workspaces/{scope['name']}' under resource group '{scope['group']}' "
            "was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix"
        )
        raise arm_error(404, "ResourceNotFound", message)


async def body_of(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise arm_error(
            400, "InvalidRequestContent", "The request content was invalid and could not be deserialized."
        )
    return body


def page_of(
    request: web.Request,
    items: Sequence[Item],
    key: Callable[[Item], int],
    *,
    parameter: str = "$skip",
    size: int = PAGE,
) -> tuple[Sequence[Item], str | None]:
    """One page and the token of the next; `items` are in falling order of `key`, which never changes."""
    token = request.query.get(parameter)
    if token:
        try:
            before = int(base64.urlsafe_b64decode(token.encode()))
        except ValueError:
            raise arm_error(400, "InvalidSkipToken", "The continuation token is invalid.") from None
        items = [item for item in items if key(item) < before]
    page = items[:size]
    if len(items) <= size:
        return page, None
    return page, base64.urlsafe_b64encode(str(key(page[-1])).encode()).decode()


def next_link(request: web.Request, base_url: str, token: str | None, parameter: str = "$skip") -> str | None:
    """Absolute, with every filter of this request."""
    if token is None:
        return None
    return f"{base_url}{request.rel_url.update_query({parameter: token})}"
