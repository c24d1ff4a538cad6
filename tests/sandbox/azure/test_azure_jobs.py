"""Jobs as a client meets them: created once, listed, cancelled, refused; and a whole training as real processes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from sandbox.azure.runs import Run
from sandbox.faults import Fault
from tests.sandbox.azure.conftest import EXPORT, Azure, train_node

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

Submit = Callable[..., requests.Response]
SLOW = {"number_of_epochs": 1000, "seconds_per_epoch": 0.1}


def inline(
    azure: Azure, submit: Submit, name: str, jobs: dict[str, Any], **changes: Any
) -> requests.Response:
    return submit(name, componentId=None, jobs=jobs, **changes)


def pipeline(published: str, name: str, cluster: str = "gpu-cluster") -> Any:
    from azure.ai.ml import Input
    from azure.ai.ml.entities import PipelineJob, PipelineJobSettings

    data = Input(type="mltable", path=f"azureml:{EXPORT}:1")
    return PipelineJob(
        component=published,
        name=name,
        experiment_name="spotter",
        tags={"spotter_request": name},
        inputs={"model_name": f"model-{name}", "training_data": data},
        settings=PipelineJobSettings(default_compute=cluster),
    )


def test_a_training_from_component_to_registered_model(
    azure: Azure, ml: MLClient, published: str, exports: None, clusters: None, tmp_path: Path
) -> None:
    made = ml.jobs.create_or_update(pipeline(published, "whole"))
    assert (made.name, made.status) == ("whole", "NotStarted")
    root = azure.ended("whole", "Completed")
    nodes = {node.display_name: node for node in ml.jobs.list(parent_job_name="whole")}
    assert {name: node.status for name, node in nodes.items()} == {
        "train": "Completed",
        "register": "Completed",
    }
    sweep = nodes["train"].name + "_HD"
    trials = {child.name for child in ml.jobs.list(parent_job_name=sweep)}
    assert trials == {f"{sweep}_{n}" for n in range(3)}
    best = nodes["train"].tags["automl_best_child_run_id"]
    scores = {
        t.run_id: t.metrics["mean_average_precision"][-1].value
        for t in azure.studio.children(
            azure.studio.children(next(c for c in azure.studio.children(root) if c.kind == "automl"))[0]
        )
    }
    assert best == max(scores, key=lambda name: scores[name])
    model = ml.models.get("model-whole", label="latest")
    assert (model.version, model.type, model.tags) == ("1", "mlflow_model", {"best": best})
    ml.models.download("model-whole", "1", download_path=str(tmp_path))
    assert list(tmp_path.rglob("slope.json"))
    log = azure.history("GET", f"/runs/{nodes['register'].name}/details").json()["logFiles"]
    assert "registered model-whole 1" in requests.get(log["user_logs/std_log.txt"], timeout=60).text


def test_the_same_name_makes_one_job(azure: Azure, submit: Submit) -> None:
    assert submit("once", cluster="gpu-frozen").status_code == 201
    assert submit("once", cluster="gpu-frozen").status_code == 200
    tagged = submit("once", cluster="gpu-frozen", tags={"note": "later"})
    assert tagged.json()["properties"]["tags"] == {"spotter_request": "once", "note": "later"}
    other = submit("once", cluster="gpu-cluster")
    error = other.json()["error"]
    assert (other.status_code, error["code"]) == (400, "UserError")
    assert error["message"].startswith("A job with this name already exists.")
    assert "the existing job's Settings cannot be changed" in error["message"]
    assert error["innerError"]["innerError"]["code"] == "JobPropertyImmutable"
    assert [job.run_id for job in azure.studio.jobs() if job.run_id == "once"] == ["once"]


def test_a_lost_answer_is_repeated_by_the_client_without_a_second_job(
    azure: Azure, ml: MLClient, published: str, exports: None, clusters: None
) -> None:
    azure.twin.faults.arm(Fault("PUT", "/jobs/lost-answer", "drop_after"))
    job = pipeline(published, "lost-answer", "gpu-frozen")
    assert ml.jobs.create_or_update(job).name == "lost-answer"
    assert [entry.status for entry in azure.twin.faults.log("PUT", "/jobs/lost-answer")] == [0, 200]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"cluster": "gpu-gone"}, "compute [gpu-gone] was not found"),
        ({"export": "never_exported"}, "Data asset never_exported:1 was not found"),
        ({"componentId": "/x/components/none/versions/3"}, "Component none:3 was not found"),
        ({"inputs": {}}, "Required inputs are missing: model_name, training_data"),
        ({"jobType": "Spark"}, "'Spark' is not supported"),
        ({"settings": {}}, "no compute"),
    ],
)
def test_jobs_that_name_what_does_not_exist_are_refused(
    azure: Azure, submit: Submit, changes: dict[str, Any], complaint: str
) -> None:
    answer = submit("refused", **changes)
    assert answer.status_code == 400
    assert complaint in answer.json()["error"]["message"]
    assert azure.arm("GET", "/jobs/refused").status_code == 404


def test_a_pipeline_needs_the_users_own_token(azure: Azure) -> None:
    body = {"properties": {"jobType": "Pipeline"}}
    missing = azure.arm("PUT", "/jobs/tokenless", json=body)
    assert (missing.status_code, "x-azureml-token" in missing.text) == (400, True)
    wrong = azure.arm("PUT", "/jobs/tokenless", json=body, headers={"x-azureml-token": azure.token()})
    assert wrong.status_code == 401


@pytest.mark.parametrize("name", ["bad name", "dot.ted", "-x"])
def test_job_names_that_azure_refuses(submit: Submit, name: str) -> None:
    assert submit(name).status_code == 400


def test_lists_filter_by_type_tag_property_and_view(azure: Azure, ml: MLClient, submit: Submit) -> None:
    for number in range(33):
        properties = {"line": "3"} if number == 5 else {}
        assert submit(f"listed-{number}", cluster="gpu-frozen", tags={"batch": "b"}, properties=properties).ok
    listed = list(ml.jobs.list(job_type="Pipeline", tag="batch"))
    assert [job.name for job in listed] == [f"listed-{n}" for n in reversed(range(33))], (
        "newest first, once each"
    )
    pages = azure.twin.faults.log("GET", r"/jobs\?.*tag=batch")
    assert len(pages) == 2 and "skip" in pages[-1].path and "jobType=Pipeline" in pages[-1].path
    assert len(list(ml.jobs.list(tag="batch=c"))) == 0
    assert [job.name for job in ml.jobs.list(tag="batch", properties="line=3")] == ["listed-5"]
    assert not list(ml.jobs.list(job_type="Command", tag="batch"))
    ml.jobs.archive("listed-7")
    assert len(list(ml.jobs.list(tag="batch"))) == 32
    assert [
        j["name"] for j in azure.arm("GET", "/jobs?tag=batch&listViewType=ArchivedOnly").json()["value"]
    ] == ["listed-7"]


def test_cancelling_ends_the_processes_and_marks_the_children(
    azure: Azure, ml: MLClient, submit: Submit
) -> None:
    jobs = {"train": train_node(training_parameters=SLOW)}
    assert inline(azure, submit, "stopped", jobs, cluster="gpu-cluster").status_code == 201
    root = _run(azure, "stopped")
    azure.until(lambda: len(_processes(root.run_id, azure)) == 2, "two trials run")
    poller = ml.jobs.begin_cancel("stopped")
    assert root.status == "CancelRequested"
    poller.result()
    assert root.status == "Canceled"
    assert not _processes(root.run_id, azure)
    statuses = {run.status for run in azure.twin.workspace.runs.descendants(root)}
    assert statuses == {"Canceled"}
    assert azure.arm("GET", "/jobs/stopped").json()["properties"]["status"] == "Canceled"
    assert azure.arm("POST", "/jobs/stopped/cancel").status_code == 200, (
        "cancelling what is over changes nothing"
    )


def _processes(job: str, azure: Azure) -> list[int]:
    """Process ids of a job's trials that are alive."""
    folders = (
        azure.twin.workspace.root / "runs" / run.run_id
        for run in azure.twin.workspace.runs.descendants(_run(azure, job))
    )
    return [int(file.read_text()) for folder in folders for file in folder.glob("wd/pid") if _alive(file)]


