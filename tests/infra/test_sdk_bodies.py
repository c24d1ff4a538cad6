"""What Spotter sends by hand is what Azure's own SDK would send for the same thing."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from azure.ai.ml import Input, load_component
from azure.ai.ml.entities import Model, PipelineJob, PipelineJobSettings

from infra.azureml.components import Component
from infra.azureml.jobs import Training, body_of
from infra.training.component import pipeline_component, register_command, register_inputs
from infra.training.definition import TrainingDefinition
from tests.infra.answers import WORKSPACE

pytestmark = pytest.mark.filterwarnings("ignore")
REGISTER_ID = f"{WORKSPACE.path}/components/spotter_training_register/versions/7"
# The pipeline as a person would write it down for Azure's command line.
AS_YAML = """
$schema: https://azuremlschemas.azureedge.net/latest/pipelineComponent.schema.json
type: pipeline
name: spotter_training
version: "7"
display_name: Train and register a detection model
inputs:
  training_data: {type: mltable}
  model_name: {type: string}
  dataset_name: {type: string}
  dataset_version: {type: string}
  request_id: {type: string}
  compute: {type: string}
jobs:
  train:
    type: automl
    task: image_object_detection
    log_verbosity: info
    primary_metric: mean_average_precision
    compute: ${{parent.inputs.compute}}
    limits: {max_trials: 10, max_concurrent_trials: 5, timeout_minutes: 10080}
    target_column_name: label
    training_data: ${{parent.inputs.training_data}}
    training_parameters: {image_size: 512}
    sweep:
      sampling_algorithm: random
      early_termination: {type: bandit, evaluation_interval: 2, slack_factor: 0.2, delay_evaluation: 6}
    search_space:
      - model_name: {type: choice, values: [yolov5]}
        model_size: {type: choice, values: [small, medium]}
        learning_rate: {type: uniform, min_value: 0.0001, max_value: 0.01}
    outputs:
      best_model: {type: mlflow_model}
  register:
    type: command
    component: COMPONENT
    compute: ${{parent.inputs.compute}}
    inputs:
      model_name: ${{parent.inputs.model_name}}
      dataset_name: ${{parent.inputs.dataset_name}}
      dataset_version: ${{parent.inputs.dataset_version}}
      request_id: ${{parent.inputs.request_id}}
      best_model: ${{parent.jobs.train.outputs.best_model}}
"""


def test_the_job() -> None:
    training = Training(
        name="caps-1",
        request_id="3f9a",
        model_name="Caps",
        export_name="caps_20261120_093011",
        export_version="1",
        cluster="gpu-cluster",
        experiment="spotter",
        requested_by="U1",
        display_name="Caps on caps_20261120_093011",
        component=Component(
            f"{WORKSPACE.path}/components/spotter_training/versions/7", "spotter_training", "7"
        ),
    )
    ours = body_of(training, WORKSPACE)
    assert training.component
    job = PipelineJob(
        component=training.component.id,
        name="caps-1",
        display_name=training.display_name,
        experiment_name="spotter",
        tags=ours["properties"]["tags"],
        inputs={
            "training_data": Input(
                type="mltable", path=f"{WORKSPACE.path}/data/caps_20261120_093011/versions/1"
            ),
            "model_name": "Caps",
            "dataset_name": "caps_20261120_093011",
            "dataset_version": "1",
            "request_id": "3f9a",
            "compute": "gpu-cluster",
        },
        settings=PipelineJobSettings(default_compute=f"{WORKSPACE.path}/computes/gpu-cluster"),
    )
    assert ours == job._to_rest_object().as_dict()


def test_the_pipeline_component(tmp_path: Path) -> None:
    theirs = _written_by_the_sdk(tmp_path)
    ours = pipeline_component(TrainingDefinition(), "7", REGISTER_ID)
    for name in ours["inputs"]:
        ours["inputs"][name].pop("description")
    # The SDK writes the register step's component inline until it is registered on its own.
    register = theirs["jobs"]["register"]
    register["componentId"], register["_source"] = REGISTER_ID, "REMOTE.WORKSPACE.COMPONENT"
    ours.pop("description")
    assert ours == theirs


def test_the_model() -> None:
    uri = "azureml://jobs/caps-1_HD_3/outputs/artifacts/paths/outputs/"
    theirs = (
        Model(name="Caps", version="1", path=uri, type="custom_model")
        ._to_rest_object()
        .as_dict()["properties"]
    )
    assert (theirs["modelUri"], theirs["modelType"]) == (uri, "custom_model")


def _written_by_the_sdk(folder: Path) -> dict[str, Any]:
    definition = TrainingDefinition()
    component = folder / "register.yml"
    inputs = "\n".join(f"  {name}: {{type: {about['type']}}}" for name, about in register_inputs().items())
    component.write_text(
        f"type: command\nname: spotter_training_register\nversion: '7'\ninputs:\n{inputs}\n"
        f"command: >-\n  {register_command(definition)}\nenvironment: {definition.register_environment}\n"
    )
    source = StringIO(AS_YAML.replace("COMPONENT", f"./{component.name}"))
    loaded = load_component(source, relative_origin=str(folder / "pipeline.yml"))
    assert loaded._validate().passed
    spec: dict[str, Any] = loaded._to_rest_object().as_dict()["properties"]["componentSpec"]
    return spec
