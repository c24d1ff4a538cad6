"""Jobs that turn a COCO export into the MLTable that AutoML reads; Azure makes a data asset of what they write."""

import re
from dataclasses import dataclass
from typing import Any

from infra.azureml.components import Component
from infra.azureml.connection import Connection, WorkspaceId
from infra.azureml.errors import Refused
from infra.azureml.jobs import Job, put_once
from infra.http.fields import text

PREPARES_TAG = "spotter_prepares"
EXPERIMENT = "spotter-prepare"
VERSION = "1"
_ENDS_AN_ARGUMENT = re.compile(r"['\x00-\x1f\x7f]|\$\{\{")
_EXPORT = re.compile(r"(.+?)(_\d{8}_\d{6})")


@dataclass(frozen=True)
class Preparation:
    """`name` becomes the job's name, `target` that of the data asset. `component` is the published prepare step."""

    name: str
    export_name: str
    export_version: str
    export_uri: str
    target: str
    cluster: str
    component: Component


def prepared_name(export_name: str) -> str:
    """The data asset that an export is prepared as: NAME_DATE_TIME becomes NAME_prepared_DATE_TIME."""
    found = _EXPORT.fullmatch(export_name)
    return f"{found[1]}_prepared{found[2]}" if found else f"{export_name}_prepared"


def submit(connection: Connection, preparation: Preparation) -> Job:
    """Makes the job, once, however often this is called with the same preparation. Raises as `jobs.submit`."""
    return put_once(connection, preparation.name, body_of(preparation, connection.workspace), PREPARES_TAG)


def body_of(preparation: Preparation, workspace: WorkspaceId) -> dict[str, Any]:
    """The body of the PUT: a command job with what the component says, as Azure's SDK runs a component by itself.

    Raises Refused for an address that would be more than that in the command line."""
    if _ENDS_AN_ARGUMENT.search(preparation.export_uri):
        raise Refused("The address of this export has characters that no command line takes.", status=400)
    spec = preparation.component.spec
    is_file = preparation.export_uri.lower().endswith(".json")
    properties = {
        "jobType": "Command",
        "displayName": f"Prepare {preparation.export_name}",
        "experimentName": EXPERIMENT,
        "isArchived": False,
        "properties": {},
        "tags": {PREPARES_TAG: f"{preparation.export_name}:{preparation.export_version}"},
        "command": text(spec, "command"),
        "codeId": text(spec, "code").removeprefix("azureml:"),
        "environmentId": _environment(text(spec, "environment")),
        "computeId": f"{workspace.path}/computes/{preparation.cluster}",
        "inputs": {
            "export": {
                "jobInputType": "uri_file" if is_file else "uri_folder",
                "mode": "ReadOnlyMount",
                "uri": preparation.export_uri,
            },
            "address": {"jobInputType": "literal", "value": preparation.export_uri},
        },
        "outputs": {
            "prepared": {
                "jobOutputType": "mltable",
                "mode": "ReadWriteMount",
                "assetName": preparation.target,
                "assetVersion": VERSION,
            }
        },
    }
    return {"name": preparation.name, "properties": properties}


def _environment(given: str) -> str:
    """Registries keep their scheme; an environment of the workspace is named by its ARM id."""
    return given if given.startswith("azureml://") else given.removeprefix("azureml:")
