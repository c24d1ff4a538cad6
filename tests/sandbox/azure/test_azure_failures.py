"""What goes wrong with machines and trials, and where the workspace says so."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.azure.runs import Run
from tests.sandbox.azure.conftest import EMPTY_EXPORT, Azure, train_node

Submit = Callable[..., requests.Response]
SLOW = {"number_of_epochs": 1000, "seconds_per_epoch": 0.05}


def start(azure: Azure, submit: Submit, name: str, *, cluster: str = "gpu-cluster", **node: Any) -> Run:
    answer = submit(
        name,
        cluster=cluster,
        export=node.pop("export", "caps_20261116_143000"),
        componentId=None,
        jobs={"train": train_node(**node), **node.pop("more", {})},
    )
    assert answer.status_code == 201, answer.text
    root = azure.studio.job(name)
    assert root is not None
    return root


def trials(azure: Azure, root: Run) -> list[Run]:
    return [run for run in azure.twin.workspace.runs.descendants(root) if run.kind == "trial"]


def one(azure: Azure, root: Run, kind: str) -> Run:
    return next(run for run in azure.twin.workspace.runs.descendants(root) if run.kind == kind)


def codes(error: Any) -> list[str]:
    found, inner = [], error["error"]
    while inner:
        found.append(inner["code"])
        inner = inner.get("innerError")
    return found


def test_the_useful_message_of_bad_data_is_on_the_trial_only(azure: Azure, submit: Submit) -> None:
    root = start(azure, submit, "bad-data", export=EMPTY_EXPORT)
    azure.ended("bad-data", "Failed")
    trial = azure.history("GET", f"/runs/{trials(azure, root)[0].run_id}/details").json()
    assert trial["error"]["error"]["message"].startswith("No objects in dataset.")
    assert codes(trial["error"]) == ["UserError", "InvalidData", "ValidationError", "InvalidData"]
    node = azure.history("GET", f"/runs/{one(azure, root, 'automl').run_id}").json()
    vague = "User errors were found in at least one of the child runs"
    assert (node["status"], node["error"]["error"]["message"]) == ("Failed", vague)
    assert (
        "Failed nodes: /train" in azure.history("GET", "/runs/bad-data").json()["error"]["error"]["message"]
    )


def test_what_follows_a_failed_step_does_not_run(azure: Azure, submit: Submit) -> None:
    assert submit("cut-short", export=EMPTY_EXPORT).status_code == 201
    root = azure.ended("cut-short", "Failed")
    assert {run.display_name: run.status for run in azure.studio.children(root)} == {
        "train": "Failed",
        "register": "NotStarted",
    }


def test_one_failed_trial_does_not_fail_the_training(azure: Azure, submit: Submit) -> None:
    azure.studio.fail_next_trial("There is not enough GPU memory on the machine", at_epoch=2)
    root = start(azure, submit, "one-failed")
    azure.ended("one-failed", "Completed")
    failed, good = sorted(trials(azure, root), key=lambda run: run.status, reverse=True)
    assert (failed.status, good.status) == ("Failed", "Completed")
    assert codes(failed.error) == ["UserError", "ResourceExhausted", "Memory"]
    assert len(failed.metrics["mean_average_precision"]) >= 2
    assert one(azure, root, "automl").tags["automl_best_child_run_id"] == good.run_id
    assert "not enough GPU memory" in log_of(azure, failed)


def log_of(azure: Azure, run: Run) -> str:
    links = azure.history("GET", f"/runs/{run.run_id}/details").json()["logFiles"]
    return requests.get(links["user_logs/std_log.txt"], timeout=60).text


def test_a_trial_that_dies_without_a_word_is_a_system_error(azure: Azure, submit: Submit) -> None:
    azure.studio.fail_next_trial(None, exit_code=139)
    root = start(azure, submit, "silent", limits={"max_trials": 1, "max_concurrent_trials": 1})
    azure.ended("silent", "Failed")
    error = trials(azure, root)[0].error
    assert error is not None and codes(error)[0] == "SystemError"
    assert "Encountered an internal AutoML Image error" in error["error"]["message"]


def test_a_trial_far_behind_is_stopped_early(azure: Azure, submit: Submit) -> None:
    root = start(
        azure,
        submit,
        "early",
        limits={"max_trials": 2, "max_concurrent_trials": 1},
        search_space=[{"learning_rate": "choice(0.4,0.0001)"}],
        sweep={
            "sampling_algorithm": "grid",
            "early_termination": {
                "type": "bandit",
                "evaluation_interval": 2,
                "delay_evaluation": 2,
                "slack_factor": 0.1,
            },
        },
        training_parameters={"number_of_epochs": 8, "seconds_per_epoch": 0.15},
    )
    azure.ended("early", "Completed")
    good, bad = trials(azure, root)
    assert (good.status, bad.status) == ("Completed", "Canceled")
    assert 2 <= len(bad.metrics["mean_average_precision"]) < 8
    assert bad.error is None


def test_a_run_waits_in_the_queue_and_says_why(azure: Azure, submit: Submit) -> None:
    root = start(azure, submit, "frozen", cluster="gpu-frozen")
    azure.until(lambda: [run for run in trials(azure, root) if run.status == "Queued"], "a trial waits")
    seen = azure.history("GET", f"/runs/{trials(azure, root)[0].run_id}").json()
    assert (seen["status"], "maximum of 0 nodes" in seen["queueingInfo"]["message"]) == ("Queued", True)
    assert azure.history("GET", "/runs/frozen").json()["status"] == "Running"
    azure.studio.resize("gpu-frozen", 0, 2)
    azure.ended("frozen", "Completed")
    assert azure.history("GET", f"/runs/{trials(azure, root)[0].run_id}").json()["queueingInfo"] is None
    azure.studio.resize("gpu-frozen", 0, 0)


def test_a_full_cluster_makes_the_next_job_wait(azure: Azure, submit: Submit) -> None:
    limits = {"max_trials": 1, "max_concurrent_trials": 1}
    first = start(azure, submit, "holds", cluster="gpu-small", limits=limits, training_parameters=SLOW)
    azure.until(lambda: trials(azure, first) and trials(azure, first)[0].status == "Running", "it runs")
    second = start(azure, submit, "waits", cluster="gpu-small", limits=limits)
    waiting = azure.until(lambda: [r for r in trials(azure, second) if r.status == "Queued"], "it queues")[0]
    message = azure.history("GET", f"/runs/{waiting.run_id}").json()["queueingInfo"]["message"]
    assert message.startswith("All 1 node(s) of cluster gpu-small are in use")
    nodes = azure.arm("POST", "/computes/gpu-small/listNodes").json()["nodes"]
    assert [(node["nodeState"], node["runId"]) for node in nodes] == [
        ("running", trials(azure, first)[0].run_id)
    ]
    assert azure.arm("POST", "/jobs/holds/cancel").status_code == 202
    azure.ended("waits", "Completed")


def test_an_evicted_machine_fails_the_run_on_it(azure: Azure, submit: Submit) -> None:
    limits = {"max_trials": 1, "max_concurrent_trials": 1}
    root = start(azure, submit, "evicted", limits=limits, training_parameters=SLOW)
    azure.until(lambda: trials(azure, root) and trials(azure, root)[0].metrics, "the trial trains")
    assert azure.studio.evict_node("gpu-cluster", running=trials(azure, root)[0].run_id)
    azure.ended("evicted", "Failed")
    error = trials(azure, root)[0].error
    assert error is not None and codes(error) == ["UserError", "PreemptionError"]
    assert "Nodes of this job got pre-empted" in error["error"]["message"]


@pytest.mark.parametrize("nodes", [0, 1])
def test_a_cluster_deleted_under_a_job_is_named(azure: Azure, submit: Submit, nodes: int) -> None:
    name, cluster = f"orphan-{nodes}", f"gpu-brief{nodes}"
    azure.studio.add_cluster(cluster, "Standard_NC4as_T4_v3", 0, nodes)
    limits = {"max_trials": 1, "max_concurrent_trials": 1}
    root = start(azure, submit, name, cluster=cluster, limits=limits, training_parameters=SLOW)
    status = "Running" if nodes else "Queued"
    azure.until(lambda: trials(azure, root) and trials(azure, root)[0].status == status, "the trial is there")
    azure.studio.delete_cluster(cluster)
    assert azure.arm("GET", f"/computes/{cluster}").status_code == 404
    azure.ended(name, "Failed")
    error = trials(azure, root)[0].error
    assert error is not None and codes(error) == ["UserError", "ComputeNotFound"]
    assert f"AzureMLCompute cluster {cluster} does not exist" in error["error"]["message"]


@pytest.mark.parametrize(
    ("cores", "code"), [(2, "ClusterMinNodesExceedCoreQuota"), (4, "ClusterCoreQuotaReached")]
)
def test_quota_holds_machines_back_and_the_cluster_says_so(
    azure: Azure, submit: Submit, cores: int, code: str
) -> None:
    family = "Standard NCASv3_T4 Family"
    azure.until(lambda: not azure.twin.workspace.cores_in_use(family), "earlier machines are gone")
    azure.studio.set_quota(family, cores)
    root = start(azure, submit, f"quota-{cores}", training_parameters=SLOW)
    cluster = azure.until(lambda: _errors(azure), "the cluster carries the error")
    assert cluster["errors"][0]["error"]["code"] == code
    assert cluster["allocationState"] == "Resizing"
    assert root.status != "Failed", "a run that lacks quota waits"
    azure.studio.set_quota(family, 24)
    azure.until(lambda: sum(run.status == "Running" for run in trials(azure, root)) == 2, "both trials run")
    assert azure.arm("POST", f"/jobs/{root.run_id}/cancel").status_code == 202
    azure.ended(root.run_id, "Canceled")


def _errors(azure: Azure) -> Any:
    properties = azure.arm("GET", "/computes/gpu-cluster").json()["properties"]["properties"]
    return properties if properties["errors"] else None


def test_a_region_without_machines_leaves_the_cluster_resizing(azure: Azure, submit: Submit) -> None:
    azure.until(lambda: not azure.twin.workspace.clusters["gpu-small"].nodes, "earlier machines are gone")
    azure.studio.set_capacity("gpu-small", available=False)
    start(azure, submit, "no-capacity", cluster="gpu-small")
    azure.until(lambda: azure.twin.workspace.clusters["gpu-small"].errors, "allocation fails")
    properties = azure.arm("GET", "/computes/gpu-small").json()["properties"]["properties"]
    assert properties["errors"][0]["error"]["code"] == "AllocationFailed"
    assert (properties["currentNodeCount"], properties["allocationState"]) == (0, "Resizing")
    azure.studio.set_capacity("gpu-small", available=True)
    azure.ended("no-capacity", "Completed")


def test_time_runs_out(azure: Azure, submit: Submit) -> None:
    limits = {"max_trials": 2, "max_concurrent_trials": 2, "timeout_minutes": 0.02}
    root = start(azure, submit, "timeout", limits=limits, training_parameters=SLOW)
    azure.ended("timeout", "Failed")
    node = one(azure, root, "automl")
    assert node.error is not None and "Experiment timeout reached" in node.error["error"]["message"]
    assert {trial.status for trial in trials(azure, root)} == {"Canceled"}


def test_a_broken_machine_fails_its_run_and_keeps_its_place(azure: Azure, submit: Submit) -> None:
    azure.studio.add_cluster("gpu-single", "Standard_NC4as_T4_v3", 0, 1)
    limits = {"max_trials": 2, "max_concurrent_trials": 1}
    root = start(azure, submit, "broken", cluster="gpu-single", limits=limits, training_parameters=SLOW)
    azure.until(lambda: trials(azure, root) and trials(azure, root)[0].metrics, "the trial trains")
    azure.studio.break_node("gpu-single")
    second = azure.until(lambda: trials(azure, root)[1:], "the second trial is made")[0]
    azure.until(lambda: second.status == "Queued", "it waits")
    assert (trials(azure, root)[0].error or {})["error"]["code"] == "ServiceError"
    counts = azure.arm("GET", "/computes/gpu-single").json()["properties"]["properties"]["nodeStateCounts"]
    assert counts["unusableNodeCount"] == 1
    message = azure.history("GET", f"/runs/{second.run_id}").json()["queueingInfo"]["message"]
    assert message == "1 of 1 node(s) of cluster gpu-single are unusable."
    assert azure.arm("POST", "/jobs/broken/cancel").status_code == 202
    azure.ended("broken", "Canceled")


def test_very_long_lines_do_not_stop_a_job(azure: Azure, clusters: None) -> None:
    command = "python -c \"import sys; print('x' * 3_000_000); print('ERROR: too long', file=sys.stderr); sys.exit(3)\""
    body = {
        "properties": {
            "jobType": "Command",
            "command": command,
            "environmentId": "azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
            "computeId": f"{azure.workspace}/computes/gpu-cluster",
        }
    }
    assert azure.arm("PUT", "/jobs/long-lines", json=body).status_code == 201
    run = azure.ended("long-lines", "Failed")
    assert run.error is not None and "exited with status code 3" in run.error["error"]["message"]
    assert "too long" in run.error["error"]["message"]
    assert len(log_of(azure, run)) > 3_000_000


def test_a_twin_that_stops_ends_its_jobs(tmp_path: Path) -> None:
    other = Azure(tmp_path)
    other.start()
    other.studio.add_cluster("gpu-cluster", "Standard_NC4as_T4_v3", 0, 4)
    (tmp_path / "wait.sh").write_text("echo $$ > pid; sleep 100")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in other.twin.env().items():
            patch.setenv(name, value)
        properties = {
            "jobType": "Command",
            "command": f"bash {tmp_path / 'wait.sh'}",
            "environmentId": "azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
            "computeId": "gpu-cluster",
        }
        assert other.arm("PUT", "/jobs/left", json={"properties": properties}).status_code == 201
    file = tmp_path / "runs" / "left" / "wd" / "pid"
    pid = int(other.until(lambda: file.exists() and file.read_text(), "the job runs"))
    other.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{other.base}/discovery", timeout=60)