def _alive(file: Path) -> bool:
    text = file.read_text()
    return bool(text) and _is_running(int(text))


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _run(azure: Azure, job: str) -> Run:
    run = azure.studio.job(job)
    assert run is not None
    return run


def test_a_job_can_be_deleted_once_it_is_over(azure: Azure, ml: MLClient, submit: Submit) -> None:
    assert submit("removed", cluster="gpu-frozen").status_code == 201
    assert azure.arm("DELETE", "/jobs/removed").status_code == 400
    ml.jobs.begin_cancel("removed").result()
    assert azure.arm("DELETE", "/jobs/removed").status_code == 202
    with pytest.raises(ResourceNotFoundError):
        ml.jobs.get("removed")


def test_a_job_that_vanishes_leaves_no_process(azure: Azure, submit: Submit) -> None:
    jobs = {"train": train_node(training_parameters=SLOW)}
    assert inline(azure, submit, "vanished", jobs).status_code == 201
    azure.until(lambda: len(_processes("vanished", azure)) == 2, "two trials run")
    pids = _processes("vanished", azure)
    azure.studio.delete_job("vanished")
    assert azure.arm("GET", "/jobs/vanished").status_code == 404
    assert azure.history("GET", "/runs/vanished/children").status_code == 404
    azure.until(lambda: not any(_is_running(pid) for pid in pids), "the trials end")


