"""Run history: runs, details, children, batches, and edits of tags."""

import re
from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox.azure.arm.resources import WORKSPACE
from sandbox.azure.dataplane.views import details_view, run_view
from sandbox.azure.errors import ml_error
from sandbox.azure.front import body_of, next_link, page_of
from sandbox.azure.runs import Run
from sandbox.azure.workspace import Workspace

HISTORY = "/history/v1.0" + WORKSPACE
LARGEST_PAGE = 500
CONDITION = re.compile(r"(\w+) eq (\S+)")
ASKABLE: dict[str, Callable[[Run], str | None]] = {
    "runid": lambda run: run.run_id,
    "rootrunid": lambda run: run.root.run_id,
    "parentrunid": lambda run: run.parent.run_id if run.parent else None,
    "status": lambda run: run.status,
}
EDITABLE = {"displayName": "display_name", "description": "description", "hidden": "hidden"}


class HistoryApi:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def routes(self) -> list[web.RouteDef]:
        routes = [
            web.post(HISTORY + "/rundata", self.run_data),
            web.post(HISTORY + "/batchrundata", self.batch),
            web.get(HISTORY + "/experimentids/{experiment_id}", self.experiment),
            web.get(HISTORY + "/experiments/{experiment}", self.experiment),
        ]
        routes += [
            web.post(HISTORY + scope + "/runs:query", self.query)
            for scope in ("/experiments/{experiment}", "/experimentids/{experiment_id}")
        ]
        for scope in ("", "/experiments/{experiment}", "/experimentids/{experiment_id}"):
            one = HISTORY + scope + "/runs/{run}"
            routes += [
                web.get(one, self.get),
                web.patch(one, self.patch),
                web.get(one + "/details", self.details),
                web.get(one + "/children", self.children),
                web.delete(one + "/tags", self.delete_tags),
            ]
        return routes

    async def get(self, request: web.Request) -> web.Response:
        return web.json_response(run_view(self._workspace, self._find(request)))

    async def details(self, request: web.Request) -> web.Response:
        return web.json_response(details_view(self._workspace, self._find(request)))

    async def children(self, request: web.Request) -> web.Response:
        """Oldest last, as run history orders by creation, newest first."""
        children = sorted(
            self._workspace.runs.children(self._find(request)), key=lambda r: r.number, reverse=True
        )
        size = max(1, min(int(request.query.get("$top", LARGEST_PAGE)), LARGEST_PAGE))
        page, token = page_of(
            request, children, lambda r: r.number, parameter="$continuationtoken", size=size
        )
        body: dict[str, Any] = {
            "value": [run_view(self._workspace, child) for child in page],
            "continuationToken": token,
            "nextLink": next_link(request, self._workspace.base_url, token, "$continuationtoken"),
        }
        return web.json_response(body)

    async def query(self, request: web.Request) -> web.Response:
        """An experiment's runs that a filter finds, newest first, in pages; the token goes into the next body."""
        body, named = await body_of(request), request.match_info
        wanted = named.get("experiment") or named.get("experiment_id")
        there = [run for run in self._workspace.runs.all() if wanted in (run.experiment, run.experiment_id)]
        if not there:
            raise ml_error(404, "UserError", f"Experiment {wanted} was not found", ["NotFound"])
        selects = _condition(str(body.get("filter") or ""))
        found = sorted((run for run in there if selects(run)), key=lambda run: run.number, reverse=True)
        size, before = (
            max(1, min(int(body.get("top") or LARGEST_PAGE), LARGEST_PAGE)),
            body.get("continuationToken"),
        )
        if before is not None:
            found = [run for run in found if run.number < int(before)]
        page = found[:size]
        return web.json_response(
            {
                "value": [run_view(self._workspace, run) for run in page],
                "continuationToken": str(page[-1].number) if len(found) > size else None,
                "nextLink": None,
            }
        )

    async def run_data(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        run = self._workspace.runs.get(str(body.get("runId")))
        if run is None:
            raise _no_run(str(body.get("runId")))
        return web.json_response(self._data(run, body))

    async def batch(self, request: web.Request) -> web.Response:
        """Each request by its key: found ones under `successfulResults`, the others under `failedResults`."""
        requests = (await body_of(request)).get("requests") or {}
        good: dict[str, Any] = {}
        bad: dict[str, Any] = {}
        for key, wanted in requests.items():
            run = self._workspace.runs.get(str(wanted.get("runId")))
            if run is None:
                error = {"code": "UserError", "message": f"Run {wanted.get('runId')} was not found"}
                bad[key] = {"error": error}
            else:
                good[key] = self._data(run, wanted)
        status = 207 if bad else 200
        return web.json_response({"successfulResults": good, "failedResults": bad}, status=status)

    def _data(self, run: Run, wanted: dict[str, Any]) -> dict[str, Any]:
        return {
            "runMetadata": run_view(self._workspace, run) if wanted.get("selectRunMetadata") else None,
            "runDefinition": None,
            "jobSpecification": None,
        }

    async def patch(self, request: web.Request) -> web.Response:
        run = self._find(request)
        body = await body_of(request)
        for key, attribute in EDITABLE.items():
            if body.get(key) is not None:
                setattr(run, attribute, body[key])
        run.tags.update({key: str(value) for key, value in (body.get("tags") or {}).items()})
        run.properties.update({key: str(value) for key, value in (body.get("properties") or {}).items()})
        run.revision += 1
        return web.json_response(run_view(self._workspace, run))

    async def delete_tags(self, request: web.Request) -> web.Response:
        run = self._find(request)
        for key in await request.json():
            run.tags.pop(key, None)
        return web.json_response(run_view(self._workspace, run))

    async def experiment(self, request: web.Request) -> web.Response:
        wanted = request.match_info.get("experiment") or request.match_info.get("experiment_id")
        for run in self._workspace.runs.roots():
            if wanted in (run.experiment, run.experiment_id):
                return web.json_response(
                    {"experimentId": run.experiment_id, "name": run.experiment, "tags": {}}
                )
        raise ml_error(404, "UserError", f"Experiment {wanted} was not found", ["NotFound"])

    def _find(self, request: web.Request) -> Run:
        run = self._workspace.runs.get(request.match_info["run"])
        named = request.match_info
        if run is None or named.get("experiment", run.experiment) != run.experiment:
            raise _no_run(request.match_info["run"])
        if named.get("experiment_id", run.experiment_id) != run.experiment_id:
            raise _no_run(request.match_info["run"])
        return run


def _condition(given: str) -> Callable[[Run], bool]:
    """`Field eq value` joined by `or`; anything else is refused."""
    wanted: list[tuple[Callable[[Run], str | None], str]] = []
    for part in given.split(" or ") if given else ():
        found = CONDITION.fullmatch(part.strip())
        if found is None or found[1].lower() not in ASKABLE:
            raise ml_error(400, "UserError", f"Invalid filter expression '{part}'", ["BadArgument"])
        wanted.append((ASKABLE[found[1].lower()], found[2]))
    return lambda run: not wanted or any(told(run) == value for told, value in wanted)


def _no_run(run_id: str) -> web.HTTPException:
    return ml_error(404, "UserError", f"Run {run_id} was not found", ["NotFound", "RunNotFound"])
