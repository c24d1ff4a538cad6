"""Where a run is, and what it waits for: from timelines in the shapes that DevOps has."""

from typing import Any

import pytest

from infra.devops.project import Project
from infra.devops.stages import Hold, Job, Stage
from infra.failures.stages import why_stage_waits
from infra.failures.waiting import Waiting
from tests.infra_devops.server import Server
from tests.infra_devops.timelines import done, record

APPROVAL = "3b1a5d1e-0000-4000-8000-000000000001"
BUSY = "All potential agents are running other requests. Current position in queue: 3"


RUNNING = {"state": "inProgress", "startTime": "2026-11-22T10:00:00.1234567Z"}


def why(project: Project) -> list[Waiting | None]:
    return [why_stage_waits(stage) for stage in project.stages(5)]


def test_a_run_under_way(timeline: Any, project: Project) -> None:
    timeline(
        record("Stage", "Edge", order=2),
        record("Stage", "Publish", **RUNNING),
        record("Phase", "phase", "Publish", **RUNNING),
        record("Job", "Register", "phase", **RUNNING),
        record("Task", "Check out", "Register", **done()),
        record("Task", "Publish component", "Register", order=2, **RUNNING),
        record("Task", "Clean up", "Register", order=3),
    )
    first, second = project.stages(5)
    assert (first.name, first.state, first.percent, first.holds) == ("Publish", "inProgress", 33, ())
    assert first.started_at and first.started_at.microsecond == 123456
    (job,) = first.jobs
    assert (job.name, job.task, job.percent, job.hold) == ("Register", "Publish component", 33, None)
    assert (second.name, second.state, second.percent, second.jobs) == ("Edge", "pending", 0, ())
    assert why_stage_waits(second) is None


def test_a_run_without_stages_is_called_after_its_job(timeline: Any, project: Project) -> None:
    timeline(
        record("Stage", "__default", **done()),
        record("Job", "Publish", "__default", **done(), percentComplete=100),
    )
    (stage,) = project.stages(5)
    assert (stage.name, stage.result, stage.percent) == ("Publish", "succeeded", 100)


def test_a_run_that_has_not_begun(devops: Server, project: Project) -> None:
    devops.says("GET", "build/builds/5/timeline", None)
    assert project.stages(5) == ()


def test_waiting_for_an_approval(devops: Server, timeline: Any, project: Project) -> None:
    timeline(
        record("Stage", "Edge"),
        record("Checkpoint", "Checkpoint", "Edge", **RUNNING),
        record("Checkpoint.Approval", "Checkpoint.Approval", "Checkpoint", id=APPROVAL, **RUNNING),
        record("Checkpoint.Authorization", "Checkpoint.Authorization", "Checkpoint", **done()),
    )
    steps = [
        {"assignedApprover": {"displayName": "First approver"}, "status": "pending"},
        {"assignedApprover": {"displayName": "Second approver"}, "status": "pending"},
        {"assignedApprover": {"displayName": "Third approver"}, "status": "approved"},
    ]
    pending = {"id": APPROVAL, "status": "pending", "steps": steps, "minRequiredApprovers": 2}
    pending |= {"pipeline": {"owner": {"id": 5, "name": "20261122.5"}}}
    devops.says("GET", "pipelines/approvals", {"value": [pending, {"id": "old", "status": "approved"}]})
    (stage,) = project.stages(5)
    assert stage.holds == (Hold("approval", APPROVAL),)
    (approval,) = project.pending_approvals()
    assert (approval.run_id, approval.approvers) == (5, ("First approver", "Second approver"))
    assert why_stage_waits(stage, [approval]) == Waiting(
        "It waits for approval by 1 of First approver, Second approver.",
        "Answer it in Azure DevOps, under the run.",
    )
    assert "state=pending" in devops.asked("GET", "approvals")[0]
    unnamed = why_stage_waits(stage)
    assert unnamed and unnamed.sentence == "It waits for an approval in Azure DevOps."


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("Checkpoint.Authorization", "Checkpoint.Authorization", "may not use one of its resources yet"),
        ("Checkpoint.ExclusiveLock", "Checkpoint.ExclusiveLock", "exclusive lock"),
        ("Checkpoint.TaskCheck", "Business hours", "A check “Business hours” has not passed yet."),
        ("Checkpoint.ExtendsCheck", "Checkpoint.ExtendsCheck", "A check has not passed yet."),
    ],
)
def test_waiting_for_a_check(timeline: Any, project: Project, kind: str, name: str, words: str) -> None:
    timeline(
        record("Stage", "Edge"),
        record("Checkpoint", "Checkpoint", "Edge", **RUNNING),
        record(kind, name, "Checkpoint", id="check", **RUNNING),
    )
    (stage,) = project.stages(5)
    waiting = why_stage_waits(stage)
    assert waiting and words in waiting.sentence
    assert waiting.normal == (kind == "Checkpoint.ExclusiveLock")


