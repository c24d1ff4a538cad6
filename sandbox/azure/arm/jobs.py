"""Jobs as ARM resources: created once by name, listed with filters, cancelled as a long-running operation."""

import asyncio
from typing import Any

from aiohttp import web

from sandbox.azure.arm.operations import Operations
from sandbox.azure.arm.resources import WORKSPACE, listing, resource
from sandbox.azure.arm.rules import NAME
from sandbox.azure.arm.submission import Submission, read_submission
from sandbox.azure.engine.pipeline import Engine
from sandbox.azure.errors import bad_request, ml_error, not_found
from sandbox.azure.front import body_of, page_of
from sandbox.azure.runs import Run
from sandbox.azure.tokens import ML_RESOURCE
from sandbox.azure.workspace import Workspace

JOB_TYPES = {
    "pipeline": "Pipeline",
    "automl": "AutoML",
    "command": "Command",
    "sweep": "Sweep",
    "trial": "Command",
}
MUTABLE = ("description", "tags", "displayName", "properties", "isArchived")
COMPARED = {
    "settings": "Settings",
    "inputs": "Inputs",
    "outputs": "Outputs",
    "jobs": "Jobs",
    "componentId": "ComponentId",
    "computeId": "ComputeId",
    "experimentName": "ExperimentName",
    "taskDetails": "TaskDetails",
    "command": "Command",
    "codeId": "CodeId",
    "environmentId": "EnvironmentId",
    "jobType": "JobType",
}


