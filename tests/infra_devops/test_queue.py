"""One click, one run: whatever the network does to the request."""

from datetime import UTC, datetime, timedelta

import pytest

from infra.devops import runs
from infra.devops.pipelines import Pipeline
from infra.devops.project import Project
from infra.devops.runs import ParametersDropped
from infra.http.errors import Denied, NotFound, Refused, Throttled, Unavailable, Unclear
from sandbox.faults import Fault
from tests.infra_devops.server import Server

RUNS = r"/pipelines/7/runs"
POST = ("POST", RUNS)


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "GRACE_SECONDS", 0.05)


def test_a_run_is_queued_once_with_its_parameters(
    devops: Server, project: Project, publish: Pipeline
) -> None:
    run = project.queue(publish, "release/2", {"force": True, "size": "small"}, "corr-1")
    assert (run.id, run.branch, run.correlation_id, run.status) == (100, "release/2", "corr-1", "inProgress")
    assert devops.sent("POST", RUNS) == {
        "resources": {"repositories": {"self": {"refName": "refs/heads/release/2"}}},
        "templateParameters": {"force": "true", "size": "small", "correlationId": "corr-1"},
        "variables": {},
    }


@pytest.mark.parametrize(
    "fault",
    [
        Fault(*POST, "drop_after"),
        Fault(*POST, "drop_before"),
        Fault(*POST, "answer", status=503),
        Fault(*POST, "answer", status=500, headers={"Retry-After": "0"}),
        Fault(*POST, "answer", status=200, body="not JSON"),
    ],
    ids=["dropped after", "dropped before", "503", "500 with Retry-After", "no JSON"],
)
def test_the_request_is_sent_once_whatever_comes_back(
    devops: Server, project: Project, publish: Pipeline, fault: Fault
) -> None:
    devops.faults.arm(fault)
    if fault.action == "drop_after":
        assert project.queue(publish, "main", {}, "corr-1").id == 100
    else:
        with pytest.raises(Unclear):
            project.queue(publish, "main", {}, "corr-1")
    assert len(devops.asked(*POST)) == 1
    assert len(devops.runs) == (fault.action == "drop_after")


def test_a_run_whose_answer_was_lost_is_found_when_it_shows_late(
    devops: Server, project: Project, publish: Pipeline
) -> None:
    devops.faults.arm(Fault(*POST, "drop_after"))
    devops.hidden = 1
    assert project.queue(publish, "main", {}, "corr-1").correlation_id == "corr-1"


def test_a_run_that_shows_even_later_is_found_by_the_next_look(
    devops: Server, project: Project, publish: Pipeline
) -> None:
    since = datetime.now(UTC)
    devops.faults.arm(Fault(*POST, "drop_after"))
    devops.hidden = 2
    with pytest.raises(Unclear):
        project.queue(publish, "main", {}, "corr-1")
    found = project.find(publish, "corr-1", since)
    assert found and found.id == 100
    assert project.find(publish, "corr-2", since) is None


def test_looking_that_fails_too_leaves_it_unclear(
    devops: Server, project: Project, publish: Pipeline
) -> None:
    devops.faults.arm(Fault(*POST, "drop_after"))
    devops.faults.arm(Fault("GET", r"/build/builds", "answer", times=9, status=503))
    with pytest.raises(Unclear, match="Looking for it failed too"):
        project.queue(publish, "main", {}, "corr-1")


def test_a_run_is_found_where_lists_do_not_show_parameters(
    devops: Server, project: Project, publish: Pipeline
) -> None:
    devops.lists_parameters = False
    devops.started(90, {"correlationId": "old"}, ago=timedelta(days=2))
    devops.started(91, {"correlationId": "corr-1"})
    devops.started(92, {"correlationId": "another"})
    found = project.find(publish, "corr-1", datetime.now(UTC) - timedelta(minutes=1))
    assert found and found.id == 91
    assert project.find(publish, "old", datetime.now(UTC)) is None
    assert not devops.asked("GET", f"{RUNS}/90"), "runs from long before are not looked into"


def test_a_run_that_cannot_be_looked_into_is_not_passed_over(
    devops: Server, project: Project, publish: Pipeline
) -> None:
    devops.lists_parameters = False
    devops.started(91, {"correlationId": "corr-1"})
    devops.says("GET", "pipelines/7/runs/91", {"message": "not yet"}, 404)
    with pytest.raises(Unavailable, match="listed, but cannot be read: not yet"):
        project.find(publish, "corr-1", datetime.now(UTC))


