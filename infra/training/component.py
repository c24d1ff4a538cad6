"""The training pipeline's graph, in the form that Azure ML stores and runs.

One graph serves both ways of running it: published as a versioned pipeline component, or sent along with a job
where a workspace refuses AutoML inside components.
"""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from infra.training.definition import EarlyTermination, Range, TrainingDefinition, Uniform
from infra.training.register.run_tree import TRAIN_STEP

SPLIT_STEP, REGISTER_STEP, EVALUATE_STEP = "split", "register", "evaluate"
SCHEMA = "https://azuremlschemas.azureedge.net/latest/pipelineComponent.schema.json"
TEXT_INPUTS = {
    "model_name": "Name under which the model is registered",
    "dataset_name": "Name of the labeling export",
    "dataset_version": "Version of the labeling export",
    "request_id": "Who asked: a request is registered once",
    "compute": "Name of the GPU cluster",
    "compared_with": "Registered models in use as name:version, with commas, or none",
}
REGISTER_INPUTS = ("model_name", "dataset_name", "dataset_version", "request_id")
EVALUATE_INPUTS = ("dataset_name", "dataset_version", "compared_with")


def register_component_name(definition: TrainingDefinition) -> str:
    return f"{definition.component}_register"


def split_component_name(definition: TrainingDefinition) -> str:
    return f"{definition.component}_split"


def evaluate_component_name(definition: TrainingDefinition) -> str:
    return f"{definition.component}_evaluate"


def prepare_component_name(definition: TrainingDefinition) -> str:
    """The component that turns a COCO export into an MLTable; it runs by itself, before any training."""
    return f"{definition.component}_prepare"


def needed_component(definition: TrainingDefinition) -> str:
    """The component that must be published before a training can be submitted."""
    inline = definition.submit_as == "inline"
    return register_component_name(definition) if inline else definition.component


def pipeline_component(
    definition: TrainingDefinition, version: str, register_component_id: str
) -> dict[str, Any]:
    """The `componentSpec` of the pipeline component."""
    return {
        "$schema": SCHEMA,
        "type": "pipeline",
        "name": definition.component,
        "version": version,
        "display_name": "Train and register a detection model",
        "description": "Searches object detection models with AutoML for Images and registers the best one.",
        "inputs": {
            "training_data": {"type": "mltable", "description": "The labeling export"},
            **{name: {"type": "string", "description": about} for name, about in TEXT_INPUTS.items()},
            "compared_with": {
                "type": "string",
                "default": "none",
                "description": TEXT_INPUTS["compared_with"],
            },
        },
        "jobs": graph(definition, register_component_id),
        "_source": "YAML.COMPONENT",
        "sourceJobId": None,
    }


def graph(definition: TrainingDefinition, register_component_id: str) -> dict[str, Any]:
    """The steps: the component's, or an inline job's `jobs`. All are published under the register step's version."""

    def published(name: str) -> str:
        head, _, tail = register_component_id.rpartition(f"/{register_component_name(definition)}/")
        return f"{head}/{name}/{tail}"

    return {
        SPLIT_STEP: split_step(published(split_component_name(definition))),
        TRAIN_STEP: train_step(definition),
        REGISTER_STEP: register_step(register_component_id),
        EVALUATE_STEP: evaluate_step(published(evaluate_component_name(definition))),
    }


def split_step(component_id: str) -> dict[str, Any]:
    """Parts the export, so that every version is measured on pictures that no version learns from."""
    return _command_step(SPLIT_STEP, component_id, {"export": "${{parent.inputs.training_data}}"})


def train_step(definition: TrainingDefinition) -> dict[str, Any]:
    """The AutoML image object detection node."""
    sweep: dict[str, Any] = {"sampling_algorithm": definition.sampling}
    if definition.early_termination:
        sweep["early_termination"] = _bandit(definition.early_termination)
    return {
        "name": TRAIN_STEP,
        "type": "automl",
        "task": "image_object_detection",
        "primary_metric": "mean_average_precision",
        "log_verbosity": "info",
        "compute": "${{parent.inputs.compute}}",
        "training_data": f"${{{{parent.jobs.{SPLIT_STEP}.outputs.training}}}}",
        "validation_data": f"${{{{parent.jobs.{SPLIT_STEP}.outputs.held_out}}}}",
        "target_column_name": definition.target_column,
        "limits": {
            "max_trials": definition.max_trials,
            "max_concurrent_trials": definition.max_concurrent_trials,
            "timeout_minutes": definition.timeout_minutes,
        },
        "sweep": sweep,
        "training_parameters": dict(definition.training_parameters),
        "search_space": [
            {name: expression(entry) for name, entry in space.items()} for space in definition.search_space
        ],
        "outputs": {"best_model": {"job_output_type": "mlflow_model"}},
        "tags": {},
        "properties": {},
    }


