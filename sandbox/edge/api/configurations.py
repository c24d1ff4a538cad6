"""Deployments: create, read, change, delete, list, and a test of their queries."""

from aiohttp import web

from sandbox.edge.errors import argument_invalid, iot_error, precondition_failed
from sandbox.edge.front import body_of, quoted_condition
from sandbox.edge.hub.configurations import (
    MOST,
    Configuration,
    metric_error,
    read_configuration,
    target_error,
)
from sandbox.edge.hub.hub import Hub


class ConfigurationsApi:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/configurations", self._list),
            web.post("/configurations/testQueries", self._test),
            web.get("/configurations/{id}", self._get),
            web.put("/configurations/{id}", self._put),
            web.delete("/configurations/{id}", self._delete),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        """All of them, whatever `top` says."""
        self._hub.throttle("configurations")
        return web.json_response([found.view() for found in self._hub.configurations.values()])

    async def _get(self, request: web.Request) -> web.Response:
        self._hub.throttle("configurations")
        return _shown(self._existing(request))

    async def _put(self, request: web.Request) -> web.Response:
        """Without If-Match it creates, with it it changes; an etag without quotes counts as none."""
        self._hub.throttle("configurations")
        name, etag = request.match_info["id"], quoted_condition(request)
        given = read_configuration(name, await body_of(request))
        if etag is not None:
            found = self._existing(request)
            if etag not in ("*", found.etag):
                raise precondition_failed("ETag mismatch.")
            found.update(given)
            return _shown(found)
        if name in self._hub.configurations:
            text = f"A configuration with ID '{name}' already exists."
            raise iot_error(409, "ConfigurationAlreadyExists", text)
        if len(self._hub.configurations) >= MOST:
            text = f"The hub has its {MOST} configurations already."
            raise iot_error(403, "ConfigurationCountLimitExceeded", text)
        self._hub.configurations[name] = given
        return _shown(given)

    async def _delete(self, request: web.Request) -> web.Response:
        self._hub.throttle("configurations")
        found, etag = self._existing(request), quoted_condition(request)
        if etag not in (None, "*", found.etag):
            raise precondition_failed("ETag mismatch.")
        del self._hub.configurations[found.id]
        return web.Response(status=204)

    async def _test(self, request: web.Request) -> web.Response:
        self._hub.throttle("configurations")
        body = await body_of(request)
        queries = body.get("customMetricQueries") or {}
        if not isinstance(queries, dict):
            raise argument_invalid("customMetricQueries must be an object of strings.")
        return web.json_response(
            {
                "targetConditionError": target_error(body.get("targetCondition") or ""),
                "customMetricQueryErrors": {
                    name: wrong for name, query in queries.items() if (wrong := metric_error(query))
                },
            }
        )

    def _existing(self, request: web.Request) -> Configuration:
        name = request.match_info["id"]
        found = self._hub.configurations.get(name)
        if found is None:
            raise iot_error(404, "ConfigurationNotFound", f"Configuration with ID '{name}' was not found.")
        return found


def _shown(configuration: Configuration) -> web.Response:
    return web.json_response(configuration.view(), headers={"ETag": f'"{configuration.etag}"'})
