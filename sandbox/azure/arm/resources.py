"""What every ARM answer has in common: ids, types, system data, routes under the workspace."""

from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.azure.front import next_link
from sandbox.azure.place import PROVIDER
from sandbox.azure.times import arm_time
from sandbox.azure.workspace import Workspace

SUBSCRIPTION = r"/subscriptions/{subscription}"
_NAMESPACE = r"{providers:(?i:providers)}/{namespace:(?i:microsoft\.machinelearningservices)}"
LOCATION = SUBSCRIPTION + "/" + _NAMESPACE + r"/locations/{location}"
GROUP = SUBSCRIPTION + r"/{groups:(?i:resourcegroups)}/{group}/" + _NAMESPACE
WORKSPACE = GROUP + r"/workspaces/{workspace}"


def system_data(created: datetime, modified: datetime, by: str = "Spotter") -> dict[str, Any]:
    return {
        "createdAt": arm_time(created),
        "createdBy": by,
        "createdByType": "Application",
        "lastModifiedAt": arm_time(modified),
        "lastModifiedBy": by,
        "lastModifiedByType": "Application",
    }


def resource(
    workspace: Workspace,
    path: tuple[str, ...],
    properties: dict[str, Any] | None,
    created: datetime,
    modified: datetime,
    by: str = "Spotter",
) -> dict[str, Any]:
    """`path` is e.g. `("models", "caps", "versions", "3")`."""
    return {
        "id": workspace.place.child(*path),
        "name": path[-1],
        "type": "/".join((f"{PROVIDER}/workspaces", *path[0::2])),
        "properties": properties,
        "systemData": system_data(created, modified, by),
    }


def listing(
    request: web.Request, workspace: Workspace, values: list[dict[str, Any]], token: str | None
) -> web.Response:
    body: dict[str, Any] = {"value": values}
    link = next_link(request, workspace.base_url, token)
    if link:
        body["nextLink"] = link
    return web.json_response(body)
