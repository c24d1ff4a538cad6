"""Pipelines and their runs."""

from typing import Any

from aiohttp import web

from sandbox.devops.builds import Build, Pipeline
from sandbox.devops.errors import devops_error, invalid, not_found, pipeline_invalid
from sandbox.devops.identities import QUEUE_BUILDS
from sandbox.devops.organisation import Organisation
from sandbox.devops.queueing import Queue, strings
from sandbox.devops.repository import full_ref
from sandbox.devops.resources import Call, Resource, collection, paged
from sandbox.devops.views import pipeline_view, run_view

MOST_RUNS = 10_000


class PipelinesApi:
    def __init__(self, organisation: Organisation, queue: Queue) -> None:
        self._organisation = organisation
        self._queue = queue

    def resources(self) -> list[Resource]:
        return [
            Resource(
                "28e1305e-2afe-47bf-abaf-cbb0e6a91988",
                "pipelines",
                "pipelines",
                "{project}/_apis/pipelines/{pipelineId}",
                {"GET": self._pipelines, "POST": self._create},
            ),
            Resource(
                "7859261e-d2e9-4a68-b820-a5d84cc5bb3d",
                "pipelines",
                "runs",
                "{project}/_apis/pipelines/{pipelineId}/runs/{runId}",
                {"GET": self._runs, "POST": self._run},
            ),
            Resource(
                "53df2d18-29ea-46a9-bee0-933540f80abf",
                "pipelines",
                "preview",
                "{project}/_apis/pipelines/{pipelineId}/preview",
                {"POST": self._run},
            ),
        ]

    def _pipeline(self, call: Call) -> Pipeline:
        found = self._organisation.pipelines.get(call.number("pipelineId"))
        if found is None:
            message = f"VS800075: The pipeline with id {call.values['pipelineId']} does not exist."
            raise not_found("PipelineDoesNotExistException", message)
        return found

    async def _pipelines(self, call: Call) -> web.Response:
        if "pipelineId" in call.values:
            return web.json_response(pipeline_view(self._organisation, self._pipeline(call), full=True))
        by, _, direction = call.query.get("orderBy", "name asc").partition(" ")
        if by.lower() not in ("name", "id"):
            raise invalid(f"The order '{by}' is not supported.")
        pipelines = sorted(
            self._organisation.pipelines.values(),
            key=lambda p: (p.name.lower(), p.id) if by.lower() == "name" else ("", p.id),
            reverse=direction.lower() == "desc",
        )
        page, token = paged(call, pipelines, lambda pipeline: pipeline.id, size=MOST_RUNS)
        return collection([pipeline_view(self._organisation, pipeline) for pipeline in page], token)

    async def _create(self, call: Call) -> web.Response:
        body = await call.body()
        configuration = body.get("configuration") or {}
        if configuration.get("type") != "yaml" or not configuration.get("path"):
            raise invalid("A pipeline is created from YAML: configuration needs type yaml and a path.")
        repository = configuration.get("repository") or {}
        given = str(repository.get("id") or repository.get("name") or "").lower()
        ours = self._organisation.repository
        if repository.get("type") != "azureReposGit" or given not in (ours.id, ours.name.lower()):
            raise pipeline_invalid(f"The repository {given or '(none)'} could not be found.")
        name = str(body.get("name") or ours.name)
        folder = str(body.get("folder") or "\\").replace("/", "\\")
        folder = folder if folder.startswith("\\") else f"\\{folder}"
        pipelines = self._organisation.pipelines
        if any((p.name.lower(), p.folder) == (name.lower(), folder) for p in pipelines.values()):
            message = f"Definition {name} already exists in folder {folder}."
            raise devops_error(409, "DefinitionExistsException", message)
        made = Pipeline(
            next(self._organisation.pipeline_ids), name, folder, str(configuration["path"]).lstrip("/")
        )
        pipelines[made.id] = made
        return web.json_response(pipeline_view(self._organisation, made, full=True))

    async def _runs(self, call: Call) -> web.Response:
        pipeline = self._pipeline(call)
        if "runId" in call.values:
            build = self._organisation.builds.get(call.number("runId"))
            if build is None or build.pipeline is not pipeline:
                message = f"Run {call.values['runId']} of pipeline {pipeline.id} does not exist."
                raise not_found("PipelineRunNotFoundException", message)
            return web.json_response(run_view(self._organisation, build, full=True))
        builds = [build for build in self._organisation.builds.values() if build.pipeline is pipeline]
        newest = sorted(builds, key=lambda build: -build.id)[:MOST_RUNS]
        return collection([run_view(self._organisation, build) for build in newest])

    async def _run(self, call: Call) -> web.Response:
        pipeline = self._pipeline(call)
        body = await call.json()
        if not isinstance(body, dict):
            message = "Value cannot be null.\r\nParameter name: runParameters"
            raise devops_error(400, "ArgumentNullException", message)
        if body.get("yamlOverride") or body.get("stagesToSkip"):
            raise invalid("The sandbox serves neither yamlOverride nor stagesToSkip.")
        if variables := body.get("variables"):
            names = ", ".join(variables)
            raise pipeline_invalid(
                f"You can't set the following variables ({names}). If you want to be able to set these variables, then "
                "edit the pipeline and select Settable at queue time on the variables tab of the pipeline editor."
            )
        self._organisation.access.require(call.caller, QUEUE_BUILDS, pipeline.id, "Queue builds")
        dry = bool(body.get("previewRun")) or call.request.path.lower().endswith("/preview")
        ref, version = _source(body)
        newest = self._organisation.repository.branches.get(ref)
        if version and newest and version != newest.id:
            raise invalid("The sandbox runs the newest commit of a branch only.")
        build = self._queue.add(pipeline, ref, strings(body.get("templateParameters")), call.caller, dry=dry)
        return web.json_response(
            run_view(self._organisation, build, full=True) if not dry else _preview(build)
        )


def _source(body: dict[str, Any]) -> tuple[str, str]:
    """The branch and the commit that are asked for; empty where the pipeline's own are meant."""
    repositories = (body.get("resources") or {}).get("repositories") or {}
    source = repositories.get("self") or {}
    name = str(source.get("refName") or "")
    return (full_ref(name) if name else ""), str(source.get("version") or "")


def _preview(build: Build) -> dict[str, str]:
    """The text as it is in the branch: templates of stages are not served, so nothing is put into it."""
    return {"finalYaml": (build.commit.folder / build.pipeline.path).read_text()}