class JobsApi:
    def __init__(self, workspace: Workspace, engine: Engine, operations: Operations) -> None:
        self._workspace = workspace
        self._engine = engine
        self._operations = operations

    def routes(self) -> list[web.RouteDef]:
        one = WORKSPACE + "/jobs/{name}"
        return [
            web.get(WORKSPACE + "/jobs", self.index),
            web.get(one, self.get),
            web.put(one, self.put),
            web.delete(one, self.delete),
            web.post(one + "/cancel", self.cancel),
        ]

    async def index(self, request: web.Request) -> web.Response:
        found = [run for run in self._workspace.runs.roots() if _matches(request, run)]
        page, token = page_of(request, found, lambda run: run.number)
        return listing(request, self._workspace, [self._resource(run) for run in page], token)

    async def get(self, request: web.Request) -> web.Response:
        return web.json_response(self._resource(self._find(request)))

    async def put(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if not NAME.fullmatch(name):
            raise bad_request(
                f"The job name '{name}' is invalid. It must match ^{NAME.pattern}$.", "InvalidJobName"
            )
        properties = (await body_of(request)).get("properties")
        if not isinstance(properties, dict):
            raise bad_request("The request body has no properties.")
        if properties.get("jobType") == "Pipeline":
            self._check_user_token(request)
        existing = self._workspace.runs.get(name)
        if existing is not None:
            self._update(existing, properties)
            return web.json_response(self._resource(existing))
        submission = read_submission(self._workspace, properties)
        run = self._workspace.runs.add(_new_run(name, properties))
        self._start(run, submission)
        return web.json_response(self._resource(run), status=201)

    def _check_user_token(self, request: web.Request) -> None:
        token = request.headers.get("x-azureml-token")
        if not token:
            raise bad_request(
                "The header x-azureml-token is required to submit a pipeline job.", "MissingUserToken"
            )
        self._workspace.tokens.check(f"Bearer {token}", {ML_RESOURCE})

    def _update(self, run: Run, properties: dict[str, Any]) -> None:
        changed = [
            word
            for key, word in COMPARED.items()
            if _normal(run.arm.get(key)) != _normal(properties.get(key))
        ]
        if changed:
            names = ",".join(f" {word}" for word in changed)
            message = (
                "A job with this name already exists. If you are trying to create a new job, use a different name. "
                f"If you are trying to update an existing job, the existing job's{names} cannot be changed. "
                "Only description, tags, displayName, properties, and isArchived can be updated."
            )
            raise ml_error(
                400, "UserError", message, ["Immutable", "JobPropertyImmutable"], {"property": names}
            )
        run.tags.update(properties.get("tags") or {})
        run.properties.update(properties.get("properties") or {})
        run.description = properties.get("description") or run.description
        run.display_name = properties.get("displayName") or run.display_name
        run.hidden = bool(properties.get("isArchived", run.hidden))

    def _start(self, run: Run, submission: Submission) -> None:
        if submission.graph is not None:
            self._engine.submit_pipeline(run, submission.graph, submission.inputs, submission.compute)
        elif submission.node is not None:
            self._engine.submit_automl(run, submission.node)
        else:
            self._engine.submit_command(run, submission.command, submission.inputs, submission.compute)

    async def cancel(self, request: web.Request) -> web.Response:
        run = self._find(request)
        if run.parent is not None and run.root.kind == "pipeline":
            raise bad_request(
                f"Job {run.run_id} is a step of pipeline {run.root.run_id}; cancel the pipeline."
            )
        if run.over:
            return web.Response(status=200)
        for open_run in (run, *self._workspace.runs.descendants(run)):
            open_run.become("CancelRequested")
        headers = self._operations.start(lambda: self._engine.cancel(run), self._workspace.pace.cancel)
        headers.pop("Azure-AsyncOperation")
        return web.Response(status=202, headers=headers)

    async def delete(self, request: web.Request) -> web.Response:
        run = self._workspace.runs.get(request.match_info["name"])
        if run is None:
            return web.Response(status=204)
        if not run.over:
            raise bad_request(f"Job {run.run_id} is {run.status}; only a job that has ended can be deleted.")
        self._workspace.runs.remove(run)
        headers = self._operations.start(lambda: asyncio.sleep(0), self._workspace.pace.cancel)
        headers.pop("Azure-AsyncOperation")
        return web.Response(status=202, headers=headers)

    def _find(self, request: web.Request) -> Run:
        run = self._workspace.runs.get(request.match_info["name"])
        if run is None:
            raise not_found(f"Job {request.match_info['name']} not found.")
        return run

    def _resource(self, run: Run) -> dict[str, Any]:
        """Steps of a pipeline have no properties here: clients read them from run history."""
        child = run.parent is not None and run.root.kind == "pipeline"
        return resource(
            self._workspace,
            ("jobs", run.run_id),
            None if child else self._properties(run),
            run.created,
            run.ended or run.created,
        )

    def _properties(self, run: Run) -> dict[str, Any]:
        tracking, studio = self._workspace.tracking_uri, self._workspace.studio_url(run.run_id)
        return {
            "inputs": {},
            "outputs": {},
            **run.arm,
            "jobType": JOB_TYPES[run.kind],
            "displayName": run.display_name,
            "description": run.description or None,
            "status": run.status,
            "experimentName": run.experiment,
            "tags": run.tags,
            "properties": run.properties,
            "isArchived": run.hidden,
            "services": {
                "Tracking": _service("Tracking", tracking),
                "Studio": _service("Studio", studio),
            },
        }


def _service(kind: str, endpoint: str) -> dict[str, Any]:
    return {
        "jobServiceType": kind,
        "port": None,
        "endpoint": endpoint,
        "status": None,
        "errorMessage": None,
        "properties": None,
        "nodes": None,
    }


def _new_run(name: str, properties: dict[str, Any]) -> Run:
    kind = {value: key for key, value in JOB_TYPES.items() if key != "trial"}[properties["jobType"]]
    run = Run(
        name,
        kind,
        properties.get("experimentName") or "Default",
        display_name=properties.get("displayName") or name,
        description=properties.get("description") or "",
        tags=dict(properties.get("tags") or {}),
        properties={**(properties.get("properties") or {}), "azureml.DevPlatv2": "true"},
        inputs=properties.get("inputs") or {},
        hidden=bool(properties.get("isArchived")),
        arm={key: value for key, value in properties.items() if key not in MUTABLE},
    )
    if kind == "pipeline":
        run.properties |= {
            "azureml.runsource": "azureml.PipelineRun",
            "runSource": "MFE",
            "runType": "HTTP",
            "azureml.parameters": "{}",
            "azureml.continue_on_step_failure": "True",
            "azureml.pipelineComponent": "pipelinerun",
        }
        if properties.get("componentId"):
            run.properties["azureml.SourceComponentId"] = properties["componentId"]
    return run


def _normal(value: Any) -> Any:
    """Absent, null and empty are the same; nested nulls do not count."""
    if isinstance(value, dict):
        cleaned = {key: _normal(item) for key, item in value.items()}
        return {key: item for key, item in cleaned.items() if item is not None} or None
    if isinstance(value, list):
        return [_normal(item) for item in value] or None
    return value


def _matches(request: web.Request, run: Run) -> bool:
    query = request.query
    view = query.get("listViewType", "ActiveOnly")
    if view != "All" and run.hidden != (view == "ArchivedOnly"):
        return False
    if "jobType" in query and query["jobType"].lower() != JOB_TYPES[run.kind].lower():
        return False
    return _has(run.tags, query.get("tag")) and _has(run.properties, query.get("properties"))


def _has(values: dict[str, str], wanted: str | None) -> bool:
    """`key` or `key=value`, several joined by commas."""
    for item in filter(None, (wanted or "").split(",")):
        key, given, value = item.partition("=")
        if key not in values or (given and values[key] != value):
            return False
    return True
