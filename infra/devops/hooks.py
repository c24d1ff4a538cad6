"""Service hooks: what Azure DevOps posts when something happens in the project."""

from dataclasses import dataclass
from typing import Any

from infra.devops.connection import Connection
from infra.http.fields import mapping, text, texts

PUBLISHER = "pipelines"
EVENT_VERSION = "5.1-preview.1"
ENABLED = ("enabled", "onProbation")


@dataclass(frozen=True)
class Hook:
    """A subscription for all pipelines of the project. `headers` are lines `Name:value`, as far as they are shown."""

    id: str
    event: str
    url: str
    headers: str
    is_enabled: bool


def hooks(connection: Connection, url: str) -> list[Hook]:
    """Those of the project that post to an address."""
    query = {"publisherId": PUBLISHER, "consumerId": "webHooks", "consumerActionId": "httpRequest"}
    project = _project_id(connection)
    return [
        _hook(told)
        for told in connection.pages(_subscriptions(connection), query)
        if text(told, "consumerInputs", "url") == url and _covers(told, project)
    ]


def create(connection: Connection, event: str, url: str, headers: str) -> None:
    """Posts every such event of the project to an address. Twice makes two: look before doing it again."""
    body = _body(_project_id(connection), event, url, headers)
    connection.change("POST", _subscriptions(connection), body)


def update(connection: Connection, hook: Hook, headers: str) -> None:
    """Gives a hook its headers, and enables it. Safe to repeat."""
    body = _body(_project_id(connection), hook.event, hook.url, headers) | {
        "id": hook.id,
        "status": "enabled",
    }
    connection.change("PUT", connection.organization("hooks", "subscriptions", hook.id), body)


def delete(connection: Connection, hook: Hook) -> None:
    connection.change("DELETE", connection.organization("hooks", "subscriptions", hook.id), None)


def _body(project: str, event: str, url: str, headers: str) -> dict[str, Any]:
    """The least that tells what to look at: news are hints, and what they say is not believed."""
    return {
        "publisherId": PUBLISHER,
        "eventType": event,
        "resourceVersion": EVENT_VERSION,
        "consumerId": "webHooks",
        "consumerActionId": "httpRequest",
        "publisherInputs": {"projectId": project},
        "consumerInputs": {
            "url": url,
            "httpHeaders": headers,
            "resourceDetailsToSend": "minimal",
            "messagesToSend": "none",
            "detailedMessagesToSend": "none",
        },
    }


def _covers(told: Any, project: str) -> bool:
    """Whether it is for all pipelines of this project."""
    given = texts(told, "publisherInputs")
    return given.get("projectId") == project and not given.get("pipelineId")


def _hook(told: Any) -> Hook:
    inputs = mapping(told, "consumerInputs")
    return Hook(
        id=text(told, "id"),
        event=text(told, "eventType"),
        url=text(inputs, "url"),
        headers=text(inputs, "httpHeaders"),
        is_enabled=text(told, "status") in ENABLED,
    )


def _project_id(connection: Connection) -> str:
    return text(connection.get(connection.organization("projects", connection.place.project)), "id")


def _subscriptions(connection: Connection) -> str:
    return connection.organization("hooks", "subscriptions")
