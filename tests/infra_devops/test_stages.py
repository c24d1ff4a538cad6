"""Where a run is, what it waits for, why it failed: from timelines in the shapes that DevOps has."""

from typing import Any

import pytest

from infra.devops.faults import RunFault
from infra.devops.project import Project
from infra.devops.stages import Hold, Job, Stage
from infra.failures.stages import UNKNOWN_REMEDY, explain_run, why_stage_waits
from infra.failures.waiting import Waiting
from tests.infra_devops.server import Server

APPROVAL = "3b1a5d1e-0000-4000-8000-000000000001"
BUSY = "All potential agents are running other requests. Current position in queue: 3"


def record(of: str, name: str, below: str | None = None, **about: Any) -> dict[str, Any]:
    """A timeline record; its id is its name, unless told otherwise."""
    return {
        "id": name,
        "parentId": below,
        "type": of,
        "name": name,
        "state": "pending",
        "result": None,
        "order": 1,
        "percentComplete": None,
        "log": None,
        **about,
    }


def done(result: str = "succeeded") -> dict[str, Any]:
    return {"state": "completed", "result": result}


RUNNING = {"state": "inProgress", "startTime": "2026-11-22T10:00:00.1234567Z"}


@pytest.fixture
def timeline(devops: Server) -> Any:
    def tell(*records: dict[str, Any]) -> None:
        devops.says("GET", "build/builds/5/timeline", {"records": list(records)})

    return tell


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


def failed_run(devops: Server, timeline: Any, message: str) -> None:
    devops.started(5, {})
    timeline(
        record(
            "Stage", "Publish", **done("failed"), issues=[{"type": "error", "message": "The stage failed."}]
        ),
        record("Phase", "phase", "Publish", **done("failed")),
        record("Job", "Register", "phase", **done("failed")),
        record("Task", "Lint", "Register", **done("succeededWithIssues"), log={"id": 3}),
        record(
            "Task",
            "Publish component",
            "Register",
            order=2,
            **done("failed"),
            log={"id": 4},
            issues=[
                {"type": "warning", "message": "old Python"},
                {"type": "error", "message": f"##[error]{message}"},
            ],
        ),
        record("Task", "Clean up", "Register", order=3, **done("skipped")),
    )
    lines = [f"2026-11-22T10:00:0{n % 10}.1234567Z line {n}" for n in range(30)]
    lines += [
        "2026-11-22T10:00:09.1Z ##[error]" + message,
        "2026-11-22T10:00:09.2Z ##[section]Finishing: Publish",
    ]
    devops.says(
        "GET", "build/builds/5/logs", {"value": [{"id": 3, "lineCount": 9}, {"id": 4, "lineCount": 232}]}
    )
    devops.says("GET", "build/builds/5/logs/4", {"count": len(lines), "value": lines})


def test_why_a_run_failed(devops: Server, timeline: Any, project: Project) -> None:
    message = "AADSTS7000222: The provided client secret keys for app 'a' are expired."
    failed_run(devops, timeline, message)
    fault = project.fault(project.run(5))
    assert fault.where == ("Publish", "Register", "Publish component")
    assert fault.messages == (message, "The stage failed.")
    assert fault.last_lines[-2:] == ("line 29", message)
    assert len(fault.last_lines) == 12
    assert "startLine=172" in devops.asked("GET", "/logs/4")[0]
    explained = explain_run(fault)
    assert (explained.reason, explained.ours) == ("connection-secret-expired", True)


def test_a_log_that_may_not_be_read_is_left_out(devops: Server, timeline: Any, project: Project) -> None:
    failed_run(devops, timeline, "Bash exited with code '1'.")
    devops.says("GET", "build/builds/5/logs/4", {"message": "gone"}, 404)
    fault = project.fault(project.run(5))
    assert fault.last_lines == ()
    assert explain_run(fault).cause == "A step ended with exit code 1."


def test_words_in_the_log_win_over_an_exit_code(devops: Server, timeline: Any, project: Project) -> None:
    failed_run(devops, timeline, "Bash exited with code '1'.")
    words = "AuthorizationFailed: The client does not have authorization to perform action 'x/write' over scope '/y'"
    devops.says("GET", "build/builds/5/logs/4", {"value": [words]})
    assert (
        explain_run(project.fault(project.run(5))).cause == "The identity lacks the permission x/write on /y."
    )


