"""Datastores as ARM resources. All are identity based: nobody can be handed their secrets."""

import re
from typing import Any

from aiohttp import web

from sandbox.azure.arm.resources import WORKSPACE, listing, resource
from sandbox.azure.errors import bad_request, not_found
from sandbox.azure.front import body_of
from sandbox.azure.storage import Datastore
from sandbox.azure.workspace import Workspace

NAME = re.compile(r"[a-zA-Z0-9_]{1,255}")


class DatastoresApi:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def routes(self) -> list[web.RouteDef]:
        one = WORKSPACE + "/datastores/{name}"
        return [
            web.get(WORKSPACE + "/datastores", self.index),
            web.get(one, self.get),
            web.put(one, self.put),
            web.post(one + "/listSecrets", self.secrets),
        ]

    async def index(self, request: web.Request) -> web.Response:
        stores = self._workspace.storage.registered
        only_default = request.query.get("isDefault", "").lower() == "true"
        return listing(
            request,
            self._workspace,
            [self._resource(s) for s in stores if s.is_default or not only_default],
            None,
        )

    async def get(self, request: web.Request) -> web.Response:
        return web.json_response(self._resource(self._find(request)))

    async def put(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        body = (await body_of(request)).get("properties") or {}
        if body.get("datastoreType") != "AzureBlob":
            raise bad_request(f"Datastore type {body.get('datastoreType')} is not supported here.")
        if (body.get("credentials") or {}).get("credentialsType") != "None":
            raise bad_request("Key based authentication is not permitted on this storage account.")
        existing = self._named(name)
        account, container = str(body.get("accountName")), str(body.get("containerName"))
        if existing and (existing.account, existing.container) != (account, container):
            raise bad_request(f"Datastore {name} already points at {existing.account}/{existing.container}.")
        if not NAME.fullmatch(name):
            raise bad_request(f"Datastore name '{name}' is invalid: letters, digits and underscores.")
        store = existing or self._workspace.storage.attach(name, account, container)
        store.service_identity = body.get("serviceDataAccessAuthIdentity") or "None"
        store.description, store.tags = body.get("description") or "", body.get("tags") or {}
        return web.json_response(self._resource(store), status=200 if existing else 201)

    async def secrets(self, request: web.Request) -> web.Response:
        store = self._find(request)
        raise bad_request(
            f"Datastore {store.name} has no credentials: access is by identity.", "NoCredentials"
        )

    def _find(self, request: web.Request) -> Datastore:
        name = request.match_info["name"]
        store = self._named(name)
        if store is None:
            raise not_found(f"Could not find datastore: {name}.")
        return store

    def _named(self, name: str) -> Datastore | None:
        return next((store for store in self._workspace.storage.registered if store.name == name), None)

    def _resource(self, store: Datastore) -> dict[str, Any]:
        properties = {
            "datastoreType": "AzureBlob",
            "accountName": store.account,
            "containerName": store.container,
            "endpoint": "core.windows.net",
            "protocol": "https",
            "serviceDataAccessAuthIdentity": store.service_identity,
            "credentials": {"credentialsType": "None"},
            "description": store.description,
            "isDefault": store.is_default,
            "properties": {},
            "tags": store.tags,
        }
        return resource(self._workspace, ("datastores", store.name), properties, store.created, store.created)
