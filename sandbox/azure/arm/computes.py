"""Compute clusters as ARM resources."""

import asyncio
import re
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
        name = request.match_info["name"]
        if not NAME.fullmatch(name):
            raise bad_request(f"Compute name '{name}' is invalid: 3 to 24 letters, digits and hyphens.")
        body = (await body_of(request)).get("properties") or {}
        inner = body.get("properties") or {}
        if body.get("computeType") != "AmlCompute":
            raise bad_request(f"Compute type {body.get('computeType')} is not supported here.")
        scale = inner.get("scaleSettings") or {}
        minimum, maximum = int(scale.get("minNodeCount", 0)), int(scale.get("maxNodeCount", 4))
        if not 0 <= minimum <= maximum <= 100:
            raise bad_request("Scale settings must satisfy 0 <= minNodeCount <= maxNodeCount <= 100.")
        cluster = self._workspace.clusters.get(name)
        created = cluster is None
        if cluster is None:
            size = size_named(str(inner.get("vmSize")))
            if size is None:
                raise bad_request(
                    f"VM size {inner.get('vmSize')} is not offered in {self._workspace.place.region}."
                )
            cluster = self._workspace.add_cluster(name, size, minimum, maximum)
            cluster.priority = inner.get("vmPriority") or "Dedicated"
        cluster.minimum, cluster.maximum, cluster.modified = minimum, maximum, now()
        cluster.idle_time = scale.get("nodeIdleTimeBeforeScaleDown") or cluster.idle_time
        cluster.description = body.get("description") or cluster.description
        cluster.settle()
        headers = self._operations.start(lambda: asyncio.sleep(0), self._workspace.pace.cancel)
        headers.pop("Location")
        return web.json_response(self._resource(cluster), status=201 if created else 200, headers=headers)

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
            "provisioningState": "Succeeded",
            "provisioningErrors": None,
            "isAttachedCompute": False,
            "disableLocalAuth": True,
            "resourceId": None,
            "properties": cluster.properties(),
        }
        body = resource(
            self._workspace, ("computes", cluster.name), properties, cluster.created, cluster.modified
        )
        return {**body, "location": self._workspace.place.region, "tags": cluster.tags}
