"""Labeling projects as ARM resources, which Azure calls labeling jobs; only preview versions of its API have them."""

import asyncio
import re
from typing import Any

from aiohttp import web

from sandbox.azure.arm.operations import Operations
from sandbox.azure.arm.resources import WORKSPACE, listing, resource
from sandbox.azure.arm.rules import NAME
from sandbox.azure.errors import ServiceError, arm_error, bad_request, ml_error, not_found
from sandbox.azure.front import body_of, page_of
from sandbox.azure.label_export import Format, NothingLabelledError, export
from sandbox.azure.labeling import Project
from sandbox.azure.times import now
from sandbox.azure.uris import NoSuchPlaceError, locate
from sandbox.azure.workspace import Workspace
from sandbox.line.formats import Picture

API_VERSIONS = (
    "2022-10-01-preview",
    "2022-12-01-preview",
    "2023-02-01-preview",
    "2023-04-01-preview",
    "2023-06-01-preview",
    "2023-08-01-preview",
    "2024-01-01-preview",
    "2024-04-01-preview",
)
FORMATS = ("Dataset", "Coco", "CSV")
PICTURE = re.compile(r".+\.(jpe?g|png|bmp|tiff?)", re.IGNORECASE)
LEAST = {"labelCategories", "labelingJobMediaProperties", "dataConfiguration"}


class LabelingApi:
    def __init__(self, workspace: Workspace, operations: Operations) -> None:
        self._workspace = workspace
        self._operations = operations

    def routes(self) -> list[web.RouteDef]:
        one = WORKSPACE + "/labelingJobs/{id}"
        return [
            web.get(WORKSPACE + "/labelingJobs", self.index),
            web.get(one, self.get),
            web.put(one, self.put),
            web.delete(one, self.delete),
            web.post(one + "/exportLabels", self.export_labels),
        ]

    async def index(self, request: web.Request) -> web.Response:
        self._check_version(request)
        newest = sorted(self._workspace.labeling.values(), key=_sequence, reverse=True)
        page, token = page_of(request, newest, _sequence)
        return listing(request, self._workspace, [self._resource(project) for project in page], token)

    async def get(self, request: web.Request) -> web.Response:
        self._check_version(request)
        return web.json_response(self._resource(self._find(request)))

    async def put(self, request: web.Request) -> web.Response:
        """A new project over the pictures of a data asset, or a changed description of one that is there."""
        self._check_version(request)
        name = request.match_info["id"]
        if not NAME.fullmatch(name):
            raise bad_request(f"The labeling job name '{name}' is invalid. It must match ^{NAME.pattern}$.")
        given = (await body_of(request)).get("properties")
        if not isinstance(given, dict) or given.get("jobType") != "Labeling":
            raise bad_request("properties.jobType must be Labeling.")
        there = self._workspace.labeling.get(name)
        if there is not None:
            changeable = ("displayName", "description", "tags", "jobInstructions", "isArchived")
            there.given |= {key: given[key] for key in changeable if key in given}
            return web.json_response(self._resource(there))
        if missing := LEAST - given.keys():
            raise bad_request(f"properties lack {', '.join(sorted(missing))}.")
        datastore, waiting = self._pictures(str((given["dataConfiguration"] or {}).get("dataId")))
        project = Project(name, datastore, waiting, given, created_by="Spotter")
        self._workspace.labeling[name] = project
        headers = self._operations.start(_nothing, 0.0)
        headers.pop("Location")
        return web.json_response(self._resource(project), status=201, headers=headers)

    async def delete(self, request: web.Request) -> web.Response:
        self._check_version(request)
        gone = self._workspace.labeling.pop(request.match_info["id"], None)
        return web.Response(status=204 if gone is None else 200)

    async def export_labels(self, request: web.Request) -> web.Response:
        """Every call makes one more export; nothing tells a repeated request from a new one."""
        self._check_version(request)
        project = self._find(request)
        kind = (await body_of(request)).get("format")
        if kind not in FORMATS:
            raise bad_request(f"The export format '{kind}' is none of {', '.join(FORMATS)}.")
        if kind == "CSV":
            raise bad_request("Projects with boxes are not exported as CSV.")
        if not project.labelled:
            raise _refusal(project)
        headers = self._operations.start(lambda: self._export(project, kind), 0.0)
        headers.pop("Azure-AsyncOperation")
        return web.Response(status=202, headers=headers)

    async def _export(self, project: Project, kind: Format) -> dict[str, Any]:
        await asyncio.sleep(self._workspace.pace.exporting)
        try:
            return export(self._workspace, project, kind)
        except NothingLabelledError:
            raise _refusal(project) from None

    def _pictures(self, asset: str) -> tuple[str, list[Picture]]:
        try:
            place = locate(self._workspace, asset)
        except NoSuchPlaceError as missing:
            raise bad_request(str(missing), "DataNotFound") from None
        names = [blob.name for blob in place.store.blobs(place.path) if PICTURE.fullmatch(blob.name)]
        return place.store.name, [Picture(name, now(), ()) for name in names]

    def _find(self, request: web.Request) -> Project:
        project = self._workspace.labeling.get(request.match_info["id"])
        if project is None:
            raise not_found(f"Labeling job {request.match_info['id']} was not found.")
        return project

    def _check_version(self, request: web.Request) -> None:
        version = request.query.get("api-version")
        if version not in API_VERSIONS:
            message = (
                "The resource type 'workspaces/labelingJobs' could not be found in the namespace "
                f"'Microsoft.MachineLearningServices' for api version '{version}'. "
                f"The supported api-versions are '{', '.join(API_VERSIONS)}'."
            )
            raise arm_error(400, "InvalidResourceType", message)

    def _resource(self, project: Project) -> dict[str, Any]:
        return resource(
            self._workspace,
            ("labelingJobs", project.name),
            project.properties(),
            project.created,
            project.created,
            project.created_by,
        )


def _refusal(project: Project) -> ServiceError:
    message = f"Labeling project {project.title} has no labeled data to export."
    return ml_error(400, "UserError", message, ["BadArgument", "NoLabeledData"])


def _sequence(project: Project) -> int:
    return project.sequence


async def _nothing() -> None:
    return None
