"""The client against the sandbox's Azure DevOps: a pipeline that really runs."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from infra.devops import permissions, runs
from infra.devops.connection import PREVIEW, Place
from infra.devops.pipelines import Parameter, Pipeline
from infra.devops.project import Project
from infra.devops.resources import Endpoint, WorkspaceEndpoint
from infra.failures.stages import explain_run, why_stage_waits
from infra.http.errors import Denied, NotFound, Refused
from sandbox.devops.identities import APPROVER, QUEUE_BUILDS, STOP_BUILDS
from sandbox.devops.pace import Pace
from sandbox.devops.twin import DevOpsTwin
from sandbox.faults import Fault

FAST = Pace(agent_start=0.01, minute=0.1, terminate_grace=0.3, delivery_retry=0.02)
PUBLISH = """
trigger: none
parameters:
- {name: correlationId, type: string, default: ""}
- {name: outcome, type: string, default: good, values: [good, bad, slow]}
- {name: again, type: boolean, default: false}
stages:
- stage: Check
  jobs:
  - job: look
    displayName: Look around
    steps:
    - bash: echo looking
- stage: Publish
  jobs:
  - job: register
    displayName: Register
    steps:
    - bash: |
        echo publishing for ${{ parameters.correlationId }}
        [ ${{ parameters.outcome }} != slow ] || sleep 60
        echo "AADSTS7000222: The provided client secret keys for app 'a' are expired."
        [ ${{ parameters.outcome }} = good ]
      displayName: Publish component
"""
EDGE = """
trigger: none
parameters:
- {name: correlationId, type: string, default: ""}
stages:
- stage: Edge
  jobs:
  - deployment: devices
    environment: line-1
    strategy:
      runOnce:
        deploy:
          steps:
          - bash: echo deploying
