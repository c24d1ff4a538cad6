"""Answers of every odd shape: what is missing becomes empty, what is wrong becomes a typed error, nothing crashes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.azureml.components import Component
from infra.azureml.errors import Denied, NotFound, Refused, Unavailable
from infra.azureml.measures import Measured, Measures, latest
from infra.azureml.progress import Progress, Step, Trial
from infra.azureml.workspace import Workspace
from infra.http.cloud import cloud_from_metadata
from infra.training.register.best_epoch import Figures
from sandbox.faults import Fault
from tests.infra.answers import HISTORY, MLFLOW, WORKSPACE, Answers


def run(run_id: str, status: str = "Running", **more: Any) -> dict[str, Any]:
    return {"runId": run_id, "status": status, **more}


def metric(azure: Answers, *values: Any) -> None:
    points = [
        {"key": "m", "value": value, "step": step, "timestamp": step} for step, value in enumerate(values)
    ]
    azure.says("GET", f"{MLFLOW}/metrics/get-history", {"metrics": points})


def test_a_sweep_straight_below_the_job_is_found(azure: Answers, workspace: Workspace) -> None:
    automl = run("node", "Strange new state", runTypeV2={"orchestrator": "AutoML"}, startTimeUtc=None)
    azure.says("GET", f"{HISTORY}/runs/job/children", {"value": [{}, None, run("x", hidden=True), automl]})
    trials = [run("node_HD_1", parameters={"lr": 0.1}), run("node_HD_0", "NotStarted"), run("node_setup")]
    azure.says("GET", f"{HISTORY}/runs/node/children", {"value": trials})
    metric(azure, 0.1, "NaN", None, "0.7", 0.7, 0.2)
    progress = workspace.progress("job")
    assert [(trial.run_id, trial.number, trial.status) for trial in progress.trials] == [
        ("node_HD_0", 1, "NotStarted"),
        ("node_HD_1", 2, "Running"),
    ]
    assert progress.best and progress.best.figures
    assert (progress.best.figures.epoch, progress.best.figures.mean_average_precision) == (3, 0.7)
    assert progress.best.params == {"lr": "0.1"}
    assert progress.planned is None


def test_a_running_trial_whose_best_stays_costs_one_call(azure: Answers, workspace: Workspace) -> None:
    azure.says("GET", f"{HISTORY}/runs/job/children", {"value": [run("node", runType="automl")]})
    azure.says("GET", f"{HISTORY}/runs/node/children", {"value": [run("node_HD_0")]})
    metric(azure, 0.5)
    first = workspace.progress("job")
    before = len(azure.asked("GET", "get-history"))
    metric(azure, 0.5, 0.5, 0.4)
    (then,), (now,) = first.trials, workspace.progress("job", first).trials
    assert (now.figures, then.epochs, now.epochs) == (then.figures, 1, 3)
    assert len(azure.asked("GET", "get-history")) - before == 1


def test_figures_without_steps_are_numbered_as_they_were_logged(azure: Answers, workspace: Workspace) -> None:
    azure.says("GET", f"{HISTORY}/runs/job/children", {"value": [run("node", runType="automl")]})
    azure.says("GET", f"{HISTORY}/runs/node/children", {"value": [run("node_HD_0")]})
    points = [{"value": value, "step": 0, "timestamp": at} for at, value in ((30, 0.3), (10, 0.1), (20, 0.9))]
    azure.says("GET", f"{MLFLOW}/metrics/get-history", {"metrics": points})
    best = workspace.progress("job").best
    assert best and best.figures and (best.figures.epoch, best.figures.precision) == (1, 0.9)


def test_without_steps_what_was_logged_last_is_not_taken_for_the_first_epoch(
    azure: Answers, workspace: Workspace
) -> None:
    keys = ("mean_average_precision", "precision", "recall")
    points = [{"value": value, "step": 0, "timestamp": at} for at, value in enumerate((0.7, 0.4))]
    azure.says("GET", f"{MLFLOW}/metrics/get-history", {"metrics": points})
    logged_last = [{**points[-1], "key": key} for key in keys]
    azure.says(
        "POST",
        f"{MLFLOW}/runs/search",
        {"runs": [{"info": {"run_id": "t"}, "data": {"metrics": logged_last}}]},
    )
    connection = workspace.connection
    told = Measures(connection, latest(connection, ["e"])).running("t", Measured())
    assert told.figures == Figures(0, 0.7, 0.7, 0.7)


def test_a_job_that_history_does_not_know_yet_has_no_steps(azure: Answers, workspace: Workspace) -> None:
    progress = workspace.progress("job")
    assert (progress.steps, progress.trials, progress.best, progress.current_step) == ((), (), None, None)


def test_runs_are_read_together(azure: Answers, workspace: Workspace) -> None:
    error = {
        "error": {
            "code": "UserError",
            "message": "{Message}!",
            "messageParameters": {"Message": "Bad data"},
            "innerError": {"code": "InvalidData", "innerError": {"code": "ValidationError"}},
        }
    }
    told = run("a", "Failed", error=error, queueingInfo={"code": "C", "message": "m"}, warnings=[None, {}])
    azure.says("POST", f"{HISTORY}/batchrundata", {"successfulResults": {"0": {"runMetadata": told}}})
    found = workspace.runs(["a", "b"])["a"]
    assert found.error
    assert (found.error.codes, found.error.message) == (
        ("UserError", "InvalidData", "ValidationError"),
        "Bad data!",
    )
    assert (found.queueing, found.warnings) == ("C: m", ())
    assert azure.sent("POST", "batchrundata")["requests"]["1"] == {"runId": "b", "selectRunMetadata": True}


def test_a_fault_is_told_without_logs_or_the_jobs_own_run(azure: Answers, workspace: Workspace) -> None:
    failed = run("step", "Failed", displayName="register", error={"error": {"message": "boom"}})
    azure.says("GET", f"{HISTORY}/runs/job/children", {"value": [failed]})
    fault = workspace.fault("job")
    assert (fault.run_name, fault.messages, fault.last_lines) == ("register", ("boom",), ())


def test_the_end_of_a_long_log_is_read_without_a_token(azure: Answers, workspace: Workspace) -> None:
    azure.says("GET", f"{HISTORY}/runs/job/children", {"value": [run("step", "Failed")]})
    files = {"logs/other.txt": "https://x", "user_logs/std_log.txt": f"{azure.url}/log?sig=secret"}
    azure.says("GET", f"{HISTORY}/runs/step/details", {"logFiles": files})
    azure.says("GET", "/log", b"\n".join(b"line %d" % number for number in range(9000)))
    azure.says("HEAD", "/log", b"x")
    assert workspace.fault("job").last_lines[-1] == "line 8999"


def test_models_of_every_shape(azure: Answers, workspace: Workspace) -> None:
    azure.says(
        "GET", "./models", {"value": [{"name": "a", "properties": {"latestVersion": "2"}}, {"name": "b"}, {}]}
    )
    assert [(model.name, model.latest) for model in workspace.models({"a": "1"})] == [("a", "2"), ("b", "")]
    by_hand = {"name": "10", "properties": {"tags": {"Mean Average Precision": "high", "Recall": "93"}}}
    good = {"name": "9", "properties": {"tags": {"Precision": "0.5", "x": None}, "modelUri": "u"}}
    azure.says("GET", "./models/a/versions", {"value": [good, by_hand, {"name": "v1"}, {}]})
    first, second = workspace.versions("a")
    assert (first.version, first.mean_average_precision, first.recall) == (10, None, None)
    assert (second.version, second.precision, second.uri, second.tags) == (9, 0.5, "u", {"Precision": "0.5"})
    assert workspace.versions("none") == []


def test_the_newest_component_is_taken_whatever_the_order(azure: Answers, workspace: Workspace) -> None:
    def version(name: str, day: int) -> dict[str, Any]:
        return {"name": name, "systemData": {"createdAt": f"2026-11-{day}T00:00:00Z"}}

    azure.says("GET", "./components/t/versions", {"value": [version("9", 20), version("10", 21)]})
    assert workspace.published("t") == Component(
        f"{WORKSPACE.path}/components/t/versions/10", "t", "10", datetime(2026, 11, 21, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Refused), (401, Denied), (403, Denied), (404, NotFound), (409, Refused), (500, Unavailable)],
)
def test_errors_are_typed(azure: Answers, workspace: Workspace, status: int, kind: type[Exception]) -> None:
    body = {
        "error": {
            "code": "Outer",
            "message": "No.",
            "details": [{"code": "Detail", "innererror": {"code": "Inner"}}],
            "additionalInfo": [{"type": "InnerError", "info": {"value": {"code": "Value"}}}],
        }
    }
    azure.says("GET", "./jobs/x", body, status)
    with pytest.raises(kind, match=r"No\.") as raised:
        workspace.job("x")
    fault: Any = raised.value
    assert (fault.status, fault.codes) == (status, ("Outer", "Detail", "Inner", "Value"))


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", b""])
def test_what_is_not_json_is_unavailable(azure: Answers, workspace: Workspace, body: bytes) -> None:
    azure.says("GET", "./jobs/x", body)
    with pytest.raises(Unavailable, match="not JSON"):
        workspace.job("x")


def test_a_refused_token_is_denied(azure: Answers, workspace: Workspace) -> None:
    azure.says("GET", "/msi/token", {"error": "invalid", "message": "who are you?"}, 400)
    with pytest.raises(Denied):
        workspace.job("x")


def test_a_poll_does_not_wait_long(azure: Answers, workspace: Workspace) -> None:
    azure.faults.arm(Fault("GET", "/jobs/x", "answer", status=503, headers={"Retry-After": "120"}, times=9))
    with pytest.raises(Unavailable):
        workspace.job("x")
    assert len(azure.asked("GET", "/jobs/x")) == 1


def test_names_are_escaped_in_addresses(azure: Answers, workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        workspace.job("../computes/x?y#z")
    assert azure.asked("GET", "computes") == [
        f"{WORKSPACE.path}/jobs/..%2Fcomputes%2Fx%3Fy%23z?api-version=2024-01-01-preview"
    ]


def test_which_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    public = {
        "name": "AzureCloud",
        "resourceManager": "https://management.azure.com/",
        "portal": "https://portal.azure.com",
    }
    gov = {
        "name": "AzureUSGovernment",
        "resourceManager": "https://management.usgovcloudapi.net/",
        "portal": "https://portal.azure.us",
        "authentication": {"loginEndpoint": "https://login.microsoftonline.us/"},
        "suffixes": {"storage": "core.usgovcloudapi.net"},
    }
    monkeypatch.delenv("AZUREML_CURRENT_CLOUD", raising=False)
    url = "https://management.usgovcloudapi.net/metadata/endpoints"
    found = cloud_from_metadata([public, gov], url)
    assert (found.arm_scope, found.machine_learning) == (
        "https://management.usgovcloudapi.net/.default",
        "https://ml.azure.us",
    )
    assert (found.login, found.storage_suffix) == (
        "https://login.microsoftonline.us",
        "core.usgovcloudapi.net",
    )
    monkeypatch.setenv("AZUREML_CURRENT_CLOUD", "AzureCloud")
    assert cloud_from_metadata([public, gov], url).machine_learning == "https://ml.azure.com"
    with pytest.raises(Unavailable):
        cloud_from_metadata({}, url)


def test_what_holds_everything_up() -> None:
    def waiting(*trials: str, step: str = "Running") -> str:
        steps = (Step("train", "train-run", step, None, None),)
        return Progress(
            "job", steps, tuple(Trial(f"t{n}", n, s) for n, s in enumerate(trials))
        ).waiting_run_id

    assert waiting("Completed", "Queued", "NotStarted") == "t1"
    assert waiting("Running", "Queued") == ""
    assert waiting("Completed") == ""
    assert waiting(step="Queued") == "train-run"
    assert waiting() == ""
    assert Progress("job").waiting_run_id == ""


def test_many_threads_share_one_workspace(azure: Answers, workspace: Workspace) -> None:
    azure.says("GET", "./jobs/x", {"name": "x", "properties": {"status": "Running"}})
    azure.says("GET", f"{HISTORY}/runs/x/children", {"value": []})

    def ask(number: int) -> str:
        return workspace.job("x").status if number % 2 else str(len(workspace.progress("x").steps))

    with ThreadPoolExecutor(16) as pool:
        assert sorted(set(pool.map(ask, range(64)))) == ["0", "Running"]
    assert len(azure.faults.log("GET", "/discovery")) == 1
