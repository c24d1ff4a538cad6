"""A running Azure twin, and the real clients pointed at it by environment variables alone."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.identity import DefaultAzureCredential

from sandbox.azure.pace import Pace
from sandbox.azure.twin import AzureTwin

if TYPE_CHECKING:  # its import takes seconds, so only tests that use it pay
    from azure.ai.ml import MLClient

TRIAL = Path(__file__).with_name("trial_script.py")
EXPORT = "caps_20261116_143000"
EMPTY_EXPORT = "caps_unlabelled_20261105_070500"
FAST = Pace(
    node_start=0.3,
    idle_scale_down=1.5,
    preparing=0.05,
    finalizing=0.05,
    cancel=0.1,
    terminate_grace=1.0,
    event_retry=0.03,
)


class Azure:
    """The twin on a thread of its own, and plain requests to it."""

    def __init__(self, root: Path) -> None:
        self.twin = AzureTwin(root, pace=FAST, trainer=(sys.executable, "-IS", str(TRIAL)))
        self.studio = self.twin.studio
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.twin.start(), self._loop).result(60)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self.twin.stop(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)

    @property
    def base(self) -> str:
        return self.twin.workspace.base_url

    @property
    def workspace(self) -> str:
        return self.twin.workspace.place.arm_id

    def token(self, resource: str = "https://management.azure.com") -> str:
        return DefaultAzureCredential().get_token(f"{resource}/.default").token

    def call(self, method: str, path: str, *, token: str | None = None, **options: Any) -> requests.Response:
        """A request with an ARM token to `path` below the workspace, or to a full URL."""
        url = path if path.startswith("https://") else self.base + path
        headers = {"Authorization": f"Bearer {token or self.token()}", **options.pop("headers", {})}
        return requests.request(method, url, headers=headers, timeout=60, **options)

    def arm(self, method: str, path: str, **options: Any) -> requests.Response:
        separator = "&" if "?" in path else "?"
        return self.call(
            method, f"{self.workspace}{path}{separator}api-version=2024-01-01-preview", **options
        )

    def history(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.call(method, f"/history/v1.0{self.workspace}{path}", **options)

    def mlflow(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.call(method, f"/mlflow/v2.0{self.workspace}/api/2.0/mlflow{path}", **options)

    def until(self, condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
        """Waits for a condition; fails by saying what did not come true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.03)
        raise AssertionError(f"not within {seconds} s: {what}")

    def ended(self, name: str, status: str) -> Any:
        """The job once it is over, which must be with `status`."""
        run = self.studio.job(name)
        assert run is not None
        self.until(lambda: run.over, f"{name} ends")
        assert run.status == status, run.error
        return run


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    running = Azure(tmp_path_factory.mktemp("azure"))
    running.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in running.twin.env().items():
            patch.setenv(name, value)
        try:
            yield running
        finally:
            running.stop()


@pytest.fixture(scope="module")
def ml(azure: Azure) -> MLClient:
    from azure.ai.ml import MLClient

    place = azure.twin.workspace.place
    return MLClient(
        DefaultAzureCredential(), place.subscription, place.group, place.workspace, enable_telemetry=False
    )