def test_a_permission_comes_before_an_approval(timeline: Any, project: Project) -> None:
    timeline(
        record("Stage", "Edge"),
        record("Checkpoint", "Checkpoint", "Edge", **RUNNING),
        record("Checkpoint.Approval", "Checkpoint.Approval", "Checkpoint", **RUNNING),
        record("Checkpoint.Authorization", "Checkpoint.Authorization", "Checkpoint", **RUNNING),
    )
    (stage,) = project.stages(5)
    waiting = why_stage_waits(stage)
    assert waiting and waiting.sentence.startswith("The pipeline may not use")


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        (
            {"issues": [{"type": "warning", "message": BUSY}]},
            Waiting(
                "All agents are busy; the job is number 3 in the queue.",
                "Nothing to do: it starts when an agent is free.",
                normal=True,
            ),
        ),
        (
            {"currentOperation": "All eligible agents are disabled or offline"},
            Waiting(
                "Every agent that could run the job is disabled or offline; it would wait for ever.",
                "Start or enable an agent of the pool.",
            ),
        ),
        (
            {"issues": [{"type": "error", "message": "##[error]What?"}]},
            Waiting("It waits for a free agent. Azure DevOps says: What?"),
        ),
        ({}, Waiting("It waits for a free agent.", normal=True)),
    ],
    ids=["busy", "offline", "unknown words", "no words"],
)
def test_waiting_for_an_agent(
    timeline: Any, project: Project, about: dict[str, Any], expected: Waiting
) -> None:
    timeline(
        record("Stage", "Publish", **RUNNING),
        record("Phase", "phase", "Publish", **RUNNING),
        record("Job", "Register", "phase", **about),
    )
    assert why(project) == [expected]


def test_a_job_that_waits_for_another_one_waits_for_no_agent(timeline: Any, project: Project) -> None:
    timeline(
        record("Stage", "Publish", **RUNNING),
        record("Job", "First", "Publish", **RUNNING),
        record("Job", "Second", "Publish", order=2),
    )
    (stage,) = project.stages(5)
    assert [job.hold for job in stage.jobs] == [None, None]


def test_a_stage_that_has_ended_waits_for_nothing(timeline: Any, project: Project) -> None:
    timeline(
        record("Stage", "Publish", **done("canceled")),
        record("Phase", "phase", "Publish", **RUNNING),
        record("Job", "Register", "phase"),
        record("Checkpoint.Approval", "Checkpoint.Approval", "Publish", **RUNNING),
    )
    assert why(project) == [None]


def test_records_that_are_their_own_parents_do_not_hang(timeline: Any, project: Project) -> None:
    timeline(record("Stage", "A", "B"), record("Job", "B", "A"))
    assert [job.name for job in project.stages(5)[0].jobs] == ["B"]


def test_percent_follows_devops_where_it_tells(timeline: Any, project: Project) -> None:
    timeline(
        record("Stage", "Publish", **RUNNING),
        record("Job", "A", "Publish", **RUNNING, percentComplete=70),
        record("Job", "B", "Publish", order=2, **done()),
    )
    (stage,) = project.stages(5)
    assert isinstance(stage, Stage) and all(isinstance(job, Job) for job in stage.jobs)
    assert (stage.percent, [job.percent for job in stage.jobs]) == (85, [70, 100])
