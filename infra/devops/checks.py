"""Checks that a resource holds runs up for, such as those of an environment."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.devops.connection import PREVIEW, Connection
from infra.devops.resources import ResourceKind
from infra.http.fields import mapping, text, texts

TASK_CHECK = {"id": "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7", "name": "Task Check"}
INVOKE_REST = {"id": "9c3e8943-130d-4c78-ac63-8af81df62dfb", "name": "InvokeRESTAPI", "version": "1.220.0"}
MINUTES = 60


@dataclass(frozen=True)
class Question:
    """The check "Invoke REST API": `body` is posted to `path` below the address of a service connection. An answer
    of 2xx lets the run on, any other one ends it."""

    title: str
    connection_id: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, str]


@dataclass(frozen=True)
class Asked:
    """A question that an environment asks already."""

    id: int
    question: Question


def on(connection: Connection, kind: ResourceKind, resource_id: str | int) -> list[str]:
    """What kinds of checks a resource has, in DevOps's own words: Approval, Task Check."""
    query = {"resourceType": kind, "resourceId": resource_id}
    return [
        text(told, "type", "name")
        for told in connection.pages(_configurations(connection), query, api=PREVIEW)
    ]


def questions(connection: Connection, environment_id: int) -> list[Asked]:
    """What an environment asks before it lets a run in."""
    query: dict[str, str | int] = {
        "resourceType": "environment",
        "resourceId": environment_id,
        "$expand": "settings",
    }
    found = connection.pages(_configurations(connection), query, api=PREVIEW)
    return [
        Asked(int(told["id"]), _question(mapping(told, "settings")))
        for told in found
        if text(told, "settings", "definitionRef", "id").lower() == INVOKE_REST["id"]
    ]


def ask(connection: Connection, environment_id: int, question: Question) -> None:
    """Makes an environment ask. Twice makes two: look before doing it again."""
    body = {
        "type": TASK_CHECK,
        "settings": _settings(question),
        "resource": {"type": "environment", "id": str(environment_id)},
        "timeout": MINUTES,
    }
    connection.change("POST", _configurations(connection), body, api=PREVIEW)


def ask_instead(connection: Connection, asked: Asked, environment_id: int, question: Question) -> None:
    """Changes what an environment asks. Safe to repeat."""
    body = {
        "id": asked.id,
        "type": TASK_CHECK,
        "settings": _settings(question),
        "resource": {"type": "environment", "id": str(environment_id)},
        "timeout": MINUTES,
    }
    connection.change("PATCH", f"{_configurations(connection)}/{asked.id}", body, api=PREVIEW)


def remove(connection: Connection, asked: Asked) -> None:
    connection.change("DELETE", f"{_configurations(connection)}/{asked.id}", None, api=PREVIEW)


def _settings(question: Question) -> dict[str, Any]:
    return {
        "definitionRef": INVOKE_REST,
        "displayName": question.title,
        "retryInterval": 0,
        "inputs": {
            "serviceConnection": question.connection_id,
            "method": "POST",
            "urlSuffix": question.path,
            "headers": json.dumps({"Content-Type": "application/json", **question.headers}),
            "body": json.dumps(dict(question.body)),
            "waitForCompletion": "false",
        },
    }


def _question(told: Any) -> Question:
    inputs = mapping(told, "inputs")
    headers = texts({"headers": _read(text(inputs, "headers"))}, "headers")
    headers.pop("Content-Type", None)
    return Question(
        title=text(told, "displayName"),
        connection_id=text(inputs, "serviceConnection") or text(inputs, "connectedServiceName"),
        path=text(inputs, "urlSuffix"),
        headers=headers,
        body=texts({"body": _read(text(inputs, "body"))}, "body"),
    )


def _read(written: str) -> Any:
    try:
        return json.loads(written)
    except ValueError:
        return {}


def _configurations(connection: Connection) -> str:
    return connection.project("pipelines", "checks", "configurations")
