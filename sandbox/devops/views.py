"""Runs and builds as the API shows them."""

from typing import Any

from sandbox.azure.times import arm_time
from sandbox.devops.builds import Build, Pipeline
from sandbox.devops.organisation import PROJECT, Organisation


def pipeline_view(organisation: Organisation, pipeline: Pipeline, *, full: bool = False) -> dict[str, Any]:
    url = f"{organisation.project_url}/_apis/pipelines/{pipeline.id}?revision={pipeline.revision}"
    web = f"{organisation.base_url}/{PROJECT}/_build/definition?definitionId={pipeline.id}"
    view: dict[str, Any] = {
        "_links": {"self": {"href": url}, "web": {"href": web}},
        "url": url,
        "id": pipeline.id,
        "revision": pipeline.revision,
        "name": pipeline.name,
        "folder": pipeline.folder,
    }
    if full:
        repository = {"id": organisation.repository.id, "type": "azureReposGit"}
        view["configuration"] = {"path": pipeline.path, "repository": repository, "type": "yaml"}
    return view


def run_view(organisation: Organisation, build: Build, *, full: bool = False) -> dict[str, Any]:
    """Lists leave out template parameters and resources."""
    url = f"{organisation.project_url}/_apis/pipelines/{build.pipeline.id}/runs/{build.id}"
    pipeline = pipeline_view(organisation, build.pipeline)
    view: dict[str, Any] = {
        "_links": {
            "self": {"href": url},
            "web": {"href": organisation.page_of(build)},
            "pipeline": {"href": pipeline["url"]},
        },
        "pipeline": {key: pipeline[key] for key in ("url", "id", "revision", "name", "folder")},
        "state": build.state,
        "createdDate": arm_time(build.queued),
        "url": url,
        "id": build.id,
        "name": build.number,
    }
    if build.over:
        view["result"] = "succeeded" if build.result == "partiallySucceeded" else build.result
        view["finishedDate"] = arm_time(build.finished or build.queued)
    if full:
        view["templateParameters"] = build.given
        view["resources"] = {
            "repositories": {
                "self": {
                    "repository": {"id": organisation.repository.id, "type": "azureReposGit"},
                    "refName": build.branch,
                    "version": build.commit.id,
                }
            }
        }
    return view


def definition_ref(organisation: Organisation, pipeline: Pipeline) -> dict[str, Any]:
    return {
        "drafts": [],
        "id": pipeline.id,
        "name": pipeline.name,
        "url": f"{organisation.project_url}/_apis/build/Definitions/{pipeline.id}?revision={pipeline.revision}",
        "uri": f"vstfs:///Build/Definition/{pipeline.id}",
        "path": pipeline.folder,
        "type": "build",
        "queueStatus": "enabled",
        "revision": pipeline.revision,
        "project": organisation.project_ref(),
    }


def definition_view(organisation: Organisation, pipeline: Pipeline) -> dict[str, Any]:
    return {
        **definition_ref(organisation, pipeline),
        "createdDate": arm_time(pipeline.created),
        "process": {"yamlFilename": pipeline.path, "type": 2},
        "repository": {
            "id": organisation.repository.id,
            "name": organisation.repository.name,
            "type": "TfsGit",
            "defaultBranch": organisation.repository.default_branch,
        },
    }


def build_view(organisation: Organisation, build: Build) -> dict[str, Any]:
    url = organisation.build_url(build)
    who = build.requested_for.ref()
    times = {"queueTime": build.queued, "startTime": build.started, "finishTime": build.finished}
    invalid = [{"result": "error", "message": text} for text in build.problems]
    return {
        "_links": {
            "self": {"href": url},
            "web": {"href": organisation.page_of(build)},
            "timeline": {"href": f"{url}/Timeline"},
        },
        "properties": {},
        "tags": list(build.tags),
        "validationResults": invalid,
        "plans": [{"planId": build.plan_id}],
        "orchestrationPlan": {"planId": build.plan_id},
        "triggerInfo": {"ci.sourceBranch": build.branch} if build.reason == "individualCI" else {},
        "templateParameters": build.given,
        "id": build.id,
        "buildNumber": build.number,
        "status": build.status,
        **({"result": build.result} if build.over else {}),
        **{name: arm_time(moment) for name, moment in times.items() if moment},
        "url": url,
        "definition": definition_ref(organisation, build.pipeline),
        "project": organisation.project_ref(),
        "uri": f"vstfs:///Build/Build/{build.id}",
        "sourceBranch": build.branch,
        "sourceVersion": build.commit.id,
        "queue": {"id": organisation.pools[0].id, "name": organisation.pools[0].name},
        "priority": "normal",
        "reason": build.reason,
        "requestedFor": who,
        "requestedBy": who,
        "lastChangedDate": arm_time(build.changed),
        "lastChangedBy": who,
        "logs": {"id": 0, "type": "Container", "url": f"{url}/logs"},
        "repository": {
            "id": organisation.repository.id,
            "type": "TfsGit",
            "name": organisation.repository.name,
            "url": f"{organisation.base_url}/{PROJECT}/_git/{organisation.repository.name}",
        },
        "retainedByRelease": False,
        "appendCommitMessageToRunName": True,
    }
