"""The workspace's labeling projects as last seen, and which exports are theirs."""

import json
import re
from dataclasses import asdict

from sqlalchemy import Connection

from commands.exports import readiness
from commands.kit.services import Services
from infra.azureml.labeling import LabelingProject
from storage import catalog, marks

PROJECTS = "labeling.projects"
_BETWEEN = re.compile(r"[^a-z0-9]+")


def known_projects(tx: Connection, containing: str = "") -> list[LabelingProject]:
    """By title; none where the workspace does not show them."""
    projects = [LabelingProject(**told) for told in json.loads(marks.get(tx, PROJECTS) or "[]")]
    return [project for project in projects if containing.lower() in project.title.lower()]


def read_projects(services: Services) -> None:
    """One list call."""
    found = services.azure.labeling_projects() or []
    told = json.dumps([asdict(project) for project in found])
    marks.keep(services.store, PROJECTS, told, services.clock.now())


def belongs(export_name: str, title: str) -> bool:
    """Whether an export called NAME_DATE_TIME is of the project with this title, which may have spaces and the like."""
    return _letters(readiness.project(export_name)) == _letters(title)


def new_pictures(tx: Connection, project: LabelingProject) -> int | None:
    """How many more pictures are labelled than the project's newest export holds; None where that cannot be told."""
    for row in catalog.list_exports(tx):
        if belongs(row.name, project.title):
            found = readiness.counted(row)
            return project.labelled - found.images if found else None
    return None


def _letters(name: str) -> str:
    return _BETWEEN.sub("_", name.lower()).strip("_")
