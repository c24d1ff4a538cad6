"""Why a run failed, and what helps: from timelines, logs and builds in the shapes that DevOps has."""

from typing import Any

import pytest

from infra.devops.faults import RunFault
from infra.devops.project import Project
from infra.failures.stages import UNKNOWN_REMEDY, explain_run
from tests.infra_devops.server import Server
from tests.infra_devops.timelines import done, record


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
