"""Compute clusters as ARM resources."""

import asyncio
import re
import time
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox.azure.arm.operations import Operations
from sandbox.azure.arm.resources import WORKSPACE, listing, resource
from sandbox.azure.cluster import Cluster
from sandbox.azure.errors import arm_error, bad_request
from sandbox.azure.front import body_of
from sandbox.azure.times import arm_time, now
from sandbox.azure.vm import size_named
from sandbox.azure.workspace import Workspace

DURATION = re.compile(r"PT(?=\d)(?:(?P<H>\d+)H)?(?:(?P<M>\d+)M)?(?:(?P<S>\d+)S)?")
UNITS = {"H": 3600, "M": 60, "S": 1}
WRITTEN = (("H", 3600, 24), ("M", 60, 60), ("S", 1, 60))
NAME = re.compile(r"[a-zA-Z](?![a-zA-Z0-9-]*-\d+$)[a-zA-Z0-9\-]{2,23}")


class ComputesApi:
    def __init__(self, workspace: Workspace, operations: Operations) -> None:
        self._workspace = workspace
        self._operations = operations

    def routes(self) -> list[web.RouteDef]:
        one = WORKSPACE + "/computes/{name}"
        return [
            web.get(WORKSPACE + "/computes", self.index),
            web.get(one, self.get),
            web.put(one, self.put),
            web.patch(one, self.patch),
            web.delete(one, self.delete),
            web.post(one + "/listNodes", self.nodes),
        ]

    async def index(self, request: web.Request) -> web.Response:
        return listing(
            request, self._workspace, [self._resource(c) for c in self._workspace.clusters.values()], None
        )

    async def get(self, request: web.Request) -> web.Response:
        return web.json_response(self._resource(self._find(request)))

    async def nodes(self, request: web.Request) -> web.Response:
        return web.json_response({"nodes": self._find(request).listed_nodes(), "nextLink": ""})

    async def put(self, request: web.Request) -> web.Response:
        """A size that is given for a cluster that is there already is taken and not applied, as the service does."""
        name = request.match_info["name"]
        if not NAME.fullmatch(name):
            raise bad_request(f"Compute name '{name}' is invalid: 3 to 24 letters, digits and hyphens.")
        whole = await body_of(request)
        body = whole.get("properties") or {}
        inner = body.get("properties") or {}
        if body.get("computeType") != "AmlCompute":
            raise bad_request(f"Compute type {body.get('computeType')} is not supported here.")
        scale = _scale({"minNodeCount": 0, "maxNodeCount": 4, **(inner.get("scaleSettings") or {})})
        identity = self._identity(whole.get("identity"))
        cluster = self._workspace.clusters.get(name)
        created = cluster is None
        if cluster is None:
            size = size_named(str(inner.get("vmSize")))
            if size is None:
                raise bad_request(
                    f"VM size {inner.get('vmSize')} is not offered in {self._workspace.place.region}."
                )
            cluster = self._workspace.add_cluster(name, size, scale.minimum, scale.maximum)
            cluster.priority = inner.get("vmPriority") or "Dedicated"
            cluster.ready_at = time.monotonic() + self._workspace.pace.cancel
        cluster.identity = identity or cluster.identity
        cluster.description = body.get("description") or cluster.description
        return self._scaled(cluster, scale, status=201 if created else 200)

    async def patch(self, request: web.Request) -> web.Response:
        """Takes the scale settings, and nothing else."""
        cluster = self._find(request)
        properties = (await body_of(request)).get("properties") or {}
        given = (properties.get("properties") or {}).get("scaleSettings")
        if not isinstance(given, dict):
            raise bad_request("A cluster is updated with properties.properties.scaleSettings.")
        return self._scaled(cluster, _scale(given), status=200)

    def _scaled(self, cluster: Cluster, scale: "Scale", *, status: int) -> web.Response:
        cluster.minimum, cluster.maximum, cluster.modified = scale.minimum, scale.maximum, now()
        cluster.idle_time = scale.idle_time or cluster.idle_time
        cluster.settle()
        headers = self._operations.start(lambda: asyncio.sleep(0), self._workspace.pace.cancel)
        headers.pop("Location")
        return web.json_response(self._resource(cluster), status=status, headers=headers)

    def _identity(self, given: Any) -> dict[str, Any] | None:
        """What the nodes act as; only identities that are there are taken."""
        if not isinstance(given, dict) or given.get("type") in (None, "None"):
            return None
        if given["type"] != "UserAssigned":
            return {"type": given["type"], "principalId": self._workspace.place.workspace_id}
        known, acting = self._workspace.identities, []
        for arm_id in given.get("userAssignedIdentities") or {}:
            identity = known.with_id(arm_id)
            if identity is None:
                message = f"The identity '{arm_id}' was not found."
                raise arm_error(400, "FailedIdentityOperation", message)
            acting.append(identity)
        return known.acting_as(*acting)

    async def delete(self, request: web.Request) -> web.Response:
        cluster = self._find(request)
        if request.query.get("underlyingResourceAction") not in ("Delete", "Detach"):
            raise bad_request("underlyingResourceAction must be Delete or Detach.")
        del self._workspace.clusters[cluster.name]
        cluster.delete()
        return web.Response(
            status=202, headers=self._operations.start(lambda: asyncio.sleep(0), self._workspace.pace.cancel)
        )

    def _find(self, request: web.Request) -> Cluster:
        name = request.match_info["name"]
        cluster = self._workspace.clusters.get(name)
        if cluster is None:
            message = f"The compute resource '{name}' was not found in workspace '{self._workspace.place.workspace}'."
            raise arm_error(404, "ComputeNotFound", message)
        return cluster

    def _resource(self, cluster: Cluster) -> dict[str, Any]:
        properties = {
            "computeType": "AmlCompute",
            "computeLocation": self._workspace.place.region,
            "description": cluster.description,
            "createdOn": arm_time(cluster.created),
            "modifiedOn": arm_time(cluster.modified),
            "provisioningState": "Creating" if time.monotonic() < cluster.ready_at else "Succeeded",
            "provisioningErrors": None,
            "isAttachedCompute": False,
            "disableLocalAuth": True,
            "resourceId": None,
            "properties": cluster.properties(),
        }
        body = resource(
            self._workspace, ("computes", cluster.name), properties, cluster.created, cluster.modified
        )
        identity = {"identity": cluster.identity} if cluster.identity else {}
        return {**body, **identity, "location": self._workspace.place.region, "tags": cluster.tags}


@dataclass(frozen=True)
class Scale:
    minimum: int
    maximum: int
    idle_time: str


def _scale(given: dict[str, Any]) -> Scale:
    """Checked; the idle time as .NET writes time spans, where 180 seconds become PT3M."""
    minimum, maximum = int(given.get("minNodeCount", 0)), int(given.get("maxNodeCount", -1))
    if not 0 <= minimum <= maximum <= 100:
        raise bad_request("Scale settings must satisfy 0 <= minNodeCount <= maxNodeCount <= 100.")
    asked = str(given.get("nodeIdleTimeBeforeScaleDown") or "")
    match = DURATION.fullmatch(asked)
    if asked and match is None:
        raise bad_request(f"nodeIdleTimeBeforeScaleDown '{asked}' is not a duration such as PT120S.")
    seconds = sum(int(match[unit] or 0) * of for unit, of in UNITS.items()) if match else 0
    parts = [f"{seconds // of % limit}{unit}" for unit, of, limit in WRITTEN if seconds // of % limit]
    return Scale(minimum, maximum, f"PT{''.join(parts)}" if parts else "")
