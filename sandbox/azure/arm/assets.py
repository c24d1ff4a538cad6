"""Versioned assets as ARM resources: data, models, components, environments, codes."""

import secrets
from typing import Any

from aiohttp import web

from sandbox.azure.arm import rules
from sandbox.azure.arm.resources import WORKSPACE, listing, resource
from sandbox.azure.assets import Container, Version
from sandbox.azure.errors import bad_request, ml_error, not_found
from sandbox.azure.front import body_of, page_of
from sandbox.azure.storage import DEFAULT_STORE
from sandbox.azure.times import now
from sandbox.azure.workspace import Workspace

KINDS = {
    "data": "Data",
    "models": "Model",
    "components": "Component",
    "environments": "Environment",
    "codes": "Code",
}


class AssetsApi:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def routes(self) -> list[web.RouteDef]:
        kind = WORKSPACE + "/{kind:" + "|".join(KINDS) + "}"
        one = kind + "/{name}"
        version = one + "/versions/{version}"
        return [
            web.get(kind, self.list_containers),
            web.get(one, self.get_container),
            web.put(one, self.put_container),
            web.get(one + "/versions", self.list_versions),
            web.get(version, self.get_version),
            web.put(version, self.put_version),
            web.delete(version, self.delete_version),
            web.post(version + "/startPendingUpload", self.start_upload),
        ]

    async def list_containers(self, request: web.Request) -> web.Response:
        kind = request.match_info["kind"]
        found = [
            c
            for c in self._workspace.assets.containers(kind)
            if c.name != "azureml_anonymous" and _in_view(request, bool(c.properties.get("isArchived")))
        ]
        page, token = page_of(request, found, lambda container: container.sequence)
        return listing(request, self._workspace, [self._container(kind, c) for c in page], token)

    async def get_container(self, request: web.Request) -> web.Response:
        kind = request.match_info["kind"]
        return web.json_response(self._container(kind, self._find(request)))

    async def put_container(self, request: web.Request) -> web.Response:
        """Only what belongs to the name as a whole: description, tags, archiving."""
        container = self._find(request)
        body = (await body_of(request)).get("properties") or {}
        container.properties.update(
            {key: body[key] for key in ("description", "tags", "isArchived") if key in body}
        )
        return web.json_response(self._container(request.match_info["kind"], container))

    async def list_versions(self, request: web.Request) -> web.Response:
        kind = request.match_info["kind"]
        if kind == "codes" and self._workspace.assets.container(kind, request.match_info["name"]) is None:
            return self._codes_by_hash(request)
        container = self._find(request)
        versions = sorted(container.newest_first, key=lambda v: v.sequence, reverse=True)
        order = request.query.get("$orderBy", request.query.get("orderBy", "")).lower()
        if order.startswith("createdtime"):
            versions = container.newest_first if order.endswith("desc") else container.newest_first[::-1]
        versions = [
            v
            for v in versions
            if _in_view(request, bool(v.properties.get("isArchived"))) and _has_tags(request, v.properties)
        ]
        top = request.query.get("$top")
        if top is not None:
            return listing(
                request, self._workspace, self._versions(kind, container, versions[: int(top)]), None
            )
        versions.sort(key=lambda v: v.sequence, reverse=True)
        page, token = page_of(request, versions, lambda version: version.sequence)
        return listing(request, self._workspace, self._versions(kind, container, list(page)), token)

    def _codes_by_hash(self, request: web.Request) -> web.Response:
        """Code assets are found by the hash of their content, whatever their name."""
        wanted = request.query.get("hash")
        found = [
            self._version("codes", container, version)
            for container in self._workspace.assets.containers("codes")
            for version in container.newest_first
            if wanted and (version.properties.get("properties") or {}).get("hash_sha256") == wanted
        ]
        return listing(request, self._workspace, found, None)

    async def get_version(self, request: web.Request) -> web.Response:
        container, version = self._find_version(request)
        return web.json_response(self._version(request.match_info["kind"], container, version))

    async def put_version(self, request: web.Request) -> web.Response:
        kind, name, number = (request.match_info[key] for key in ("kind", "name", "version"))
        rules.check_name(kind, name, number)
        given = (await body_of(request)).get("properties")
        if not isinstance(given, dict):
            raise bad_request("The request body has no properties.")
        properties = rules.checked(self._workspace, kind, name, given)
        old = self._workspace.assets.version(kind, name, number)
        if old is not None:
            rules.check_unchanged(kind, name, old, properties)
            merged = {**(old.properties.get("properties") or {}), **(properties.get("properties") or {})}
            old.properties = {**properties, "properties": merged}
            old.modified = now()
            version = old
        else:
            if self._workspace.assets.was_deleted(kind, name, number):
                message = (
                    f"{KINDS[kind]} {name}:{number} was deleted, it cannot be recreated. "
                    "Please try again with a different version."
                )
                raise ml_error(400, "UserError", message, ["Conflict", "VersionDeleted"])
            version = Version(number, properties)
            self._workspace.assets.put(kind, name, version)
            if kind == "models":
                self._workspace.events.model_registered(name, number, properties)
        container = self._workspace.assets.container(kind, name)
        if container is None:
            raise AssertionError("a version was just put into this container")
        return web.json_response(self._version(kind, container, version), status=200 if old else 201)

    async def delete_version(self, request: web.Request) -> web.Response:
        kind, name, number = (request.match_info[key] for key in ("kind", "name", "version"))
        if self._workspace.assets.version(kind, name, number) is None:
            return web.Response(status=204)
        self._workspace.assets.delete(kind, name, number)
        return web.Response(status=200)

    async def start_upload(self, request: web.Request) -> web.Response:
        """A fresh container to upload an asset into, opened by a signed URL."""
        store = self._workspace.storage
        upload = secrets.token_hex(16)
        account = store.stores[DEFAULT_STORE].account
        container = store.add(
            f"pending-{upload}",
            account,
            f"{upload[:8]}-{self._workspace.place.workspace_id}",
            is_registered=False,
        )
        return web.json_response(
            {
                "pendingUploadId": upload,
                "pendingUploadType": "TemporaryBlobReference",
                "blobReferenceForConsumption": {
                    "blobUri": store.url(container),
                    "storageAccountArmId": None,
                    "credential": {
                        "credentialType": "SAS",
                        "sasUri": store.sas_url(container, permissions="rcwl"),
                    },
                },
            }
        )

    def _find(self, request: web.Request) -> Container:
        kind, name = request.match_info["kind"], request.match_info["name"]
        container = self._workspace.assets.container(kind, name)
        if container is None:
            raise not_found(f"{KINDS[kind]} container with name: {name} not found.")
        return container

    def _find_version(self, request: web.Request) -> tuple[Container, Version]:
        kind, name, number = (request.match_info[key] for key in ("kind", "name", "version"))
        container = self._find(request)
        version = container.versions.get(number)
        if version is None:
            raise not_found(f"{KINDS[kind]} version with name: {name}, version: {number} not found.")
        return container, version

    def _container(self, kind: str, container: Container) -> dict[str, Any]:
        newest = container.newest_first[0]
        properties: dict[str, Any] = {
            "description": None,
            "tags": {},
            "properties": {},
            "isArchived": False,
            **container.properties,
            "latestVersion": container.latest,
            "nextVersion": container.next,
        }
        if kind == "data":
            properties["dataType"] = newest.properties["dataType"]
        return resource(
            self._workspace,
            (kind, container.name),
            properties,
            container.created,
            newest.modified,
            newest.created_by,
        )

    def _versions(self, kind: str, container: Container, versions: list[Version]) -> list[dict[str, Any]]:
        return [self._version(kind, container, version) for version in versions]

    def _version(self, kind: str, container: Container, version: Version) -> dict[str, Any]:
        properties = {
            "description": None,
            "tags": {},
            "properties": {},
            "isArchived": False,
            "isAnonymous": False,
            **version.properties,
        }
        path = (kind, container.name, "versions", version.version)
        return resource(
            self._workspace, path, properties, version.created, version.modified, version.created_by
        )


def _in_view(request: web.Request, archived: bool) -> bool:
    view = request.query.get("listViewType", "ActiveOnly")
    return view == "All" or archived == (view == "ArchivedOnly")


def _has_tags(request: web.Request, properties: dict[str, Any]) -> bool:
    """`tags=a,b=c`: every named tag is there, with its value where one is given."""
    wanted = request.query.get("tags") or request.query.get("$tags")
    tags = properties.get("tags") or {}
    for item in filter(None, (wanted or "").split(",")):
        key, given, value = item.partition("=")
        if key not in tags or (given and tags[key] != value):
            return False
    return True
