"""The MLflow tracking API, version 2.0, over the same runs."""

import base64
import operator
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox.azure.arm.resources import WORKSPACE
from sandbox.azure.errors import ServiceError
from sandbox.azure.front import body_of
from sandbox.azure.runs import Run
from sandbox.azure.times import milliseconds
from sandbox.azure.workspace import Workspace

STATUSES = {"Completed": "FINISHED", "Failed": "FAILED", "Canceled": "KILLED"}
RUNNING = ("Running", "Finalizing", "CancelRequested")
HISTORY_LIMIT = 1000
CLAUSE = re.compile(r"(\w+)\.([\w.`\" ]+?)\s*(>=|<=|!=|=|>|<)\s*(.+)")
COMPARED: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
BATCH_LIMITS = {"metrics": 1000, "params": 100, "tags": 100}


def mlflow_error(status: int, code: str, message: str) -> ServiceError:
    return ServiceError(status, {"error_code": code, "message": message})


class MlflowApi:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def routes(self) -> list[web.RouteDef]:
        base = "/mlflow/{mlflow_version:v[12]\\.0}" + WORKSPACE + "/api/2.0/mlflow"
        reads: dict[str, Callable[[web.Request], Awaitable[web.Response]]] = {
            "/runs/get": self.get_run,
            "/metrics/get-history": self.history,
            "/experiments/get": self.experiment,
            "/experiments/get-by-name": self.experiment,
        }
        writes: dict[str, Callable[[web.Request], Awaitable[web.Response]]] = {
            "/runs/update": self.update_run,
            "/runs/search": self.search,
            "/runs/log-metric": self.log_metric,
            "/runs/log-batch": self.log_batch,
            "/runs/log-parameter": self.log_parameter,
            "/runs/set-tag": self.set_tag,
        }
        return [
            *(web.get(base + path, handler) for path, handler in reads.items()),
            *(web.post(base + path, handler) for path, handler in writes.items()),
        ]

    async def get_run(self, request: web.Request) -> web.Response:
        run = self._find(request.query.get("run_id") or request.query.get("run_uuid"))
        return web.json_response({"run": self._run(run)})

    async def history(self, request: web.Request) -> web.Response:
        """All points of one metric, oldest first, in pages of fewer than 1,000."""
        run = self._find(request.query.get("run_id"))
        key = request.query.get("metric_key")
        if not key:
            raise mlflow_error(
                400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'metric_key'."
            )
        limit = int(request.query.get("max_results", HISTORY_LIMIT - 1))
        if not 0 < limit < HISTORY_LIMIT:
            raise mlflow_error(
                400, "INVALID_PARAMETER_VALUE", f"MaxResults must be less than {HISTORY_LIMIT}"
            )
        start = _offset(request.query.get("page_token"))
        points = run.metrics.get(key, [])
        body: dict[str, Any] = {
            "metrics": [
                {"key": key, "value": p.value, "timestamp": p.timestamp, "step": p.step}
                for p in points[start : start + limit]
            ]
        }
        if start + limit < len(points):
            body["next_page_token"] = base64.urlsafe_b64encode(str(start + limit).encode()).decode()
        return web.json_response(body)

    async def update_run(self, request: web.Request) -> web.Response:
        """Names may change; how a run ends is the workspace's to say while a job runs it."""
        body = await body_of(request)
        run = self._find(body.get("run_id"))
        run.display_name = body.get("run_name") or run.display_name
        return web.json_response({"run_info": self._run(run)["info"]})

    async def search(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        found = [
            run
            for experiment in body.get("experiment_ids") or []
            for run in self._workspace.runs.of_experiment(experiment)
            if _selected(run, body.get("filter") or "")
        ]
        limit, start = int(body.get("max_results", HISTORY_LIMIT)), _offset(body.get("page_token"))
        answer: dict[str, Any] = {"runs": [self._run(run) for run in found[start : start + limit]]}
        if start + limit < len(found):
            answer["next_page_token"] = base64.urlsafe_b64encode(str(start + limit).encode()).decode()
        return web.json_response(answer)

    async def log_metric(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        self._log(self._find(body.get("run_id") or body.get("run_uuid")), body)
        return web.json_response({})

    async def log_batch(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        run = self._find(body.get("run_id"))
        for kind, limit in BATCH_LIMITS.items():
            if len(body.get(kind) or []) > limit:
                message = f"A batch logging request can contain at most {limit} {kind}."
                raise mlflow_error(400, "INVALID_PARAMETER_VALUE", message)
        for metric in body.get("metrics") or []:
            self._log(run, metric)
        for param in body.get("params") or []:
            self._param(run, param)
        run.tags.update({tag["key"]: str(tag["value"]) for tag in body.get("tags") or []})
        return web.json_response({})

    async def log_parameter(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        self._param(self._find(body.get("run_id") or body.get("run_uuid")), body)
        return web.json_response({})

    async def set_tag(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        self._find(body.get("run_id") or body.get("run_uuid")).tags[str(body["key"])] = str(body.get("value"))
        return web.json_response({})

    async def experiment(self, request: web.Request) -> web.Response:
        wanted = request.query.get("experiment_id") or request.query.get("experiment_name")
        for run in self._workspace.runs.roots():
            if wanted in (run.experiment, run.experiment_id):
                found = {
                    "experiment_id": run.experiment_id,
                    "name": run.experiment,
                    "artifact_location": "",
                    "lifecycle_stage": "active",
                }
                return web.json_response({"experiment": found})
        raise mlflow_error(404, "RESOURCE_DOES_NOT_EXIST", f"Experiment {wanted} was not found.")

    def _find(self, run_id: Any) -> Run:
        run = self._workspace.runs.get(str(run_id))
        if run is None:
            raise mlflow_error(404, "RESOURCE_DOES_NOT_EXIST", f"Run {run_id} was not found.")
        return run

    def _log(self, run: Run, metric: dict[str, Any]) -> None:
        if run.over:
            raise mlflow_error(
                400, "INVALID_STATE", f"Run {run.run_id} is {run.status}; it takes no more metrics."
            )
        try:
            value, step = float(metric["value"]), int(metric.get("step", 0))
            timestamp = int(metric.get("timestamp") or time.time() * 1000)
            key = str(metric["key"])
        except (KeyError, TypeError, ValueError):
            raise mlflow_error(
                400, "INVALID_PARAMETER_VALUE", "A metric needs key, value and timestamp."
            ) from None
        run.log(key, value, step, timestamp)

    def _param(self, run: Run, param: dict[str, Any]) -> None:
        key, value = str(param["key"]), str(param["value"])
        if run.params.setdefault(key, value) != value:
            message = f"Changing param values is not allowed. Param with key='{key}' was already logged."
            raise mlflow_error(400, "INVALID_PARAMETER_VALUE", message)

    def _run(self, run: Run) -> dict[str, Any]:
        tags = {"mlflow.rootRunId": run.root.run_id, "mlflow.user": "Spotter", **run.tags}
        if run.parent:
            tags["mlflow.parentRunId"] = run.parent.run_id
        return {
            "info": {
                "run_uuid": run.run_id,
                "run_id": run.run_id,
                "run_name": run.display_name,
                "experiment_id": run.experiment_id,
                "user_id": "Spotter",
                "status": _status(run),
                "start_time": milliseconds(run.started or run.created),
                "end_time": milliseconds(run.ended),
                "artifact_uri": f"{self._workspace.tracking_uri.split('/mlflow')[0]}/artifact/{run.container}",
                "lifecycle_stage": "deleted" if run.hidden else "active",
            },
            "data": {
                "metrics": [
                    {
                        "key": key,
                        "value": points[-1].value,
                        "timestamp": points[-1].timestamp,
                        "step": points[-1].step,
                    }
                    for key, points in run.metrics.items()
                ],
                "params": [{"key": key, "value": value} for key, value in run.params.items()],
                "tags": [{"key": key, "value": value} for key, value in tags.items()],
            },
        }


def _offset(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token.encode()))
    except ValueError:
        raise mlflow_error(400, "INVALID_PARAMETER_VALUE", "Invalid page token.") from None


def _selected(run: Run, condition: str) -> bool:
    """Conditions on tags, status and metrics joined by `and`; anything else is refused."""
    parts = filter(None, (part.strip() for part in condition.replace(" AND ", " and ").split(" and ")))
    held = [_holds(run, part) for part in parts]
    return all(held)


def _holds(run: Run, part: str) -> bool:
    found = CLAUSE.fullmatch(part)
    scope, key, sign, wanted = found.groups() if found else ("", "", "", "")
    key = key.strip('`"')
    if scope == "metrics" and sign in COMPARED and _is_number(wanted):
        points = run.metrics.get(key, [])
        return any(COMPARED[sign](last.value, float(wanted)) for last in points[-1:])
    quoted = wanted[:1] in ("'", '"') and wanted[-1:] == wanted[:1]
    if sign == "=" and quoted and scope in ("tags", "tag"):
        actual = run.parent.run_id if key == "mlflow.parentRunId" and run.parent else run.tags.get(key)
        return actual == wanted[1:-1]
    if sign == "=" and quoted and (scope, key) == ("attributes", "status"):
        return _status(run) == wanted[1:-1].upper()
    raise mlflow_error(400, "INVALID_PARAMETER_VALUE", f"Invalid filter clause '{part}'.")


def _status(run: Run) -> str:
    return STATUSES.get(run.status, "RUNNING" if run.status in RUNNING else "SCHEDULED")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