def test_steps_are_read_from_run_history_and_not_cancelled_alone(
    azure: Azure, ml: MLClient, submit: Submit
) -> None:
    assert submit("parent", cluster="gpu-frozen").status_code == 201
    root = _run(azure, "parent")
    step = azure.until(lambda: azure.studio.children(root), "the steps are there")[0]
    assert azure.arm("GET", f"/jobs/{step.run_id}").json()["properties"] is None
    assert ml.jobs.get(step.run_id).display_name == "train"
    with pytest.raises(HttpResponseError, match="cancel the pipeline"):
        ml.jobs.begin_cancel(step.run_id)


def test_tags_are_edited_through_run_history(ml: MLClient, submit: Submit) -> None:
    assert submit("edited", cluster="gpu-frozen").status_code == 201
    ml.jobs.update("edited", tags={"reviewed": "yes"}, display_name="Edited")
    job = ml.jobs.get("edited")
    assert (job.tags["reviewed"], job.display_name) == ("yes", "Edited")


def test_a_standalone_automl_job_runs_trials_too(
    azure: Azure, ml: MLClient, exports: None, clusters: None
) -> None:
    from azure.ai.ml import Input, automl
    from azure.ai.ml.automl import SearchSpace
    from azure.ai.ml.sweep import Choice

    job = automl.image_object_detection(
        training_data=Input(type="mltable", path=f"azureml:{EXPORT}:1"),
        target_column_name="label",
        compute="gpu-cluster",
        experiment_name="alone",
    )
    job.name = "alone"
    job.set_limits(max_trials=2, max_concurrent_trials=2)
    job.set_sweep(sampling_algorithm="grid")
    job.extend_search_space([SearchSpace(learning_rate=Choice([0.2, 0.4]), model_size=Choice(["small"]))])
    assert ml.jobs.create_or_update(job).status == "NotStarted"
    azure.ended("alone", "Completed")
    assert ml.jobs.get("alone").tags["automl_best_child_run_id"].startswith("alone_HD_")


def test_a_standalone_command_runs_with_inputs_and_outputs(
    azure: Azure, ml: MLClient, exports: None, clusters: None, tmp_path: Path
) -> None:
    from azure.ai.ml import Input, Output, command

    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "count.sh").write_text('echo "$3: $(wc -l < $1/points.jsonl)" | tee $2/count.txt\n')
    job = command(
        name="counting",
        code=str(tmp_path / "src"),
        command="bash count.sh ${{inputs.data}} ${{outputs.result}} $[[${{inputs.word}}]]",
        inputs={"data": Input(type="mltable", path=f"azureml:{EXPORT}:1"), "word": "points"},
        outputs={"result": Output(type="uri_folder")},
        environment="azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
        compute="gpu-cluster",
    )
    ml.jobs.create_or_update(job)
    azure.ended("counting", "Completed")
    ml.jobs.download("counting", download_path=str(tmp_path / "down"), output_name="result")
    assert (tmp_path / "down/named-outputs/result/count.txt").read_text() == "points: 10\n"
