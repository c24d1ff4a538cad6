"""Artifacts of runs: what there is, and signed URLs to read it."""

from typing import Any

from aiohttp import web

from sandbox.azure.arm.resources import WORKSPACE
from sandbox.azure.errors import ml_error
from sandbox.azure.front import body_of
from sandbox.azure.runs import Run
from sandbox.azure.storage import ARTIFACT_STORE, Blob
from sandbox.azure.times import history_time
from sandbox.azure.workspace import Workspace

V2 = "/artifact/v2.0" + WORKSPACE + "/artifacts"
ORIGIN = "ExperimentRun"


class ArtifactsApi:
    """Two doors to the same: the artifact service by container, and run history by run."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._store = workspace.storage.stores[ARTIFACT_STORE]

    def routes(self) -> list[web.RouteDef]:
        routes = [
            web.get(V2 + "/" + ORIGIN + "/{container}", self.index),
            web.get(V2 + "/contentinfo/" + ORIGIN + "/{container}", self.content),
            web.get(V2 + "/prefix/contentinfo/" + ORIGIN + "/{container}", self.contents),
            web.post(V2 + "/batch/metadata/" + ORIGIN + "/{container}", self.create),
        ]
        for scope in ("", "/experiments/{experiment}", "/experimentids/{experiment_id}"):
            base = "/history/v1.0" + WORKSPACE + scope + "/runs/{run}/artifacts"
            routes += [
                web.get(base, self.index),
                web.get(base + "/path", self.index),
                web.get(base + "/metadata", self.metadata),
                web.get(base + "/contentinfo", self.content),
                web.get(base + "/prefix/contentinfo", self.contents),
            ]
        return routes

    async def index(self, request: web.Request) -> web.Response:
        run = self._run(request)
        blobs = self._blobs(run, request.query.get("path", ""))
        return web.json_response({"value": [self._artifact(run, blob) for blob in blobs]})

    async def metadata(self, request: web.Request) -> web.Response:
        run = self._run(request)
        return web.json_response(self._artifact(run, self._blob(run, request)))

    async def content(self, request: web.Request) -> web.Response:
        run = self._run(request)
        return web.json_response(self._content(run, self._blob(run, request)))

    async def contents(self, request: web.Request) -> web.Response:
        run = self._run(request)
        blobs = self._blobs(run, request.query.get("path", ""))
        return web.json_response({"value": [self._content(run, blob) for blob in blobs]})

    async def create(self, request: web.Request) -> web.Response:
        """Reserves paths for upload: signed URLs to put the contents to."""
        run = self._run(request)
        paths = [str(item["path"]) for item in (await body_of(request)).get("paths") or []]
        infos = {
            path: {
                "origin": ORIGIN,
                "container": run.container,
                "path": path,
                "contentUri": self._workspace.storage.sas_url(
                    self._store, f"{run.artifact_prefix}/{path}", permissions="rcw"
                ),
            }
            for path in paths
        }
        artifacts = {path: {"origin": ORIGIN, "container": run.container, "path": path} for path in paths}
        return web.json_response({"artifacts": artifacts, "artifactContentInformation": infos, "errors": {}})

    def _run(self, request: web.Request) -> Run:
        named = request.match_info
        run_id = named.get("run") or named["container"].removeprefix("dcid.")
        run = self._workspace.runs.get(run_id)
        if run is None:
            raise ml_error(404, "UserError", f"Run {run_id} was not found", ["NotFound", "RunNotFound"])
        return run

    def _blobs(self, run: Run, prefix: str) -> list[Blob]:
        return list(self._store.blobs(f"{run.artifact_prefix}/{prefix}"))

    def _blob(self, run: Run, request: web.Request) -> Blob:
        path = request.query.get("path", "")
        blob = self._store.get(f"{run.artifact_prefix}/{path}")
        if blob is None:
            raise ml_error(
                404, "UserError", f"Artifact {path} of run {run.run_id} was not found", ["NotFound"]
            )
        return blob

    def _path(self, run: Run, blob: Blob) -> str:
        return blob.name.removeprefix(f"{run.artifact_prefix}/")

    def _artifact(self, run: Run, blob: Blob) -> dict[str, Any]:
        path = self._path(run, blob)
        return {
            "artifactId": f"{ORIGIN}/{run.container}/{path}",
            "origin": ORIGIN,
            "container": run.container,
            "path": path,
            "etag": blob.etag,
            "createdTime": history_time(blob.modified),
            "dataPath": {"dataStoreName": ARTIFACT_STORE, "relativePath": blob.name, "sqlDataPath": None},
            "tags": {},
        }

    def _content(self, run: Run, blob: Blob) -> dict[str, Any]:
        return {
            "contentUri": self._workspace.storage.sas_url(self._store, blob.name),
            "origin": ORIGIN,
            "container": run.container,
            "path": self._path(run, blob),
            "tags": {},
        }
