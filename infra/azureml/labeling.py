"""Labeling projects, which Azure calls labeling jobs, and exports of what people have drawn in them.

Only preview versions of the API have them, and not every workspace shows them.
"""

import logging
from dataclasses import dataclass
from typing import Any

from infra.azureml.connection import Connection
from infra.azureml.errors import Denied, NotFound, Refused, Unavailable, Unclear
from infra.http.answers import NOT_JSON
from infra.http.fields import mapping, text, whole
from infra.http.safety import is_same_host
from infra.http.types import HttpResponse

API = "2024-01-01-preview"
DATASET = "Dataset"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelingProject:
    """A project in which people draw boxes. `id` names it in Azure, `title` in the studio; counts are pictures."""

    id: str
    title: str
    labelled: int
    skipped: int
    total: int


@dataclass(frozen=True)
class LabelExport:
    """An export that Azure makes: the address at which it tells how far it is, or what came of it.

    `asset` is the data asset that it made, empty where Azure does not say.
    """

    operation: str = ""
    done: bool = False
    asset: str = ""


def projects(connection: Connection) -> list[LabelingProject] | None:
    """All projects for boxes, by title; None where the workspace or this identity's role does not show them."""
    try:
        found = [_project(told) for told in connection.pages(connection.arm("labelingJobs"), api=API)]
    except (NotFound, Refused, Denied) as fault:
        if fault.status == 401:
            raise
        log.info("Labeling projects are not available: %s", fault)
        return None
    return sorted((project for project in found if project), key=lambda project: project.title.lower())


def start_export(connection: Connection, project: str) -> LabelExport:
    """Asks for an export as data asset. Every call makes another one, so it is sent once.

    Raises Unclear where it is not known whether Azure has begun, NotFound, Denied, Refused, Throttled where it has not.
    """
    url = connection.arm("labelingJobs", project, "exportLabels")
    body = {"format": DATASET}
    try:
        response = connection.send("POST", url, params={"api-version": API}, json=body, once=True)
    except Unavailable as fault:
        raise Unclear(f"{fault.message} The export may have begun.", status=fault.status) from fault
    return _export(connection, response)


def look_at_export(connection: Connection, operation: str) -> LabelExport:
    """How far an export is. Raises Refused where it failed, NotFound where Azure has forgotten it."""
    return _export(connection, connection.send("GET", operation), operation)


def _export(connection: Connection, response: HttpResponse, operation: str = "") -> LabelExport:
    if response.status_code == 202:
        following = response.headers.get("Location", "") or operation
        return LabelExport(following if is_same_host(following, connection.cloud.resource_manager) else "")
    try:
        summary = response.json() if response.content else {}
    except NOT_JSON:
        summary = {}
    return LabelExport(operation, done=True, asset=text(summary, "labeledAssetName"))


def _project(told: Any) -> LabelingProject | None:
    """None for projects whose pictures are classified or whose texts are labelled: there are no boxes to train on."""
    about = mapping(told, "properties")
    media = mapping(about, "labelingJobMediaProperties")
    boxes = text(media, "annotationType") or "BoundingBox"
    if text(media, "mediaType") not in ("Image", "") or boxes != "BoundingBox" or about.get("isArchived"):
        return None
    name = text(told, "name")
    progress = mapping(about, "progressMetrics")
    return LabelingProject(
        id=name,
        title=text(about, "displayName") or name,
        labelled=whole(progress, "completedDatapointCount") or 0,
        skipped=whole(progress, "skippedDatapointCount") or 0,
        total=whole(progress, "totalDatapointCount") or 0,
    )
