"""Publishing the training pipeline: the code and component of each step, then the pipeline component."""

import hashlib
import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from importlib.resources import as_file, files
from itertools import takewhile
from pathlib import Path
from typing import Any

from azure.core.credentials import TokenCredential

from infra.azureml.code import registered
from infra.azureml.components import API
from infra.azureml.connection import Connection, WorkspaceId
from infra.http.errors import NotFound
from infra.http.fields import text
from infra.training import component
from infra.training.definition import TrainingDefinition

CONTENT_TAG = "spotter_content"
# Those of registries and curated ones are understood as they are.
OWN_ENVIRONMENT = re.compile(r"azureml:(?!AzureML-)(?P<name>[^/:@]+)(?::(?P<version>[^/:@]+)|@latest)")
STEP_CODE = (
    "infra.training.prepare",
    "infra.training.split",
    "infra.training.register",
    "infra.training.evaluate",
    "infra.training.job",
    "infra.edge.module.model",
)


@dataclass(frozen=True)
class PublishedComponent:
    """A published version. `created` is false where the same content was there under this version before."""

    id: str
    name: str
    version: str
    created: bool


class PublishedDifferentlyError(Exception):
    """The version exists with other content; versions never change, so another one is needed."""


def publish(
    workspace: WorkspaceId,
    definition: TrainingDefinition,
    version: str,
    credential: TokenCredential | None = None,
) -> PublishedComponent:
    """Registers what trainings need: the steps, and the pipeline of them unless graphs are sent inline.

    The same content twice is published once.

    Raises PublishedDifferentlyError where the version is taken by other content, and `infra.azureml.errors.AzureError`.
    """
    connection = Connection.open(workspace, credential)
    try:
        with tempfile.TemporaryDirectory() as folder:
            steps, code = _steps(definition), _code(Path(folder))
            content = _fingerprint(definition, steps, code)
            return _publish(connection, definition, version, steps, code, content)
    finally:
        connection.close()


def content_of(definition: TrainingDefinition) -> str:
    """What a component that this Spotter publishes from this definition carries as its tag `CONTENT_TAG`."""
    with tempfile.TemporaryDirectory() as folder:
        return _fingerprint(definition, _steps(definition), _code(Path(folder)))


@dataclass(frozen=True)
class _Step:
    """A command component of its own: what it runs, and on what."""

    name: str
    title: str
    command: str
    inputs: dict[str, dict[str, str]]
    outputs: dict[str, dict[str, str]]
    environment: str


def _steps(definition: TrainingDefinition) -> tuple[_Step, ...]:
    """The one that a training submitted with its graph asks for comes last: when it is there, all are."""
    plain = definition.register_environment
    prepare = _Step(
        component.prepare_component_name(definition),
        "Prepare a COCO export for training",
        component.prepare_command(),
        component.prepare_inputs(),
        component.prepare_outputs(),
        plain,
    )
    split = _Step(
        component.split_component_name(definition),
        "Hold out pictures to measure on",
        component.split_command(),
        component.split_inputs(),
        component.split_outputs(),
        plain,
    )
    evaluate = _Step(
        component.evaluate_component_name(definition),
        "Measure the model beside those it may replace",
        component.evaluate_command(),
        component.evaluate_inputs(),
        {},
        definition.evaluate_environment,
    )
    register = _Step(
        component.register_component_name(definition),
        "Register the best model",
        component.register_command(definition),
        component.register_inputs(),
        component.register_outputs(),
        plain,
    )
    return prepare, split, evaluate, register


def _publish(
    connection: Connection,
    definition: TrainingDefinition,
    version: str,
    steps: tuple[_Step, ...],
    code: Path,
    content: str,
) -> PublishedComponent:
    name = component.needed_component(definition)
    if _is_there(connection, name, version, content):
        return PublishedComponent(_id(connection, name, version), name, version, created=False)
    missing = [step for step in steps if not _is_there(connection, step.name, version, content)]
    uploaded = registered(connection, code) if missing else ""
    for step in missing:
        _publish_step(connection, step, uploaded, version, content)
    register = component.register_component_name(definition)
    if name == register:  # sent inline, the graph itself is not published
        return PublishedComponent(_id(connection, name, version), name, version, created=True)
    spec = component.pipeline_component(definition, version, _id(connection, register, version))
    about = {"componentSpec": spec, "description": spec["description"], "tags": {CONTENT_TAG: content}}
    told = _put(connection, name, version, about)
    return PublishedComponent(text(told, "id") or _id(connection, name, version), name, version, created=True)


def _publish_step(connection: Connection, step: _Step, code: str, version: str, content: str) -> None:
    """`code` is the ARM id of what it runs."""
    tags = {CONTENT_TAG: content}
    spec = {
        "type": "command",
        "name": step.name,
        "version": version,
        "display_name": step.title,
        "inputs": step.inputs,
        **({"outputs": step.outputs} if step.outputs else {}),
        "command": step.command,
        "code": f"azureml:{code}",
        "environment": _environment(connection, step.environment),
        "is_deterministic": False,
        "tags": tags,
    }
    _put(connection, step.name, version, {"componentSpec": spec, "tags": tags})


def _environment(connection: Connection, named: str) -> str:
    """As components name it: one of the workspace, such as `azureml:tools:3`, by its ARM id."""
    own = OWN_ENVIRONMENT.fullmatch(named)
    if own is None:
        return named
    name, version = own["name"], own["version"]
    if version is None:
        told = connection.get(connection.arm("environments", name), api=API)
        version = text(told, "properties", "latestVersion")
    return f"azureml:{connection.workspace.path}/environments/{name}/versions/{version}"


def _put(connection: Connection, name: str, version: str, properties: dict[str, Any]) -> Any:
    body = {"properties": {"isAnonymous": False, "isArchived": False, "properties": {}, **properties}}
    return connection.change("PUT", connection.arm("components", name, "versions", version), body, api=API)


def _is_there(connection: Connection, name: str, version: str, content: str) -> bool:
    """Whether this very content is published. Raises PublishedDifferentlyError."""
    try:
        told = connection.get(connection.arm("components", name, "versions", version), api=API)
    except NotFound:
        return False
    if text(told, "properties", "tags", CONTENT_TAG) != content:
        raise PublishedDifferentlyError(
            f"{name} {version} is published with other content. Published versions never change: take another number."
        )
    return True


def _id(connection: Connection, name: str, version: str) -> str:
    return f"{connection.workspace.path}/components/{name}/versions/{version}"


def _code(folder: Path) -> Path:
    """What the steps run, under the names that it has here, without the rest and what Python leaves beside it."""
    for name in STEP_CODE:
        target = folder.joinpath(*name.split("."))
        package, _, module = name.rpartition(".")
        with as_file(files(package)) as source:
            if (source / module).is_dir():
                shutil.copytree(source / module, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source / f"{module}.py", target.with_suffix(".py"))
        for parent in takewhile(lambda each: each != folder, target.parents):
            (parent / "__init__.py").touch()
    return folder


def _fingerprint(definition: TrainingDefinition, steps: tuple[_Step, ...], code: Path) -> str:
    """Of all that makes the pipeline: its graph, each step's command and environment, and the code."""
    described: Any = [
        component.graph(definition, ""),
        [[step.command, step.inputs, step.outputs, step.environment] for step in steps],
    ]
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    for file in sorted(code.rglob("*.py")):
        digest.update(f"\n{file.relative_to(code).as_posix()}\n".encode() + file.read_bytes())
    return digest.hexdigest()