@pytest.fixture(scope="module")
def exports(azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name, count in ((EXPORT, 10), (EMPTY_EXPORT, 0)):
        folder = tmp_path_factory.mktemp("export")
        (folder / "MLTable").write_text("paths:\n  - file: ./points.jsonl\n")
        points = [{"x": x / 5, "y": x * 0.14} for x in range(count)]
        (folder / "points.jsonl").write_text("".join(json.dumps(point) + "\n" for point in points))
        azure.studio.add_export(name, "1", folder, datetime(2026, 11, 16, 14, 30, tzinfo=UTC))


@pytest.fixture(scope="module")
def clusters(azure: Azure) -> None:
    azure.studio.add_cluster("gpu-cluster", "Standard_NC4as_T4_v3", 0, 4)
    azure.studio.add_cluster("gpu-small", "Standard_NC4as_T4_v3", 0, 1)
    azure.studio.add_cluster("gpu-frozen", "Standard_NC4as_T4_v3", 0, 0)


REGISTER_SCRIPT = """
import os, sys
from azure.ai.ml import MLClient
from azure.ai.ml.entities import Model
from azure.identity import ManagedIdentityCredential

ml = MLClient(
    ManagedIdentityCredential(client_id=os.environ["DEFAULT_IDENTITY_CLIENT_ID"]),
    os.environ["AZUREML_ARM_SUBSCRIPTION"],
    os.environ["AZUREML_ARM_RESOURCEGROUP"],
    os.environ["AZUREML_ARM_WORKSPACE_NAME"],
)
name, model = sys.argv[1:]
assert os.path.exists(os.path.join(model, "MLmodel")), model
nodes = ml.jobs.list(parent_job_name=os.environ["AZUREML_ROOT_RUN_ID"])
best = next(n.tags["automl_best_child_run_id"] for n in nodes if "automl_best_child_run_id" in n.tags)
path = f"azureml://jobs/{best}/outputs/artifacts/paths/outputs/mlflow-model/"
made = ml.models.create_or_update(Model(name=name, path=path, type="mlflow_model", tags={"best": best}))
print("registered", made.name, made.version)
"""
REGISTER = """
name: register_best
version: "1"
type: command
inputs:
  model_name: {type: string}
  model: {type: mlflow_model}
command: python register.py ${{inputs.model_name}} ${{inputs.model}}
code: ./code
environment: {image: "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04"}
"""
TRAIN = """
name: train_detector
version: "1"
type: pipeline
inputs:
  model_name: {type: string}
  training_data: {type: mltable}
jobs:
  train:
    type: automl
    task: image_object_detection
    primary_metric: mean_average_precision
    target_column_name: label
    training_data: ${{parent.inputs.training_data}}
    limits: {max_trials: 3, max_concurrent_trials: 2, timeout_minutes: 10}
    sweep:
      sampling_algorithm: random
      early_termination: {type: bandit, evaluation_interval: 2, slack_factor: 0.2, delay_evaluation: 6}
    training_parameters: {number_of_epochs: 4}
    search_space:
      - model_size: {type: choice, values: [small, medium]}
        learning_rate: {type: uniform, min_value: 0.1, max_value: 0.5}
    outputs:
      best_model: {type: mlflow_model}
  register:
    type: command
    component: ./register.yml
    inputs:
      model_name: ${{parent.inputs.model_name}}
      model: ${{parent.jobs.train.outputs.best_model}}
"""


@pytest.fixture(scope="module")
def published(ml: MLClient, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The ARM id of a pipeline component with an AutoML node and a command node, its code uploaded."""
    from azure.ai.ml import load_component

    folder = tmp_path_factory.mktemp("pipeline")
    (folder / "code").mkdir()
    (folder / "code" / "register.py").write_text(REGISTER_SCRIPT)
    (folder / "register.yml").write_text(REGISTER)
    (folder / "train.yml").write_text(TRAIN)
    return str(ml.components.create_or_update(load_component(folder / "train.yml")).id)


@pytest.fixture
def submit(azure: Azure, exports: None, clusters: None, published: str) -> Callable[..., requests.Response]:
    """Submits the published pipeline under a name by a plain PUT, as the SDK would."""

    def put(
        name: str, *, cluster: str = "gpu-cluster", export: str = EXPORT, **changes: Any
    ) -> requests.Response:
        properties = {
            "jobType": "Pipeline",
            "componentId": published,
            "displayName": name,
            "experimentName": "spotter",
            "tags": {"spotter_request": name},
            "properties": {},
            "inputs": {
                "model_name": {"jobInputType": "literal", "value": f"model-{name}"},
                "training_data": {
                    "jobInputType": "mltable",
                    "uri": f"{azure.workspace}/data/{export}/versions/1",
                },
            },
            "outputs": {},
            "settings": {"default_compute": f"{azure.workspace}/computes/{cluster}"},
            **changes,
        }
        headers = {"x-azureml-token": azure.token("https://ml.azure.com")}
        return azure.arm("PUT", f"/jobs/{name}", json={"properties": properties}, headers=headers)

    return put


def train_node(**changes: Any) -> dict[str, Any]:
    """An inline AutoML node; `changes` replace its fields."""
    return {
        "type": "automl",
        "task": "image_object_detection",
        "primary_metric": "mean_average_precision",
        "target_column_name": "label",
        "training_data": "${{parent.inputs.training_data}}",
        "limits": {"max_trials": 2, "max_concurrent_trials": 2},
        "search_space": [{"learning_rate": "choice(0.3,0.4)"}],
        "outputs": {"best_model": {"job_output_type": "mlflow_model"}},
        **changes,
    }
