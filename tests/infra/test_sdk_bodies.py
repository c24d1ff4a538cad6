"""What Spotter sends by hand is what Azure's own SDK would send for the same thing.

The SDK is imported by the tests that run: it takes seconds, and every process of the suite reads all tests.
"""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from infra.azureml.components import Component
from infra.azureml.connection import Connection, WorkspaceId
from infra.azureml.jobs import Training, body_of
from infra.training import component as training
from infra.training.component import pipeline_component, register_component_name
from infra.training.definition import TrainingDefinition
from infra.training.publish import _code, _steps, publish
from sandbox.azure.assets import Version
from sandbox.azure.twin import AzureTwin
from tests.infra.answers import WORKSPACE
from tests.infra.conftest import DEFINITION

pytestmark = pytest.mark.filterwarnings("ignore")
STEPS: dict[str, tuple[dict[str, dict[str, str]], dict[str, dict[str, str]], str]] = {
    "split": (training.split_inputs(), training.split_outputs(), training.split_command()),
    "register": (
        training.register_inputs(),
        training.register_outputs(),
        training.register_command(TrainingDefinition()),
    ),
    "evaluate": (training.evaluate_inputs(), {}, training.evaluate_command()),
}
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
  compared_with: {type: string, default: none}
jobs:
  split:
    type: command
    component: SPLIT
    compute: ${{parent.inputs.compute}}
    inputs:
      export: ${{parent.inputs.training_data}}
  train:
    type: automl
    task: image_object_detection
    log_verbosity: info
    primary_metric: mean_average_precision
    compute: ${{parent.inputs.compute}}
    limits: {max_trials: 10, max_concurrent_trials: 5, timeout_minutes: 10080}
    target_column_name: label
    training_data: ${{parent.jobs.split.outputs.training}}
    validation_data: ${{parent.jobs.split.outputs.held_out}}
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
    component: REGISTER
    compute: ${{parent.inputs.compute}}
    inputs:
      model_name: ${{parent.inputs.model_name}}
      dataset_name: ${{parent.inputs.dataset_name}}
      dataset_version: ${{parent.inputs.dataset_version}}
      request_id: ${{parent.inputs.request_id}}
      best_model: ${{parent.jobs.train.outputs.best_model}}
  evaluate:
    type: command
    component: EVALUATE
    compute: ${{parent.inputs.compute}}
    inputs:
      dataset_name: ${{parent.inputs.dataset_name}}
      dataset_version: ${{parent.inputs.dataset_version}}
      compared_with: ${{parent.inputs.compared_with}}
      registered: ${{parent.jobs.register.outputs.registered}}
      held_out: ${{parent.jobs.split.outputs.held_out}}
"""


def test_the_job() -> None:
    wanted = Training(
        name="caps-1",
        request_id="3f9a",
        model_name="Caps",
        export_name="caps_20261120_093011",
        export_version="1",
        cluster="gpu-cluster",
        experiment="spotter",
        requested_by="U1",
        display_name="Caps on caps_20261120_093011",
        compared_with=("Caps:3", "Lids:2"),
        component=Component(
            f"{WORKSPACE.path}/components/spotter_training/versions/7", "spotter_training", "7"
        ),
    )
    from azure.ai.ml import Input
    from azure.ai.ml.entities import PipelineJob, PipelineJobSettings

    ours = body_of(wanted, WORKSPACE)
    assert wanted.component
    job = PipelineJob(
        component=wanted.component.id,
        name="caps-1",
        display_name=wanted.display_name,
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
            "compared_with": "Caps:3,Lids:2",
        },
        settings=PipelineJobSettings(default_compute=f"{WORKSPACE.path}/computes/gpu-cluster"),
    )
    assert ours == job._to_rest_object().as_dict()


def test_the_pipeline_component(tmp_path: Path) -> None:
    theirs = _written_by_the_sdk(tmp_path)
    ours = pipeline_component(TrainingDefinition(), "7", REGISTER_ID)
    for name in ours["inputs"]:
        ours["inputs"][name].pop("description")
    # The SDK writes a step's component inline until it is registered on its own.
    for step in STEPS:
        node = theirs["jobs"][step]
        node["componentId"] = REGISTER_ID.replace("_register", f"_{step}")
        node["_source"] = "REMOTE.WORKSPACE.COMPONENT"
    ours.pop("description")
    assert ours == theirs


def test_the_steps_and_their_code(twin: AzureTwin, twin_id: WorkspaceId, tmp_path: Path) -> None:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import CommandComponent

    publish(twin_id, DEFINITION, "7")
    assets, connection = twin.workspace.assets, Connection.open(twin_id)
    client = MLClient(connection.credential, twin_id.subscription, twin_id.resource_group, twin_id.name)
    for step in _steps(DEFINITION):
        ours = assets.version("components", step.name, "7")
        assert ours
        made = CommandComponent(
            name=step.name,
            version="8",
            display_name=step.title,
            inputs=step.inputs,
            outputs=step.outputs,
            command=step.command,
            code=str(_code(tmp_path / step.name)),
            environment=step.environment,
            is_deterministic=False,
            tags=ours.properties["tags"],
        )
        client.components.create_or_update(made)
        theirs = assets.version("components", step.name, "8")
        assert theirs
        assert theirs.properties["componentSpec"].pop("_source") == "CLASS"
        assert theirs.properties["properties"].pop("client_component_hash")
        theirs.properties["componentSpec"]["version"] = "7"
        # That its code is the same also tells that the SDK has found what was uploaded by what is in it.
        assert ours.properties == theirs.properties
    connection.close()


def test_an_environment_of_the_workspace(twin: AzureTwin, twin_id: WorkspaceId) -> None:
    at = "azureml:" + twin_id.path + "/environments/tools/versions/"
    for version in ("3", "4"):
        image = Version(version, {"image": "tools"})
        twin.workspace.assets.put("environments", "tools", image)
    for published, (named, meant) in enumerate(
        (("azureml:tools:3", at + "3"), ("azureml:tools@latest", at + "4"), (at + "3", at + "3")), 1
    ):
        publish(twin_id, DEFINITION.model_copy(update={"register_environment": named}), str(published))
        step = twin.workspace.assets.version(
            "components", register_component_name(DEFINITION), str(published)
        )
        assert step and step.properties["componentSpec"]["environment"] == meant


def test_the_model() -> None:
    from azure.ai.ml.entities import Model

    uri = "azureml://jobs/caps-1_HD_3/outputs/artifacts/paths/outputs/"
    theirs = (
        Model(name="Caps", version="1", path=uri, type="custom_model")
        ._to_rest_object()
        .as_dict()["properties"]
    )
    assert (theirs["modelUri"], theirs["modelType"]) == (uri, "custom_model")


def _written_by_the_sdk(folder: Path) -> dict[str, Any]:
    from azure.ai.ml import load_component

    definition = TrainingDefinition()
    source = AS_YAML
    for step, (inputs, outputs, command) in STEPS.items():
        component = folder / f"{step}.yml"
        component.write_text(
            f"type: command\nname: spotter_training_{step}\nversion: '7'\n"
            f"inputs: {json.dumps(inputs)}\noutputs: {json.dumps(outputs)}\n"
            f"command: >-\n  {command}\nenvironment: {definition.register_environment}\n"
        )
        source = source.replace(step.upper(), f"./{component.name}")
    loaded = load_component(StringIO(source), relative_origin=str(folder / "pipeline.yml"))
    assert loaded._validate().passed
    spec: dict[str, Any] = loaded._to_rest_object().as_dict()["properties"]["componentSpec"]
    return spec