def test_a_run_is_found_though_the_clocks_differ(devops: Server, project: Project, publish: Pipeline) -> None:
    devops.started(91, {"correlationId": "corr-1"}, ago=timedelta(minutes=10))
    assert project.find(publish, "corr-1", datetime.now(UTC)) is not None


def test_dropped_parameters_are_noticed(devops: Server, project: Project, publish: Pipeline) -> None:
    devops.keeps_parameters = False
    with pytest.raises(ParametersDropped) as refused:
        project.queue(publish, "main", {"size": "medium"}, "corr-1")
    assert refused.value.names == ("size", "correlationId")
    assert refused.value.run.id == 100


def test_a_run_that_cannot_be_read_back_is_still_told(
    devops: Server, project: Project, publish: Pipeline
) -> None:
    devops.faults.arm(Fault("GET", r"/build/builds/100", "answer", times=9, status=503))
    run = project.queue(publish, "main", {}, "corr-1")
    assert (run.id, run.branch, run.correlation_id) == (100, "main", "corr-1")


def test_what_devops_finds_wrong_is_told(devops: Server, project: Project, publish: Pipeline) -> None:
    findings = [{"result": "error", "message": "A value for the 'target' parameter must be provided"}]
    refusal = {
        "message": "Could not queue the build because there were validation errors or warnings.",
        "typeKey": "BuildRequestValidationFailedException",
        "customProperties": {"ValidationResults": findings},
    }
    devops.says("POST", "pipelines/7/runs", refusal, 400)
    with pytest.raises(Refused, match="'target' parameter must be provided") as refused:
        project.queue(publish, "main", {}, "corr-1")
    assert refused.value.code == "BuildRequestValidationFailedException"


def test_throttling_starts_nothing(devops: Server, project: Project, publish: Pipeline) -> None:
    devops.faults.arm(Fault(*POST, "answer", status=429, headers={"Retry-After": "2"}))
    with pytest.raises(Throttled) as throttled:
        project.queue(publish, "main", {}, "corr-1")
    assert throttled.value.retry_after == 2
    assert len(devops.asked(*POST)) == 1


def test_an_expired_token_starts_nothing(devops: Server, project: Project, publish: Pipeline) -> None:
    devops.token = "another"
    with pytest.raises(Denied, match="expired or was revoked"):
        project.queue(publish, "main", {}, "corr-1")
    assert not devops.runs


@pytest.mark.parametrize("name", ["", "a b", "a..b", "-x", "a~1", "x.lock", "/a", "refs/heads/", "a\nb", "@"])
def test_what_is_no_branch_is_not_sent(
    devops: Server, project: Project, publish: Pipeline, name: str
) -> None:
    with pytest.raises(Refused, match="not the name of a branch"):
        project.queue(publish, name, {}, "corr-1")
    assert not devops.asked(*POST)


def test_runs_since_are_one_call(devops: Server, project: Project, publish: Pipeline) -> None:
    devops.started(90, {"correlationId": "a"})
    devops.started(91, {})
    before = len(devops.asked())
    told = project.runs(publish, datetime(2026, 11, 22, tzinfo=UTC))
    assert [(run.id, run.name, run.requested_by) for run in told] == [
        (91, "20261122.91", "Spotter"),
        (90, "20261122.90", "Spotter"),
    ]
    assert told[0].queued_at and told[0].queued_at.tzinfo
    (asked,) = devops.asked()[before:]
    assert "definitions=7" in asked and "minTime=2026-11-22T00" in asked


def test_cancel(devops: Server, project: Project, publish: Pipeline) -> None:
    devops.says("PATCH", "build/builds/100", {"id": 100, "status": "cancelling"})
    project.cancel(100)
    assert devops.sent("PATCH", "builds/100") == {"status": "cancelling"}
    with pytest.raises(NotFound):
        project.cancel(101)


@pytest.mark.parametrize(
    "hostile",
    [
        "$(EDGE_SVC_CONNECTION)",
        "${{ variables.x }}",
        "$[counter()]",
        "##vso[task.setvariable]y",
        "a\nb: c",
        "a\0",
    ],
)
def test_what_devops_would_read_as_more_than_a_value_is_never_sent(
    devops: Server, project: Project, publish: Pipeline, hostile: str
) -> None:
    for given, correlation in (({"modelName": hostile}, "corr-1"), ({}, hostile)):
        with pytest.raises(Refused, match="such a value"):
            project.queue(publish, "main", given, correlation)
    assert devops.asked(*POST) == []