"""
APPROVAL_CHECK = "8c6f20a7-a545-4486-9777-f762fafe0d4d"
WANTED = WorkspaceEndpoint(
    name="vision-workspace",
    tenant="tenant",
    client_id="client",
    subscription="11111111-2222-3333-4444-555555555555",
    subscription_name="line",
    resource_group="vision",
    workspace="vision",
    location="westeurope",
)
Found = TypeVar("Found")


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[DevOpsTwin]:
    devops = DevOpsTwin(tmp_path / "devops", pace=FAST)
    files = tmp_path / "files"
    files.mkdir()
    (files / "publish.yml").write_text(PUBLISH)
    (files / "edge.yml").write_text(EDGE)
    devops.portal.push("main", files, "Declare outcome\n\nSo that it can fail.")
    devops.portal.create_pipeline("publish", "publish.yml")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(devops.start(), loop).result(60)
    try:
        yield devops
    finally:
        asyncio.run_coroutine_threadsafe(devops.stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


@pytest.fixture
def project(twin: DevOpsTwin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    env = twin.env()
    monkeypatch.setenv("AZURE_DEVOPS_EXT_PAT", env["AZURE_DEVOPS_EXT_PAT"])
    monkeypatch.setattr(runs, "GRACE_SECONDS", 0.05)
    connected = Project.connect(Place(env["AZURE_DEVOPS_ORG_URL"], env["AZURE_DEVOPS_PROJECT"]))
    yield connected
    connected.close()


@pytest.fixture
def publish(project: Project) -> Pipeline:
    return project.pipeline("publish")


def until(condition: Callable[[], Found | None], seconds: float = 60) -> Found:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come true in time")


def ended(project: Project, run_id: int) -> runs.Run:
    return until(lambda: run if (run := project.run(run_id)).has_ended else None)


def test_a_run_from_the_click_to_its_end(project: Project, publish: Pipeline) -> None:
    since = datetime.now(UTC)
    run = project.queue(publish, "main", {"outcome": "good", "again": True}, "corr-1")
    assert (run.branch, run.correlation_id) == ("main", "corr-1")
    finished = ended(project, run.id)
    assert (finished.result, finished.reason, finished.requested_by) == ("succeeded", "manual", "Spotter")
    assert [(stage.name, stage.result, stage.percent) for stage in project.stages(run.id)] == [
        ("Check", "succeeded", 100),
        ("Publish", "succeeded", 100),
    ]
    assert [each.id for each in project.runs(publish, since - timedelta(minutes=1))] == [run.id]
    assert project.runs(publish, datetime.now(UTC) + timedelta(hours=1)) == []
    found = project.find(publish, "corr-1", since)
    assert found and found.id == run.id


def test_a_run_whose_answer_is_lost_is_one_run(twin: DevOpsTwin, project: Project, publish: Pipeline) -> None:
    twin.faults.arm(Fault("POST", "/runs", "drop_after"))
    run = project.queue(publish, "main", {}, "corr-1")
    assert run.correlation_id == "corr-1"
    assert [build.id for build in twin.portal.builds()] == [run.id]


def test_a_failed_run_says_why(project: Project, publish: Pipeline) -> None:
    run = project.queue(publish, "main", {"outcome": "bad"}, "corr-1")
    finished = ended(project, run.id)
    assert finished.result == "failed"
    fault = project.fault(finished)
    assert fault.where == ("Publish", "Register", "Publish component")
    assert "publishing for corr-1" in fault.last_lines
    assert explain_run(fault).reason == "connection-secret-expired"


def test_a_canceled_run(project: Project, publish: Pipeline) -> None:
    run = project.queue(publish, "main", {"outcome": "slow"}, "corr-1")

    def is_publishing() -> bool:
        under_way = [stage for stage in project.stages(run.id) if stage.name == "Publish" and stage.jobs]
        return any(job.task == "Publish component" for stage in under_way for job in stage.jobs)

    until(is_publishing)
    project.cancel(run.id)
    assert ended(project, run.id).result == "canceled"
    with pytest.raises(Refused):
        project.cancel(run.id)


def test_a_run_without_agents_says_what_it_waits_for(
    twin: DevOpsTwin, project: Project, publish: Pipeline
) -> None:
    twin.portal.take_agents_offline()
    run = project.queue(publish, "main", {}, "corr-1")
    waiting = until(
        lambda: next((found for stage in project.stages(run.id) if (found := why_stage_waits(stage))), None)
    )
    assert waiting.remedy == "Start or enable an agent of the pool."
    assert [why_stage_waits(stage) for stage in project.stages(run.id)][1:] == [None]
    twin.portal.bring_agents_online()
    assert ended(project, run.id).result == "succeeded"


def test_what_the_branch_does_not_declare_is_refused(
    twin: DevOpsTwin, project: Project, publish: Pipeline
) -> None:
    with pytest.raises(Refused, match="colour"):
        project.queue(publish, "main", {"colour": "red"}, "corr-1")
    with pytest.raises(Refused, match="outcome"):
        project.queue(publish, "main", {"outcome": "odd"}, "corr-1")
    assert not twin.portal.builds()


def test_what_is_denied_can_be_asked_beforehand_and_is_refused(
    twin: DevOpsTwin, project: Project, publish: Pipeline
) -> None:
    both = permissions.QUEUE | permissions.STOP
    assert permissions.may(project.connection, both, publish)
    twin.organisation.access.deny(STOP_BUILDS, publish.id)
    assert permissions.may(project.connection, permissions.QUEUE, publish)
    assert not permissions.may(project.connection, both, publish)
    run = project.queue(publish, "main", {"outcome": "slow"}, "corr-denied")
    with pytest.raises(Denied, match=r"TF215106: Access denied\. Spotter needs Stop builds"):
        project.cancel(run.id)
    twin.organisation.access.deny(QUEUE_BUILDS, publish.id)
    with pytest.raises(Denied, match="needs Queue builds"):
        project.queue(publish, "main", {}, "corr-denied-too")


def test_an_expired_token(twin: DevOpsTwin, project: Project, publish: Pipeline) -> None:
    twin.portal.expire_pat()
    with pytest.raises(Denied, match="expired or was revoked"):
        project.queue(publish, "main", {}, "corr-1")
    assert not twin.portal.builds()


def test_a_project_that_is_not_there(twin: DevOpsTwin, project: Project) -> None:
    with pytest.raises(NotFound, match="TF200016"):
        Project.connect(Place(twin.env()["AZURE_DEVOPS_ORG_URL"], "gone")).pipeline("publish")
    with pytest.raises(NotFound):
        project.run(4711)


def test_what_the_file_declares_and_who_changed_it(project: Project, publish: Pipeline) -> None:
    assert project.parameters(publish, "main") == (
        Parameter("correlationId", default=""),
        Parameter("outcome", default="good", values=("good", "bad", "slow")),
        Parameter("again", "boolean", default="false"),
    )
    assert [branch.name for branch in project.branches(publish.repository_id)] == ["main"]
    commit = project.last_commit(publish.repository_id, "main")
    assert (commit.title, commit.author) == ("Declare outcome", "Line engineer")
    assert project.repository(publish.repository_id).default_branch == "main"
    with pytest.raises(NotFound):
        project.last_commit(publish.repository_id, "gone")


def gated(twin: DevOpsTwin, project: Project) -> Pipeline:
    """A pipeline whose only stage needs an environment that somebody has to approve."""
    environment = project.ensure_environment("line-1", "Devices of line 1")
    approval = {"approvers": [{"id": APPROVER.id}], "minRequiredApprovers": 1}
    check = {
        "type": {"id": APPROVAL_CHECK, "name": "Approval"},
        "settings": approval,
        "resource": {"type": "environment", "id": str(environment.id)},
    }
    url = project.connection.project("pipelines", "checks", "configurations")
    project.connection.change("POST", url, check, api=PREVIEW)
    return project.create_pipeline("edge", twin.organisation.repository.id, "edge.yml")


def sentence(project: Project, run_id: int) -> str:
    (stage,) = project.stages(run_id) or (None,)
    waiting = why_stage_waits(stage, project.pending_approvals()) if stage else None
    return waiting.sentence if waiting else ""


def test_a_stage_waits_for_permission_then_for_an_approval(twin: DevOpsTwin, project: Project) -> None:
    edge = gated(twin, project)
    run = project.queue(edge, "main", {}, "corr-1")
    until(lambda: sentence(project, run.id) == "The pipeline may not use one of its resources yet.")
    (environment,) = project.environments()
    project.ensure_permitted("environment", environment.id, edge.id)
    until(lambda: sentence(project, run.id) == "It waits for approval by Quality lead.")
    (pending,) = project.pending_approvals()
    assert pending.run_id == run.id
    assert [hold.id for stage in project.stages(run.id) for hold in stage.holds] == [pending.id]
    twin.portal.approve(twin.portal.approvals()[0])
    assert ended(project, run.id).result == "succeeded"
    assert project.pending_approvals() == []


def test_a_rejected_stage_says_so(twin: DevOpsTwin, project: Project) -> None:
    edge = gated(twin, project)
    project.ensure_permitted("environment", project.environments()[0].id, edge.id)
    run = project.queue(edge, "main", {}, "corr-1")
    approval = until(lambda: next(iter(twin.portal.approvals()), None))
    twin.portal.reject(approval)
    fault = project.fault(ended(project, run.id))
    assert fault.where == ("Edge",)
    assert explain_run(fault).reason == "not-approved"


def test_making_everything_twice_writes_once(twin: DevOpsTwin, project: Project) -> None:
    def provision() -> tuple[Endpoint, Pipeline]:
        repository = project.repository("vision")
        made = project.create_pipeline("edge", repository.id, "edge.yml")
        endpoint = project.ensure_endpoint(WANTED)
        environment = project.ensure_environment("line-1")
        project.ensure_permitted("endpoint", endpoint.id, made.id)
        project.ensure_permitted("environment", environment.id, made.id)
        return endpoint, made

    def writes() -> int:
        return sum(entry.method != "GET" for entry in twin.faults.log())

    first = provision()
    assert first[0].is_ready and first[0].subject == "sc://bottling/Vision/vision-workspace"
    assert project.is_permitted("endpoint", first[0].id, first[1].id)
    assert writes() == 5
    assert provision() == first
    assert writes() == 5


def test_what_was_made_though_the_answer_was_lost_is_handed_back(twin: DevOpsTwin, project: Project) -> None:
    for path in (r"/pipelines\?", r"/endpoints\?", r"/environments\?"):
        twin.faults.arm(Fault("POST", path, "drop_after"))
    repository = project.repository("vision")
    assert project.create_pipeline("edge", repository.id, "edge.yml").name == "edge"
    assert project.ensure_endpoint(WANTED).name == WANTED.name
    assert project.ensure_environment("line-1").name == "line-1"
    assert sum(entry.method == "POST" for entry in twin.faults.log()) == 3
