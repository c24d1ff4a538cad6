"""Run history, MLflow, artifacts and blobs, read the ways clients read them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient, ContainerClient

from sandbox.azure.runs import Run
from tests.sandbox.azure.conftest import Azure, train_node

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

ACCOUNT = "https://bottlinglinestore.blob.core.windows.net"


@pytest.fixture(scope="module")
def trained(azure: Azure, exports: None, clusters: None, published: str) -> Run:
    """A finished training of one trial with five epochs."""
    node = train_node(limits={"max_trials": 1}, training_parameters={"number_of_epochs": 5})
    body = {
        "properties": {
            "jobType": "Pipeline",
            "experimentName": "measured",
            "jobs": {"train": node},
            "inputs": {
                "training_data": {
                    "jobInputType": "mltable",
                    "uri": f"{azure.workspace}/data/caps_20261116_143000/versions/1",
                }
            },
            "settings": {"default_compute": "gpu-cluster"},
        }
    }
    token = {"x-azureml-token": azure.token("https://ml.azure.com")}
    assert azure.arm("PUT", "/jobs/measured", json=body, headers=token).status_code == 201
    root = azure.ended("measured", "Completed")
    return next(run for run in azure.twin.workspace.runs.descendants(root) if run.kind == "trial")


def test_a_metric_comes_in_pages_of_its_epochs(azure: Azure, trained: Run) -> None:
    query = {"run_id": trained.run_id, "metric_key": "mean_average_precision", "max_results": 2}
    points, token = [], ""
    while True:
        page = azure.mlflow("GET", "/metrics/get-history", params={**query, "page_token": token}).json()
        points += page["metrics"]
        token = page.get("next_page_token", "")
        if not token:
            break
    assert [point["step"] for point in points] == list(range(5))
    values = [point["value"] for point in points]
    assert values == sorted(values) and values[0] < values[-1] <= 1, "the trial learned"
    too_many = azure.mlflow("GET", "/metrics/get-history", params={**query, "max_results": 1000})
    assert (too_many.status_code, too_many.json()["message"]) == (400, "MaxResults must be less than 1000")


def test_a_run_as_mlflow_sees_it(azure: Azure, trained: Run) -> None:
    run = azure.mlflow("GET", "/runs/get", params={"run_id": trained.run_id}).json()["run"]
    assert (run["info"]["status"], run["info"]["run_id"]) == ("FINISHED", trained.run_id)
    metrics = {metric["key"]: metric["value"] for metric in run["data"]["metrics"]}
    assert set(metrics) == {"mean_average_precision", "precision", "recall"}
    assert "learning_rate" in {param["key"] for param in run["data"]["params"]}
    assert trained.parent is not None
    body = {
        "experiment_ids": [run["info"]["experiment_id"]],
        "filter": f"tags.mlflow.parentRunId = '{trained.parent.run_id}'",
    }
    found = azure.mlflow("POST", "/runs/search", json=body).json()["runs"]
    assert [run["info"]["run_id"] for run in found] == [trained.run_id]
    for condition, count in (
        ("attributes.status = 'RUNNING' and metrics.mean_average_precision >= 0", 0),
        ("attributes.status = 'FINISHED' and metrics.mean_average_precision >= 0", 1),
        ("metrics.mean_average_precision > 1", 0),
    ):
        asked = azure.mlflow("POST", "/runs/search", json={**body, "filter": condition}).json()["runs"]
        assert len(asked) == count, condition
    refused = azure.mlflow("POST", "/runs/search", json={**body, "filter": "attributes.status = 'X' or a"})
    assert (refused.status_code, refused.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    missing = azure.mlflow("GET", "/runs/get", params={"run_id": "none"})
    assert (missing.status_code, missing.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_what_has_ended_takes_no_more_metrics(azure: Azure, trained: Run) -> None:
    body = {
        "run_id": trained.run_id,
        "key": "mean_average_precision",
        "value": 1.0,
        "timestamp": 1,
        "step": 9,
    }
    assert azure.mlflow("POST", "/runs/log-metric", json=body).status_code == 400


def test_many_runs_are_read_in_one_call(azure: Azure, trained: Run) -> None:
    asked = {"a": {"runId": "measured", "selectRunMetadata": True}, "b": {"runId": "none"}}
    answer = azure.history("POST", "/batchrundata", json={"requests": asked})
    assert answer.status_code == 207
    assert answer.json()["successfulResults"]["a"]["runMetadata"]["status"] == "Completed"
    assert list(answer.json()["failedResults"]) == ["b"]


def test_children_come_in_pages(azure: Azure, trained: Run) -> None:
    page = azure.history("GET", "/runs/measured/children?$top=1").json()
    assert [child["displayName"] for child in page["value"]] == ["train"]
    assert page["nextLink"] is None
    assert azure.history("GET", "/runs/none/children").status_code == 404


def test_what_is_below_some_jobs_comes_in_pages(azure: Azure, trained: Run) -> None:
    url = "/experiments/measured/runs:query"
    asked: dict[str, object] = {"filter": "RootRunId eq measured or RootRunId eq none", "top": 2}
    first = azure.history("POST", url, json=asked).json()
    rest = azure.history(
        "POST", url, json={**asked, "top": 500, "continuationToken": first["continuationToken"]}
    )
    names = [run["runId"] for run in first["value"] + rest.json()["value"]]
    assert len(first["value"]) == 2 and rest.json()["continuationToken"] is None
    assert {"measured", trained.run_id} < set(names) and len(names) == len(set(names))
    assert azure.history("POST", url, json={"filter": "RootRunId in (measured)"}).status_code == 400
    assert azure.history("POST", "/experiments/none/runs:query", json=asked).status_code == 404


def test_artifacts_are_listed_and_opened_by_signed_links(azure: Azure, trained: Run) -> None:
    found = azure.history("GET", f"/runs/{trained.run_id}/artifacts").json()["value"]
    paths = {artifact["path"] for artifact in found}
    assert {"outputs/mlflow-model/MLmodel", "train_artifacts/settings.json", "user_logs/std_log.txt"} <= paths
    query = {"path": "outputs/mlflow-model/slope.json"}
    info = azure.history("GET", f"/runs/{trained.run_id}/artifacts/contentinfo", params=query).json()
    assert 0.5 < float(requests.get(info["contentUri"], timeout=60).text) < 0.8
    tampered = info["contentUri"].replace("slope.json", "MLmodel")
    assert requests.get(tampered, timeout=60).status_code == 403
    assert requests.get(info["contentUri"].partition("?")[0], timeout=60).status_code == 409
    prefix = azure.call(
        "GET",
        f"/artifact/v2.0{azure.workspace}/artifacts/prefix/contentinfo/ExperimentRun/"
        f"{trained.container}?path=outputs/",
    ).json()["value"]
    assert {item["path"] for item in prefix} == {path for path in paths if path.startswith("outputs/")}


def test_artifacts_are_added_through_signed_links(azure: Azure, trained: Run) -> None:
    url = f"/artifact/v2.0{azure.workspace}/artifacts/batch/metadata/ExperimentRun/{trained.container}"
    made = azure.call("POST", url, json={"paths": [{"path": "notes/a.txt"}]}).json()
    link = made["artifactContentInformation"]["notes/a.txt"]["contentUri"]
    put = requests.put(link, data=b"seen", headers={"x-ms-blob-type": "BlockBlob"}, timeout=60)
    assert put.status_code == 201
    found = azure.history("GET", f"/runs/{trained.run_id}/artifacts/path", params={"path": "notes/"}).json()
    assert [artifact["path"] for artifact in found["value"]] == ["notes/a.txt"]


def test_a_jobs_outputs_are_downloaded(ml: MLClient, trained: Run, tmp_path: Path) -> None:
    ml.jobs.download(trained.run_id, download_path=str(tmp_path), all=True)
    assert list(tmp_path.rglob("slope.json"))


def test_blobs_are_written_and_read_with_an_entra_token(azure: Azure) -> None:
    container = next(s for s in azure.twin.workspace.storage.stores.values() if s.is_default).container
    client = BlobServiceClient(
        ACCOUNT, DefaultAzureCredential(), max_single_put_size=1000, max_block_size=400
    )
    blobs = client.get_container_client(container)
    content = os.urandom(3000)
    blobs.upload_blob("pictures/line 3/a.jpg", content, metadata={"camera": "2"})
    blobs.upload_blob("pictures/b.jpg", b"short", overwrite=True)
    assert blobs.download_blob("pictures/line 3/a.jpg").readall() == content
    assert blobs.download_blob("pictures/line 3/a.jpg", offset=100, length=10).readall() == content[100:110]
    assert blobs.get_blob_client("pictures/line 3/a.jpg").get_blob_properties().metadata == {"camera": "2"}
    assert [blob.name for blob in blobs.list_blobs("pictures/")] == [
        "pictures/b.jpg",
        "pictures/line 3/a.jpg",
    ]
    assert {item.name for item in blobs.walk_blobs("pictures/")} == {"pictures/b.jpg", "pictures/line 3/"}
    pages = list(blobs.list_blobs("pictures/", results_per_page=1).by_page())
    assert len(pages) == 2
    blobs.delete_blob("pictures/b.jpg")
    with pytest.raises(ResourceNotFoundError):
        blobs.download_blob("pictures/b.jpg")
    with pytest.raises(ResourceNotFoundError):
        client.get_container_client("nowhere").upload_blob("a", b"")


def test_blobs_are_closed_to_other_tokens(azure: Azure) -> None:
    container = next(s for s in azure.twin.workspace.storage.stores.values() if s.is_default).container
    answer = requests.get(
        f"{ACCOUNT}/{container}/pictures/b.jpg",
        headers={"Authorization": f"Bearer {azure.token()}"},
        timeout=60,
    )
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (401, "InvalidAuthenticationInfo")


def test_a_signed_container_allows_what_it_says(azure: Azure) -> None:
    storage = azure.twin.workspace.storage
    store = storage.stores["workspaceblobstore"]
    writable = ContainerClient.from_container_url(storage.sas_url(store, permissions="rcwl"))
    writable.upload_blob("signed/x.txt", b"x")
    readable = ContainerClient.from_container_url(storage.sas_url(store, permissions="r"))
    assert readable.download_blob("signed/x.txt").readall() == b"x"
    with pytest.raises((HttpResponseError, ClientAuthenticationError)):
        readable.upload_blob("signed/y.txt", b"y")
    expired = ContainerClient.from_container_url(storage.sas_url(store, permissions="r", hours=-1))
    with pytest.raises((HttpResponseError, ClientAuthenticationError)):
        expired.download_blob("signed/x.txt")


def test_a_blob_stays_in_its_container(azure: Azure) -> None:
    store = azure.twin.workspace.storage.stores["workspaceblobstore"]
    with pytest.raises(ValueError, match="not a blob name"):
        store.path_of("../workspaceartifactstore/x")