def register_step(component_id: str) -> dict[str, Any]:
    """It takes `best_model` only to run after the training."""
    best = f"${{{{parent.jobs.{TRAIN_STEP}.outputs.best_model}}}}"
    return _command_step(REGISTER_STEP, component_id, {**_given(REGISTER_INPUTS), "best_model": best})


def evaluate_step(component_id: str) -> dict[str, Any]:
    """Measures the new version beside those that it may replace."""
    bound = {
        "registered": f"${{{{parent.jobs.{REGISTER_STEP}.outputs.registered}}}}",
        "held_out": f"${{{{parent.jobs.{SPLIT_STEP}.outputs.held_out}}}}",
    }
    return _command_step(EVALUATE_STEP, component_id, {**_given(EVALUATE_INPUTS), **bound})


def _given(names: Sequence[str]) -> dict[str, str]:
    return {name: f"${{{{parent.inputs.{name}}}}}" for name in names}


def _command_step(name: str, component_id: str, bound: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": name,
        "type": "command",
        "computeId": "${{parent.inputs.compute}}",
        "componentId": component_id,
        "inputs": {key: {"job_input_type": "literal", "value": value} for key, value in bound.items()},
        "_source": "REMOTE.WORKSPACE.COMPONENT",
    }


def split_inputs() -> dict[str, dict[str, str]]:
    return {"export": {"type": "mltable"}}


def split_outputs() -> dict[str, dict[str, str]]:
    return {"training": {"type": "mltable"}, "held_out": {"type": "mltable"}}


def split_command() -> str:
    given = "--export '${{inputs.export}}'"
    made = "--training '${{outputs.training}}' --held-out '${{outputs.held_out}}'"
    return f"python -m infra.training.split.split {given} {made}"


def register_inputs() -> dict[str, dict[str, str]]:
    """What the register step's own component takes."""
    given = {name: {"type": "string"} for name in REGISTER_INPUTS}
    return {**given, "best_model": {"type": "mlflow_model"}}


def register_outputs() -> dict[str, dict[str, str]]:
    """The folder that says as what the model was registered."""
    return {"registered": {"type": "uri_folder"}}


def register_command(definition: TrainingDefinition) -> str:
    """The register step's command line; inputs are validated names, and quoted all the same."""
    given = " ".join(f"--{name.replace('_', '-')} '${{{{inputs.{name}}}}}'" for name in REGISTER_INPUTS)
    made = "--registered '${{outputs.registered}}'"
    named = f"--framework {shlex.quote(definition.framework)}"
    return f"python -m infra.training.register.register {given} {made} {named}"


def evaluate_inputs() -> dict[str, dict[str, str]]:
    given = {name: {"type": "string"} for name in EVALUATE_INPUTS}
    return {**given, "registered": {"type": "uri_folder"}, "held_out": {"type": "mltable"}}


def evaluate_command() -> str:
    read = "--registered '${{inputs.registered}}' --held-out '${{inputs.held_out}}'"
    dataset = "--dataset '${{inputs.dataset_name}}:${{inputs.dataset_version}}'"
    others = "--compared-with '${{inputs.compared_with}}'"
    return f"python -m infra.training.evaluate.evaluate {read} {dataset} {others}"


def prepare_inputs() -> dict[str, dict[str, str]]:
    """What the prepare component takes: the COCO export, and its address for pictures that lie beside it."""
    return {"export": {"type": "uri_folder"}, "address": {"type": "string"}}


def prepare_outputs() -> dict[str, dict[str, str]]:
    return {"prepared": {"type": "mltable"}}


def prepare_command() -> str:
    given = "--export '${{inputs.export}}' --address '${{inputs.address}}' --prepared '${{outputs.prepared}}'"
    return f"python -m infra.training.prepare.prepare {given}"


def expression(entry: Range) -> str:
    """A search space entry as Azure writes it: `choice('small','medium')`, `uniform(0.0001,0.01)`."""
    if isinstance(entry, Uniform):
        low, high = entry.uniform
        return f"uniform({low:g},{high:g})"
    values = [entry] if isinstance(entry, bool | int | float | str) else entry
    return f"choice({','.join(repr(value) for value in values)})"


def _bandit(policy: EarlyTermination) -> dict[str, Any]:
    return {
        "type": "bandit",
        "evaluation_interval": policy.evaluation_interval,
        "slack_factor": policy.slack_factor,
        "slack_amount": 0.0,
        "delay_evaluation": policy.delay_evaluation,
    }
