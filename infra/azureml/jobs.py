"""Training jobs: submitted once each, listed together, canceled."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from infra.azureml.components import Component
from infra.azureml.connection import Connection, WorkspaceId, escaped
from infra.azureml.errors import AzureError, NameTaken, NotFound, Refused, Unclear
from infra.http.fields import mapping, moment, text, texts

API = "2024-01-01-preview"
CANCEL_API = "2023-04-01-preview"
NOT_STARTED = frozenset({"NotStarted", "Starting", "Provisioning", "Preparing", "Queued"})
TERMINAL = frozenset({"Completed", "Failed", "Canceled"})

REQUEST_TAG = "spotter_request"
REQUESTED_BY_TAG = "spotter_requested_by"
MODEL_TAG = "spotter_model"
EXPORT_TAG = "spotter_export"
NONE = "none"  # an input may not be empty
_PLAIN = re.compile(r"[A-Za-z0-9._:,-]*")


@dataclass(frozen=True)
class Training:
    """What to train. `component` names the published pipeline; `graph` is its steps, for a workspace that refuses it.

    `name` becomes the job's name, `request_id` the tag by which the job is known to be ours. `compared_with` are models
    in use, as "name:version".
    """

    name: str
    request_id: str
    model_name: str
    export_name: str
    export_version: str
    cluster: str
    experiment: str
    requested_by: str
    compared_with: Sequence[str] = ()
    component: Component | None = None
    graph: Mapping[str, Any] | None = None
    display_name: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """A job as the workspace shows it. `status` is Azure's own word, also one that is new to us."""

    name: str
    status: str
    created_at: datetime | None
    created_by: str
    experiment: str
    display_name: str
    studio_url: str
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def request_id(self) -> str:
        return self.tags.get(REQUEST_TAG, "")

    @property
    def has_ended(self) -> bool:
        return self.status in TERMINAL


def submit(connection: Connection, training: Training) -> Job:
    """Makes the job, once, however often this is called with the same training.

    Raises NameTaken where the name belongs to another request, Refused or Denied where a person must act,
    Unclear where it is not known whether the job exists; calling again is then safe.
    """
    headers = {"x-azureml-token": connection.machine_learning_token()}
    return put_once(
        connection, training.name, body_of(training, connection.workspace), REQUEST_TAG, headers=headers
    )


def put_once(
    connection: Connection,
    name: str,
    body: Mapping[str, Any],
    tag: str,
    headers: Mapping[str, str] | None = None,
) -> Job:
    """Makes the job of this body; by its `tag` it is known to be this one. Raises as `submit`."""
    wanted = str(body["properties"]["tags"][tag])
    try:
        told = connection.change("PUT", connection.arm("jobs", name), body, api=API, headers=headers)
    except (Unclear, Refused) as fault:
        if isinstance(fault, Refused) and not _says_it_exists(fault):
            raise
        return _ours(_look(connection, name, fault), tag, wanted, fault)
    return _ours(job_from(told, name), tag, wanted, None)


def ours(connection: Connection) -> Iterator[Job]:
    """Every job that Spotter submitted, in the order of Azure's list, page by page as they are consumed."""
    url = connection.arm("jobs")
    query = {"jobType": "Pipeline", "tag": REQUEST_TAG, "listViewType": "ActiveOnly"}
    for told in connection.pages(url, api=API, **query):
        job = job_from(told)
        if job.request_id:
            yield job


def one(connection: Connection, name: str) -> Job:
    """A job by name. Raises NotFound."""
    return job_from(connection.get(connection.arm("jobs", name), api=API), name)


def cancel(connection: Connection, name: str) -> None:
    """Asks Azure to stop a job and its steps; the job's status tells when that is done.

    Raises NotFound, Refused where the job has ended, Unclear where asking again is needed (and safe).
    """
    connection.change("POST", connection.arm("jobs", name, "cancel"), api=CANCEL_API)


def body_of(training: Training, workspace: WorkspaceId) -> dict[str, Any]:
    """The body of the PUT, in the form that Azure's own SDK sends it."""
    inputs = inputs_of(training, workspace)
    properties: dict[str, Any] = {
        "jobType": "Pipeline",
        "displayName": training.display_name or training.name,
        "experimentName": training.experiment,
        "isArchived": False,
        "properties": {},
        "outputs": {},
        "jobs": dict(training.graph or {}),
        "tags": {
            **training.tags,
            REQUEST_TAG: training.request_id,
            REQUESTED_BY_TAG: training.requested_by,
            MODEL_TAG: training.model_name,
            EXPORT_TAG: f"{training.export_name}:{training.export_version}",
        },
        "settings": {
            "default_compute": f"{workspace.path}/computes/{training.cluster}",
            "_source": "REMOTE.WORKSPACE.JOB",
        },
    }
    if training.component:
        properties["componentId"] = training.component.id
        if training.component.inputs:
            inputs = {name: entry for name, entry in inputs.items() if name in training.component.inputs}
    return {"name": training.name, "properties": {**properties, "inputs": inputs}}


def inputs_of(training: Training, workspace: WorkspaceId) -> dict[str, Any]:
    """What the training pipeline takes; the names are those that `infra.training.component` declares.

    Raises Refused for names that would lead elsewhere, or would be more than names in a step's command line."""
    data = workspace.path + escaped(["data", training.export_name, "versions", training.export_version])
    literals = {
        "model_name": training.model_name,
        "dataset_name": training.export_name,
        "dataset_version": training.export_version,
        "request_id": training.request_id,
        "compute": training.cluster,
        "compared_with": ",".join(training.compared_with) or NONE,
    }
    for name, literal in literals.items():
        if not _PLAIN.fullmatch(literal):
            raise Refused(f"A training takes no such {name.replace('_', ' ')}.", status=400)
    return {
        "training_data": {"jobInputType": "mltable", "uri": data},
        **{name: {"jobInputType": "literal", "value": literal} for name, literal in literals.items()},
    }


def job_from(told: Any, name: str = "") -> Job:
    about = mapping(told, "properties")
    return Job(
        name=text(told, "name") or name,
        status=text(about, "status") or "NotStarted",
        created_at=moment(told, "systemData", "createdAt"),
        created_by=text(told, "systemData", "createdBy"),
        experiment=text(about, "experimentName"),
        display_name=text(about, "displayName"),
        studio_url=text(about, "services", "Studio", "endpoint"),
        tags=texts(about, "tags"),
    )


def _says_it_exists(fault: Refused) -> bool:
    return (
        fault.status == 409
        or "JobPropertyImmutable" in fault.codes
        or "job with this name already exists" in fault.message.lower()
    )


def _look(connection: Connection, name: str, fault: AzureError) -> Job:
    """The job that a PUT may have made; raises Unclear where even that cannot be told now."""
    try:
        return one(connection, name)
    except NotFound:
        raise Unclear(f"Azure does not show job {name} (yet): {fault.message}") from fault
    except AzureError as blind:
        raise Unclear(f"Whether job {name} was made is not known: {blind.message}") from fault


def _ours(job: Job, tag: str, wanted: str, fault: AzureError | None) -> Job:
    if job.tags.get(tag) != wanted:
        raise NameTaken(f"A job called {job.name} is there already and belongs to something else.") from fault
    return job
