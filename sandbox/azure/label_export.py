"""Exports of a labeling project, as Data Labeling writes them."""

import re
from datetime import datetime
from typing import Any, Literal

from sandbox.azure.assets import Version
from sandbox.azure.labeling import Project
from sandbox.azure.storage import DEFAULT_STORE
from sandbox.azure.times import arm_time, now
from sandbox.azure.workspace import Workspace
from sandbox.line.formats import Workspace as LineWorkspace
from sandbox.line.formats import write_coco, write_mltable

Format = Literal["Dataset", "Coco"]
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]+")


class NothingLabelledError(Exception):
    """There is nothing to export yet."""


def export(workspace: Workspace, project: Project, kind: Format) -> dict[str, Any]:
    """Writes what is labelled now and gives the summary. Raises NothingLabelledError.

    `Dataset` becomes a data asset NAME_DATE_TIME; `Coco` a file in the workspace's own container, and no asset.
    """
    if not project.labelled:
        raise NothingLabelledError(f"Labeling project {project.title} has no labeled data to export.")
    started = now()
    name = f"{_NOT_IN_NAMES.sub('_', project.title)}_{started:%Y%m%d_%H%M%S}"
    made = (
        _as_dataset(workspace, project, name, started)
        if kind == "Dataset"
        else _as_coco(workspace, project, name)
    )
    return {
        "format": kind,
        "labelingJobId": project.name,
        "exportedRowCount": len(project.labelled),
        "startDateTime": arm_time(started),
        "endDateTime": arm_time(now()),
        **made,
    }


def _as_dataset(workspace: Workspace, project: Project, name: str, at: datetime) -> dict[str, str]:
    store = workspace.storage.stores[DEFAULT_STORE]
    there = workspace.assets.container("data", name)
    number = there.next if there else "1"
    path = f"Labeling/export/datasets/{name}/{number}"
    folder = store.path_of(path)
    folder.mkdir(parents=True)
    place = workspace.place
    line = LineWorkspace(place.subscription, place.group, place.workspace)
    write_mltable(folder, project.labelled, project.datastore, line)
    properties = {"dataType": "mltable", "dataUri": place.datastore_uri(store.name, path)}
    made = Version(number, properties, created=at, modified=at, created_by=project.created_by)
    workspace.assets.put("data", name, made)
    return {"labeledAssetName": name}


def _as_coco(workspace: Workspace, project: Project, name: str) -> dict[str, str]:
    store = workspace.storage.stores[DEFAULT_STORE]
    path = f"Labeling/export/coco/{name}.json"
    file = store.path_of(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_coco(file, project.labelled, project.datastore)
    return {"containerName": store.container, "snapshotPath": path}
