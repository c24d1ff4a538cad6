"""The published training pipeline, as the workspace knows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from infra.azureml.connection import Connection
from infra.azureml.errors import NotFound
from infra.http.fields import mapping, moment, sequence, text, texts

API = "2024-01-01-preview"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Component:
    """A component version; `inputs` are the names it takes, empty where the workspace did not say, `spec` all of it."""

    id: str
    name: str
    version: str
    created_at: datetime | None = None
    inputs: frozenset[str] = frozenset()
    tags: dict[str, str] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)


def latest(connection: Connection, name: str) -> Component | None:
    """The version created last, or None where the component was never published."""
    url = connection.arm("components", name, "versions")
    try:
        listed = sequence(connection.get(url, api=API, _orderBy="createdtime desc", _top=1), "value")
    except NotFound:
        return None
    found = [_component_from(connection, name, told) for told in listed]
    return max(found, key=lambda component: component.created_at or _LONG_AGO, default=None)


def is_there(connection: Connection, name: str, version: str) -> bool:
    """Whether this very version was published."""
    try:
        connection.get(connection.arm("components", name, "versions", version), api=API)
    except NotFound:
        return False
    return True


def _component_from(connection: Connection, name: str, told: Any) -> Component:
    version = text(told, "name") or text(told, "id").rpartition("/")[2]
    return Component(
        id=text(told, "id") or f"{connection.workspace.path}/components/{name}/versions/{version}",
        name=name,
        version=version,
        created_at=moment(told, "systemData", "createdAt"),
        inputs=frozenset(mapping(told, "properties", "componentSpec", "inputs")),
        tags=texts(told, "properties", "tags"),
        spec=mapping(told, "properties", "componentSpec"),
    )
