"""Data, models, components and datastores, through Azure's own client."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.sandbox.azure.conftest import EMPTY_EXPORT, EXPORT, Azure, train_node

if TYPE_CHECKING:
    from azure.ai.ml import MLClient


def put_model(azure: Azure, name: str, version: str, **properties: Any) -> Any:
    given = {"modelType": "custom_model", "modelUri": f"{uri(azure)}/models/{name}", "tags": {}, **properties}
    return azure.arm("PUT", f"/models/{name}/versions/{version}", json={"properties": given})


def uri(azure: Azure) -> str:
    return azure.twin.workspace.place.datastore_uri("workspaceblobstore", "LocalUpload")


@pytest.fixture
def model_files(azure: Azure) -> Path:
    folder = azure.twin.workspace.storage.stores["workspaceblobstore"].folder / "LocalUpload" / "models"
    for name in ("Cap", "Gone", "Tagged"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "model.onnx").write_bytes(b"onnx")
    return folder


def test_exports_are_listed_with_their_latest_version_and_read_back(ml: MLClient, exports: None) -> None:
    listed = {data.name: data.latest_version for data in ml.data.list()}
    assert (listed[EXPORT], listed[EMPTY_EXPORT]) == ("1", "1")
    export = ml.data.get(EXPORT, label="latest")
    assert (export.version, export.type) == ("1", "mltable")
    assert export.creation_context.created_at == datetime(2026, 11, 16, 14, 30, tzinfo=UTC)
    with pytest.raises(ResourceNotFoundError):
        ml.data.get("nothing", version="1")


def test_a_list_comes_in_pages_whose_links_keep_the_filters(
    azure: Azure, ml: MLClient, tmp_path: Path
) -> None:
    (tmp_path / "MLTable").write_text("paths: []\n")
    start = datetime(2026, 11, 1, tzinfo=UTC)
    for number in range(35):
        azure.studio.add_export("many", str(number), tmp_path, start + timedelta(hours=number))
    first = azure.arm("GET", "/data/many/versions?listViewType=All").json()
    assert len(first["value"]) == 30
    assert first["nextLink"].startswith(azure.base) and "listViewType=All" in first["nextLink"]
    rest = azure.call("GET", first["nextLink"]).json()
    assert len(rest["value"]) == 5 and "nextLink" not in rest
    assert len({version.version for version in ml.data.list("many")}) == 35


@pytest.mark.parametrize("name", ["with space", "dot.ted", "-first", "a" * 256])
def test_names_that_azure_refuses(azure: Azure, name: str, model_files: Path) -> None:
    answer = put_model(azure, name, "1")
    assert answer.status_code == 400
    assert answer.json()["error"]["innerError"]["innerError"]["code"] == "InvalidAssetName"


@pytest.mark.parametrize("version", ["0", "-1", "v2", "1.5"])
def test_model_versions_are_positive_integers(azure: Azure, model_files: Path, version: str) -> None:
    assert put_model(azure, "Cap", version).status_code == 400


def test_a_model_version_keeps_its_content_but_not_its_tags(azure: Azure, model_files: Path) -> None:
    assert put_model(azure, "Tagged", "1").status_code == 201
    assert put_model(azure, "Tagged", "1", tags={"stage": "canary"}).status_code == 200
    assert azure.arm("GET", "/models/Tagged/versions/1").json()["properties"]["tags"] == {"stage": "canary"}
    other = put_model(azure, "Tagged", "1", modelUri=f"{uri(azure)}/models/Cap")
    assert (other.status_code, other.json()["error"]["message"]) == (400, "Asset paths cannot be updated.")
    other_type = put_model(azure, "Tagged", "1", modelType="triton_model").json()["error"]["message"]
    assert "without increasing the version" in other_type


def test_a_model_must_be_somewhere(azure: Azure, model_files: Path) -> None:
    answer = put_model(azure, "Cap", "7", modelUri=f"{uri(azure)}/models/nowhere")
    assert (answer.status_code, "does not exist" in answer.text) == (400, True)
    assert put_model(azure, "Cap", "7", modelUri="azureml://jobs/none/outputs/artifacts/x").status_code == 400
    assert put_model(azure, "Cap", "7", modelType="mlflow_model").status_code == 400, "no MLmodel file in it"


def test_the_number_of_a_deleted_version_never_returns(azure: Azure, ml: MLClient, model_files: Path) -> None:
    for version in ("1", "2"):
        assert put_model(azure, "Gone", version).status_code == 201
    assert azure.arm("DELETE", "/models/Gone/versions/2").status_code == 200
    again = put_model(azure, "Gone", "2")
    assert (again.status_code, "cannot be recreated" in again.text) == (400, True)
    assert azure.arm("GET", "/models/Gone").json()["properties"]["nextVersion"] == "3"
    assert ml.models.get("Gone", label="latest").version == "1"


def test_local_files_become_the_next_version_of_a_model(ml: MLClient, tmp_path: Path) -> None:
    from azure.ai.ml.entities import Model

    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "model.onnx").write_bytes(b"weights")
    for expected in ("1", "2"):
        made = ml.models.create_or_update(
            Model(name="Uploaded", path=str(tmp_path / "weights"), tags={"a": "b"})
        )
        assert (made.version, made.tags) == (expected, {"a": "b"})
    ml.models.download("Uploaded", "2", download_path=str(tmp_path / "down"))
    assert (tmp_path / "down" / "Uploaded" / "weights" / "model.onnx").read_bytes() == b"weights"
    assert [model.name for model in ml.models.list() if model.name == "Uploaded"] == ["Uploaded"]
    assert {model.version for model in ml.models.list("Uploaded")} == {"1", "2"}


def test_a_model_registered_by_hand_looks_like_any_other(
    azure: Azure, ml: MLClient, model_files: Path
) -> None:
    assert azure.studio.register_by_hand("Handmade", model_files / "Cap", tags={"Precision": "0.9"}) == "1"
    assert ml.models.get("Handmade", label="latest").tags == {"Precision": "0.9"}


def test_a_published_component_is_stored_as_sent_and_never_changes(
    azure: Azure, ml: MLClient, published: str
) -> None:
    component = ml.components.get("train_detector", version="1")
    assert set(component.jobs) == {"train", "register"}
    assert component.id == published
    spec = azure.arm("GET", "/components/train_detector/versions/1").json()["properties"]["componentSpec"]
    changed = {**spec, "inputs": {**spec["inputs"], "extra": {"type": "string"}}}
    body = {"properties": {"componentSpec": changed}}
    refused = azure.arm("PUT", "/components/train_detector/versions/1", json=body)
    assert (refused.status_code, "without increasing the version" in refused.text) == (400, True)
    same = azure.arm(
        "PUT", "/components/train_detector/versions/1", json={"properties": {"componentSpec": spec}}
    )
    assert same.status_code == 200
    listed = {c["name"] for c in azure.arm("GET", "/components").json()["value"]}
    assert "train_detector" in listed and "azureml_anonymous" not in listed


def test_publishing_the_same_code_again_uploads_nothing(
    azure: Azure, ml: MLClient, published: str, tmp_path: Path
) -> None:
    from azure.ai.ml.entities import CommandComponent

    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "hello.py").write_text("print('hello')\n")
    for version in ("1", "2"):
        made = ml.components.create_or_update(
            CommandComponent(
                name="hello",
                version=version,
                command="python hello.py",
                code=str(tmp_path / "code"),
                environment="azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
            )
        )
        assert made.version == version
    uploads = azure.twin.faults.log("PUT", r"hello\.py(?!.*comp=)")
    assert len(uploads) == 1
    assert not [store.name for store in ml.datastores.list() if store.name.startswith("pending-")]
    into = next(name for name in azure.twin.workspace.storage.stores if name.startswith("pending-"))
    assert azure.arm("GET", f"/datastores/{into}").status_code == 404


@pytest.mark.parametrize(
    ("jobs", "complaint"),
    [
        ({}, "at least one job"),
        ({"train": train_node(task="regression")}, "regression"),
        ({"train": train_node(training_data="${{parent.inputs.nothing}}")}, "undeclared inputs: nothing"),
        ({"step": {"type": "command", "componentId": "/components/none/versions/1"}}, "was not found"),
        ({"train": train_node(compute="${{parent.jobs.train2.outputs.x}}")}, "does not exist"),
        ({"step": {"type": "parallel"}}, "neither"),
    ],
)
def test_pipeline_components_that_cannot_run_are_refused(
    azure: Azure, jobs: dict[str, Any], complaint: str
) -> None:
    spec = {
        "type": "pipeline",
        "name": "broken",
        "inputs": {"training_data": {"type": "mltable"}},
        "jobs": jobs,
    }
    answer = azure.arm("PUT", "/components/broken/versions/1", json={"properties": {"componentSpec": spec}})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "ValidationError")
    assert complaint in error["message"]


def test_command_components_need_what_they_name(azure: Azure) -> None:
    def refusal(**changes: Any) -> str:
        spec = {
            "type": "command",
            "command": "ls",
            "environment": "azureml://registries/a/environments/b",
            **changes,
        }
        body = {"properties": {"componentSpec": spec}}
        return str(azure.arm("PUT", "/components/broken/versions/1", json=body).json()["error"]["message"])

    assert "command is required" in refusal(command="")
    assert "Environment none:1 was not found" in refusal(
        environment="azureml:/x/environments/none/versions/1"
    )
    assert "Code none:1 was not found" in refusal(code="azureml:/x/codes/none/versions/1")
    assert "undeclared inputs: name" in refusal(command="echo ${{inputs.name}}")


def test_datastores_are_identity_based(azure: Azure, ml: MLClient) -> None:
    assert ml.datastores.get_default().name == "workspaceblobstore"
    assert {"workspaceblobstore", "workspaceartifactstore"} <= {store.name for store in ml.datastores.list()}
    refused = azure.arm("POST", "/datastores/workspaceblobstore/listSecrets", json={})
    assert refused.status_code == 400
    with pytest.raises(ResourceNotFoundError):
        ml.datastores.get("nothing")


def test_a_datastore_can_be_added_once(ml: MLClient) -> None:
    from azure.ai.ml.entities import AzureBlobDatastore

    ml.datastores.create_or_update(
        AzureBlobDatastore(name="pictures", account_name="pictures", container_name="line3")
    )
    assert ml.datastores.get("pictures").account_name == "pictures"
    other = AzureBlobDatastore(name="pictures", account_name="elsewhere", container_name="line3")
    with pytest.raises(HttpResponseError, match="already points at"):
        ml.datastores.create_or_update(other)


def test_local_data_is_uploaded_and_numbered(azure: Azure, ml: MLClient, tmp_path: Path) -> None:
    from azure.ai.ml.entities import Data

    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "notes.txt").write_text("line 3")
    data = Data(name="notes", path=str(tmp_path / "export"), type="uri_folder")
    assert ml.data.create_or_update(data).version == "1"
    stored = azure.twin.workspace.storage.stores["workspaceblobstore"]
    assert [blob for blob in stored.blobs("LocalUpload/") if blob.name.endswith("export/notes.txt")]
    nowhere = {"properties": {"dataType": "mltable", "dataUri": "azureml://datastores/none/paths/x"}}
    assert azure.arm("PUT", "/data/nowhere/versions/1", json=nowhere).status_code == 400
