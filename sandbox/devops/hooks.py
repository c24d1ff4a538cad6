"""Service hooks: subscriptions, the events that match them, and their delivery by POST.

There is no signature: a receiver knows its caller by the header or the password that the subscription carries.
"""

import asyncio
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp

from sandbox.azure.times import arm_time, now
from sandbox.devops.approvals import Approval
from sandbox.devops.builds import Build
from sandbox.devops.identities import Identity
from sandbox.devops.organisation import Organisation
from sandbox.devops.pipeline.definition import Stage
from sandbox.devops.timeline import Record
from sandbox.devops.views import build_view, pipeline_view, run_view

ATTEMPTS = 4
DELIVERY_SECONDS = 20
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


@dataclass(eq=False)
class Notification:
    """One event for one subscription. `result`: pending, succeeded, failed."""

    id: int
    event: dict[str, Any]
    created: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)
    attempts: int = 0
    result: str = "pending"
    response: str = ""


@dataclass(eq=False)
class Subscription:
    body: dict[str, Any]
    created_by: Identity
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "enabled"
    created: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)
    notifications: list[Notification] = field(default_factory=list)

    def wants(self, kind: str, facts: Mapping[str, str]) -> bool:
        """Filters that are empty or not given let everything through."""
        if self.body["eventType"] != kind or self.status in ("disabledByUser", "disabledBySystem"):
            return False
        given = self.body["publisherInputs"]
        return all(str(given.get(key) or value).lower() == value.lower() for key, value in facts.items())


class Hooks:
    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation
        self.subscriptions: dict[str, Subscription] = {}
        self._deliveries: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """For calls to the outside; it follows no proxy of the environment."""
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    async def close(self) -> None:
        for delivery in self._deliveries:
            delivery.cancel()
        await asyncio.gather(*self._deliveries, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

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
        environment = self._organisation.resources.environments.get(int(approval.check.resource_id))
        name = environment.name if environment else ""
        facts = {
            "pipelineId": str(build.pipeline.id),
            "stageName": approval.stage.name,
            "environmentName": name,
        }
        words = f"Approval {said} for deployment of pipeline {build.pipeline.name} to environment {name}."
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
                self._notify(subscription, _event(self._organisation, subscription, words, page, resource()))

    def _notify(self, subscription: Subscription, event: dict[str, Any]) -> None:
        notification = Notification(len(subscription.notifications) + 1, event)
        subscription.notifications.append(notification)
        event.update(subscriptionId=subscription.id, notificationId=notification.id)
        task = asyncio.get_running_loop().create_task(self._deliver(subscription, notification))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)

    def redeliver(self, subscription: Subscription, notification: Notification) -> None:
        """Posts a notification once more, with the ids it had."""
        task = asyncio.get_running_loop().create_task(self._deliver(subscription, notification))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)

    async def _deliver(self, subscription: Subscription, notification: Notification) -> None:
        """Again and again until it is taken; a receiver that never does puts its subscription on probation."""
        for attempt in range(1, ATTEMPTS + 1):
            notification.attempts += 1
            status = await self._post(subscription.body["consumerInputs"], notification)
            notification.modified = now()
            if 200 <= status < 300:
                notification.result = "succeeded"
                subscription.status = "enabled"
                return
            if attempt < ATTEMPTS:
                await asyncio.sleep(self._organisation.pace.delivery_retry * attempt)
        notification.result = "failed"
        subscription.status = "onProbation"

    async def _post(self, given: Mapping[str, str], notification: Notification) -> int:
        """The status code; 0 where there was no answer."""
        headers = {"Content-Type": "application/json; charset=utf-8"}
        for line in given.get("httpHeaders", "").splitlines():
            name, _, value = line.partition(":")
            headers[name.strip()] = value.strip()
        if given.get("basicAuthUsername") or given.get("basicAuthPassword"):
            user, password = given.get("basicAuthUsername", ""), given.get("basicAuthPassword", "")
            headers["Authorization"] = aiohttp.encode_basic_auth(user, password)
        timeout = aiohttp.ClientTimeout(DELIVERY_SECONDS)
        body = json.dumps(notification.event).encode()
        try:
            async with self.session.post(
                given["url"], data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                notification.response = f"{response.status} {response.reason}"
                return response.status
        except (aiohttp.ClientError, TimeoutError) as lost:
            notification.response = str(lost) or type(lost).__name__
            return 0


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
