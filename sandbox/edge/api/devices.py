"""Identities and twins of devices and modules."""

from typing import Any

from aiohttp import web

from sandbox.azure.errors import ServiceError
from sandbox.edge.errors import argument_invalid, iot_error
from sandbox.edge.front import body_of, check_etag
from sandbox.edge.hub.hub import Hub
from sandbox.edge.hub.twins import Device, Module, merged

DEEPEST = 10


class DevicesApi:
    """Devices come with the plant; nobody adds one over HTTP here."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/devices", self._devices),
            web.get("/devices/{id}", self._identity),
            web.get("/devices/{id}/modules", self._modules),
            web.get("/devices/{id}/modules/{module}", self._identity),
            web.get("/twins/{id}", self._twin),
            web.patch("/twins/{id}", self._patch),
            web.get("/twins/{id}/modules/{module}", self._twin),
            web.patch("/twins/{id}/modules/{module}", self._patch),
            web.get("/statistics/devices", self._statistics),
        ]

    async def _devices(self, request: web.Request) -> web.Response:
        self._hub.throttle("registry")
        top = request.query.get("top", "1000")
        if not top.isdigit() or not 1 <= int(top) <= 1000:
            raise argument_invalid("top must be a number from 1 to 1000.")
        found = list(self._hub.devices.values())[: int(top)]
        return web.json_response([device.identity() for device in found])

    async def _identity(self, request: web.Request) -> web.Response:
        self._hub.throttle("registry")
        found = self._existing(request)
        return web.json_response(found.identity(), headers={"ETag": f'"{found.identity_etag}"'})

    async def _modules(self, request: web.Request) -> web.Response:
        self._hub.throttle("registry")
        device = self._device(request)
        return web.json_response([module.identity() for module in device.modules.values()])

    async def _twin(self, request: web.Request) -> web.Response:
        return _shown(self._existing(request, twin=True))

    async def _patch(self, request: web.Request) -> web.Response:
        """A merge patch of tags and desired properties; what a device reported is its own."""
        found = self._existing(request, twin=True)
        check_etag(request, found.etag)
        body = await body_of(request)
        properties = body.get("properties") or {}
        desired = properties.get("desired") or {} if isinstance(properties, dict) else properties
        _check_keys(tags := body.get("tags") or {})
        _check_keys(desired)
        if tags:
            found.tags = merged(found.tags, tags)
        if desired:
            found.desired.patch(desired)
        found.revision += bool(tags or desired)
        return _shown(found)

    async def _statistics(self, request: web.Request) -> web.Response:
        count = len(self._hub.devices)
        return web.json_response(
            {"totalDeviceCount": count, "enabledDeviceCount": count, "disabledDeviceCount": 0}
        )

    def _device(self, request: web.Request) -> Device:
        found = self._hub.devices.get(request.match_info["id"])
        if found is None:
            raise _no_device(request)
        return found

    def _existing(self, request: web.Request, *, twin: bool = False) -> Module:
        device, name = self._device(request), request.match_info.get("module")
        if name is None:
            return device
        if name not in device.modules:
            if twin:  # the service calls a missing module's twin a missing device
                raise _no_device(request)
            text = f"Module {request.match_info['id']}/{name} not registered"
            raise iot_error(404, "ModuleNotFound", text)
        return device.modules[name]


def _no_device(request: web.Request) -> ServiceError:
    return iot_error(404, "DeviceNotFound", f"Device {request.match_info['id']} not registered")


def _check_keys(values: Any, depth: int = 1) -> None:
    if not isinstance(values, dict) or depth > DEEPEST:
        raise argument_invalid("Tags and properties are objects, not deeper than 10 levels.")
    for key, value in values.items():
        if not key or any(sign in ".$# " or ord(sign) < 32 for sign in key):
            raise argument_invalid("A key has no control characters and none of '.', '$', '#' and space.")
        if isinstance(value, dict):
            _check_keys(value, depth + 1)


def _shown(module: Module) -> web.Response:
    return web.json_response(module.twin(), headers={"ETag": f'"{module.etag}"'})