@pytest.mark.parametrize(
    ("kind", "reason"), [("Approval", "not-approved"), ("TaskCheck", "check-not-passed")]
)
def test_a_stage_whose_check_did_not_pass(
    devops: Server, timeline: Any, project: Project, kind: str, reason: str
) -> None:
    devops.started(5, {})
    timeline(
        record("Stage", "Edge", **done("failed")),
        record("Checkpoint", "Checkpoint", "Edge", **done("failed")),
        record(f"Checkpoint.{kind}", f"Checkpoint.{kind}", "Checkpoint", **done("failed")),
    )
    fault = project.fault(project.run(5))
    assert fault.where == ("Edge",)
    assert explain_run(fault).reason == reason


def test_a_run_whose_file_was_wrong(devops: Server, project: Project) -> None:
    problem = "/publish.yml (Line: 3, Col: 5): Unexpected value 'stepz'"
    build = {"id": 5, "status": "completed", "result": "failed"}
    build |= {"validationResults": [{"result": "error", "message": problem}]}
    devops.says("GET", "build/builds/5", build)
    devops.says("GET", "build/builds/5/timeline", {"records": []})
    fault = project.fault(project.run(5))
    assert fault == RunFault(messages=(problem,))
    assert "line 3, column 5" in explain_run(fault).cause


def test_an_unknown_failure_is_passed_on() -> None:
    explained = explain_run(RunFault(messages=("Something new.",)))
    assert (explained.cause, explained.remedy, explained.is_known) == (
        "Something new.",
        UNKNOWN_REMEDY,
        False,
    )
    assert explain_run(RunFault()).cause == "Azure DevOps gives no reason."


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            "This pipeline needs permission to access a resource before this run can continue to Edge",
            "needs-permission",
        ),
        (
            "Could not find a pool with name Line. The pool does not exist or has not been authorized for use.",
            "resource-not-authorized",
        ),
        (
            "Job Register: Step Publish references service connection ml which could not be found. "
            "The service connection does not exist, has been disabled or has not been authorized for use.",
            "connection-not-authorized",
        ),
        (
            "Job Register: Environment line-1 could not be found. The environment does not exist or has not been "
            "authorized for use. For authorization details, refer to https://aka.ms/yamlauthz.",
            "environment-not-authorized",
        ),
        ("##[error]No hosted parallelism has been purchased or granted.", "no-parallelism"),
        ("No agent found in pool Line which satisfies the specified demands: gpu", "no-such-agent"),
        ("The job has been abandoned because agent did not renew the lock.", "agent-lost"),
        ("The job running on agent A ran longer than the maximum time of 60 minutes.", "job-too-long"),
        ("AADSTS700016: Application with identifier 'x' wasn't found", "connection-identity-gone"),
        ("AADSTS7000215: Invalid client secret provided.", "connection-secret-wrong"),
        ("AADSTS70021: No matching federated identity record found", "connection-not-trusted"),
        (
            "Could not fetch access token for Azure. invalid_client AADSTS7000222: expired",
            "connection-secret-expired",
        ),
        ("Could not fetch access token for Azure. Verify the connection.", "connection-no-token"),
        ("A value for the 'target' parameter must be provided.", "parameter-missing"),
        ("Unexpected parameter 'colour'", "parameter-undeclared"),
        ("Access Denied: The Personal Access Token used has expired.", "token-expired"),
    ],
)
def test_known_words(message: str, reason: str) -> None:
    explained = explain_run(RunFault(messages=(message,)))
    assert explained.reason == reason
    assert "?" not in explained.cause + explained.remedy and "{" not in explained.cause + explained.remedy


def test_percent_follows_devops_where_it_tells(timeline: Any, project: Project) -> None:
    timeline(
        record("Stage", "Publish", **RUNNING),
        record("Job", "A", "Publish", **RUNNING, percentComplete=70),
        record("Job", "B", "Publish", order=2, **done()),
    )
    (stage,) = project.stages(5)
    assert isinstance(stage, Stage) and all(isinstance(job, Job) for job in stage.jobs)
    assert (stage.percent, [job.percent for job in stage.jobs]) == (85, [70, 100])
