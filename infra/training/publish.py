"""Publishing the training pipeline: the code and component of each step, then the pipeline component."""

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from azure.core import exceptions as core
from azure.core.credentials import TokenCredential

from infra.azureml.components import API
from infra.azureml.connection import Connection, WorkspaceId
from infra.http.errors import NotFound, Refused, Unavailable, error_type
from infra.http.fields import text
from infra.http.transport import sign_in_error
from infra.training import component
from infra.training.definition import TrainingDefinition

CONTENT_TAG = "spotter_content"


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
            steps = _steps(definition, Path(folder))
            return _publish(connection, definition, version, steps, _fingerprint(definition, steps))
    finally:
        connection.close()


@dataclass(frozen=True)
class _Step:
    """A command component of its own: what it runs, on what, and the folder that is uploaded with it."""

    name: str
    title: str
    command: str
    inputs: dict[str, dict[str, str]]
    outputs: dict[str, dict[str, str]]
    code: Path


def _steps(definition: TrainingDefinition, folder: Path) -> tuple[_Step, ...]:
    """The one that a pipeline cannot do without comes last: when it is there, all are."""
    prepare = _Step(
        component.prepare_component_name(definition),
        "Prepare a COCO export for training",
        component.prepare_command(),
        component.prepare_inputs(),
        component.prepare_outputs(),
        _code("prepare", folder),
    )
    register = _Step(
        component.register_component_name(definition),
        "Register the best model",
        component.register_command(definition),
        component.register_inputs(),
        {},
        _code("register", folder),
    )
    return prepare, register


def _publish(
    connection: Connection,
    definition: TrainingDefinition,
    version: str,
    steps: tuple[_Step, ...],
    content: str,
) -> PublishedComponent:
    name = component.needed_component(definition)
    if _is_there(connection, name, version, content):
        return PublishedComponent(_id(connection, name, version), name, version, created=False)
    for step in steps:
        if not _is_there(connection, step.name, version, content):
            _publish_step(connection, step, definition.register_environment, version, content)
    register = component.register_component_name(definition)
    if name == register:  # sent inline, the graph itself is not published
        return PublishedComponent(_id(connection, name, version), name, version, created=True)
    spec = component.pipeline_component(definition, version, _id(connection, register, version))
    body = {
        "properties": {
            "componentSpec": spec,
            "description": spec["description"],
            "isAnonymous": False,
            "isArchived": False,
            "properties": {},
            "tags": {CONTENT_TAG: content},
        }
    }
    told = connection.change("PUT", connection.arm("components", name, "versions", version), body, api=API)
    return PublishedComponent(text(told, "id") or _id(connection, name, version), name, version, created=True)


def _publish_step(connection: Connection, step: _Step, environment: str, version: str, content: str) -> None:
    """With Azure's SDK, which knows how code is uploaded."""
    from azure.ai.ml import MLClient  # several seconds to import; only publishing needs it
    from azure.ai.ml.entities import CommandComponent

    at = connection.workspace
    client = MLClient(
        connection.credential, at.subscription, at.resource_group, at.name, enable_telemetry=False
    )
    made = CommandComponent(
        name=step.name,
        version=version,
        display_name=step.title,
        inputs=step.inputs,
        outputs=step.outputs,
        command=step.command,
        code=str(step.code),
        environment=environment,
        is_deterministic=False,
        tags={CONTENT_TAG: content},
    )
    try:
        client.components.create_or_update(made)
    except core.ClientAuthenticationError as fault:
        raise sign_in_error(fault) from fault
    except core.HttpResponseError as fault:
        status = fault.status_code or 0
        raise error_type(status)(fault.message, status=status) from fault
    except core.ServiceRequestError as fault:
        raise Unavailable(f"Azure could not be reached: {fault}") from fault
    except core.AzureError as fault:
        raise Refused(f"{step.name} could not be published: {fault}") from fault


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


def _code(package: str, folder: Path) -> Path:
    """A step's package alone in a folder, without what Python leaves beside it."""
    copied = folder / f"{package}-code" / package
    with as_file(files(f"infra.training.{package}")) as source:
        shutil.copytree(source, copied, ignore=shutil.ignore_patterns("__pycache__"))
    return copied.parent


def _fingerprint(definition: TrainingDefinition, steps: tuple[_Step, ...]) -> str:
    """Of all that makes the pipeline: its graph, and each step's command and code."""
    described: Any = [
        component.graph(definition, ""),
        [[step.command, step.inputs, step.outputs] for step in steps],
        definition.register_environment,
    ]
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    for step in steps:
        for file in sorted(step.code.rglob("*.py")):
            digest.update(f"\n{file.relative_to(step.code).as_posix()}\n".encode() + file.read_bytes())
    return digest.hexdigest()
