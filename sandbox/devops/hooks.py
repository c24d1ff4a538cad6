"""Service hooks: what happens in the organisation, as events for those who subscribed."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.azure.times import arm_time, now
from sandbox.devops.approvals import Approval
from sandbox.devops.builds import Build
from sandbox.devops.deliveries import Deliveries, Subscription
from sandbox.devops.organisation import Organisation
from sandbox.devops.pipeline.definition import Stage
from sandbox.devops.timeline import Record
from sandbox.devops.views import build_view, pipeline_view, run_view

RUN_CHANGED = "ms.vss-pipelines.run-state-changed-event"
STAGE_CHANGED = "ms.vss-pipelines.stage-state-changed-event"
JOB_CHANGED = "ms.vss-pipelines.job-state-changed-event"
APPROVAL_PENDING = "ms.vss-pipelinechecks-events.approval-pending"
APPROVAL_COMPLETED = "ms.vss-pipelinechecks-events.approval-completed"
BUILD_COMPLETE = "build.complete"
PUBLISHERS = {
    BUILD_COMPLETE: "tfs",
    **dict.fromkeys(
        (RUN_CHANGED, STAGE_CHANGED, JOB_CHANGED, APPROVAL_PENDING, APPROVAL_COMPLETED), "pipelines"
    ),
}
STATES = {"pending": "NotStarted", "inProgress": "Running", "completed": "Completed"}
BUILD_RESULTS = {"partiallySucceeded": "PartiallySucceeded", "failed": "Failed", "canceled": "Stopped"}


class Hooks:
    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation
        self.subscriptions: dict[str, Subscription] = {}
        self.deliveries = Deliveries(organisation.pace.delivery_retry)

    def run_changed(self, build: Build) -> None:
        state = build.state[0].upper() + build.state[1:]
        result = run_view(self._organisation, build).get("result", "")
        facts = {
            "pipelineId": str(build.pipeline.id),
            "runStateId": state,
            "runResultId": result.capitalize(),
        }
        said = result or {"inProgress": "started", "canceling": "is canceling"}[build.state]
        self._emit(
            RUN_CHANGED,
            facts,
            f"Run {build.number} {said}.",
            build,
            lambda: {
                "run": run_view(self._organisation, build),
                "pipeline": pipeline_view(self._organisation, build.pipeline),
            },
        )

    def build_completed(self, build: Build) -> None:
        result = str(build.result)
        facts = {
            "definitionName": build.pipeline.name,
            "buildStatus": BUILD_RESULTS.get(result, "Succeeded"),
        }
        words = f"Build {build.number} {result}"
        self._emit(BUILD_COMPLETE, facts, words, build, lambda: build_view(self._organisation, build))

    def stage_changed(self, build: Build, stage: Stage, record: Record, *, waiting: bool = False) -> None:
        facts = {
            "pipelineId": str(build.pipeline.id),
            "stageNameId": stage.name,
            "stageStateId": "Waiting" if waiting else STATES[record.state],
            "stageResultId": (record.result or "").capitalize(),
        }
        said = record.result or ("is waiting" if waiting else "started")
        words = f"Run {build.number} stage {stage.name} {said}."
        state = "waiting" if waiting else record.state
        self._emit(STAGE_CHANGED, facts, words, build, lambda: self._of_stage(build, stage, record, state))

    def job_changed(self, build: Build, stage: Stage, record: Record) -> None:
        facts = {
            "pipelineId": str(build.pipeline.id),
            "stageNameId": stage.name,
            "jobNameId": record.name,
            "jobStateId": STATES[record.state],
            "jobResultId": (record.result or "").capitalize(),
        }
        words = f"Run {build.number} stage {stage.name} job {record.name} {record.result or 'started'}."
        top = build.record_of("Stage", stage.display) or record
        self._emit(
            JOB_CHANGED,
            facts,
            words,
            build,
            lambda: {
                "job": {"id": record.id, "name": record.name, "state": record.state, "result": record.result},
                **self._of_stage(build, stage, top, top.state),
            },
        )

    def approval_pending(self, approval: Approval) -> None:
        self._approval(APPROVAL_PENDING, approval, "pending")

    def approval_completed(self, approval: Approval) -> None:
        self._approval(APPROVAL_COMPLETED, approval, "completed")

    def _approval(self, kind: str, approval: Approval, said: str) -> None:
        build = approval.build
        name = self._organisation.resources.name_of(approval.check.resource_type, approval.check.resource_id)
        facts = {
            "pipelineId": str(build.pipeline.id),
            "stageName": approval.stage.name,
            "environmentName": name,
        }
        to = f"{approval.check.resource_type} {name}"
        words = f"Approval {said} for deployment of pipeline {build.pipeline.name} to {to}."
        self._emit(
            kind,
            facts,
            words,
            build,
            lambda: {
                "approval": approval.as_json(self._organisation.project_url, steps=True),
                "projectId": self._organisation.project_id,
                "pipeline": None,
                "stage": None,
                "run": None,
                "resource": None,
                "id": 0,
                "url": None,
                "stageName": None,
                "attemptId": 0,
            },
        )

    def _of_stage(self, build: Build, stage: Stage, record: Record, state: str) -> dict[str, Any]:
        web = {"href": self._organisation.page_of(build)}
        commit = build.commit
        author = {"name": commit.author.name, "email": commit.author.unique, "date": arm_time(commit.at)}
        return {
            "stage": {
                "_links": {"web": web},
                "id": record.id,
                "name": stage.name,
                "displayName": stage.display,
                "state": state,
                "result": record.result,
            },
            "run": run_view(self._organisation, build),
            "pipeline": pipeline_view(self._organisation, build.pipeline),
            "repositories": [
                {"type": "Git", "change": {"author": author, "committer": author, "message": commit.message}}
            ],
        }

    def _emit(
        self,
        kind: str,
        facts: Mapping[str, str],
        words: str,
        build: Build,
        resource: Callable[[], dict[str, Any]],
    ) -> None:
        for subscription in self.subscriptions.values():
            if subscription.wants(kind, facts):
                page = self._organisation.page_of(build)
                event = _event(self._organisation, subscription, words, page, resource())
                self.deliveries.send(subscription, event)


def _event(
    organisation: Organisation, subscription: Subscription, words: str, page: str, resource: dict[str, Any]
) -> dict[str, Any]:
    """As much as the subscription asks to be told: all, the least, or nothing of messages and resource."""
    wanted = subscription.body["consumerInputs"]
    message = {"text": words, "html": f'<a href="{page}">{words}</a>', "markdown": f"[{words}]({page})"}
    details = wanted.get("resourceDetailsToSend", "all") or "all"
    least = {key: resource[key] for key in ("id", "url") if key in resource}
    return {
        "id": str(uuid.uuid4()),
        "eventType": subscription.body["eventType"],
        "publisherId": subscription.body["publisherId"],
        "message": None if wanted.get("messagesToSend") == "none" else message,
        "detailedMessage": None if wanted.get("detailedMessagesToSend") == "none" else message,
        "resource": {"none": None, "minimal": least}.get(details.lower(), resource),
        "resourceVersion": subscription.body["resourceVersion"],
        "resourceContainers": {
            "collection": {"id": organisation.id},
            "account": {"id": organisation.id},
            "project": {"id": organisation.project_id},
        },
        "createdDate": arm_time(now()),
    }
