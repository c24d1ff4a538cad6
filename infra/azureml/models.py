"""The model registry: containers that changed, versions, and the figures in their tags."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from infra.azureml.connection import Connection
from infra.azureml.errors import NotFound
from infra.http.fields import decimal, mapping, moment, text, texts, whole
from infra.training.register import model_tags

API = "2023-08-01-preview"


@dataclass(frozen=True)
class Model:
    """A name in the registry; `latest` is its newest version, as text; empty where all were deleted."""

    name: str
    latest: str


@dataclass(frozen=True)
class ModelVersion:
    """One registered version. Figures are between 0 and 1, None where no tag gives them."""

    name: str
    version: int
    created_at: datetime | None
    created_by: str
    uri: str
    type: str
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    job_name: str = ""
    mean_average_precision: float | None = None
    precision: float | None = None
    recall: float | None = None


def changed(connection: Connection, known: Mapping[str, str]) -> list[Model]:
    """Models whose latest version is not the one in `known` (name to version), "" where none is left. One list call."""
    listed = connection.pages(connection.arm("models"), api=API, listViewType="ActiveOnly")
    models = [Model(text(item, "name"), text(item, "properties", "latestVersion")) for item in listed]
    listed_names = {model.name for model in models}
    gone = [Model(name, "") for name in known if name not in listed_names]
    return [model for model in [*models, *gone] if model.name and known.get(model.name) != model.latest]


def versions(connection: Connection, name: str) -> list[ModelVersion]:
    """All versions of a model, newest number first; empty where there is no such model."""
    url = connection.arm("models", name, "versions")
    try:
        found = [version_from(item, name) for item in connection.pages(url, api=API)]
    except NotFound:
        return []
    return sorted((version for version in found if version), key=lambda each: each.version, reverse=True)


def one(connection: Connection, name: str, version: int) -> ModelVersion:
    """Raises NotFound."""
    told = connection.get(connection.arm("models", name, "versions", str(version)), api=API)
    found = version_from(told, name)
    if found is None:
        raise NotFound(f"{name} has no version {version}.")
    return found


def version_from(told: Any, name: str) -> ModelVersion | None:
    """A version from its body; None where its number is not a whole number, as only other kinds of asset have."""
    about = mapping(told, "properties")
    number = whole(text(told, "name") or text(told, "id").rpartition("/")[2])
    if number is None:
        return None
    tags = texts(about, "tags")
    return ModelVersion(
        name=name,
        version=number,
        created_at=moment(told, "systemData", "createdAt"),
        created_by=text(told, "systemData", "createdBy"),
        uri=text(about, "modelUri"),
        type=text(about, "modelType"),
        tags=tags,
        properties=texts(about, "properties"),
        job_name=text(about, "jobName"),
        mean_average_precision=_share(tags, model_tags.MEAN_AVERAGE_PRECISION),
        precision=_share(tags, model_tags.PRECISION),
        recall=_share(tags, model_tags.RECALL),
    )


def _share(tags: Mapping[str, str], tag: str) -> float | None:
    figure = decimal(tags, tag)
    return figure if figure is not None and 0 <= figure <= 1 else None
