"""Checks that a resource holds runs up for, such as those of an environment or of a service connection.

What a body looks like is Microsoft's own Terraform provider's knowledge; the REST reference leaves it out.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.devops.connection import PREVIEW, Connection
from infra.devops.resources import ResourceKind
from infra.http.answers import NOT_JSON
from infra.http.fields import mapping, text, texts, whole

APPROVAL = "Approval"
TASK_CHECK = {"id": "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7", "name": "Task Check"}
INVOKE_REST = {"id": "9c3e8943-130d-4c78-ac63-8af81df62dfb", "name": "InvokeRESTAPI", "version": "1.220.0"}
BRANCH_CONTROL = {
    "id": "86b05a0c-73e6-4f7d-b3cf-e38f3b39a75b",
    "name": "evaluatebranchProtection",
    "version": "0.0.1",
}
RETRY_MINUTES, MINUTES = 1, 10
"""A no, and no answer, is asked again after a minute: who is asked may be starting anew. Azure Pipelines takes ten
evaluations at most; after these the stage is skipped."""


@dataclass(frozen=True)
class Question:
    """The check "Invoke REST API": `body` is posted to `path` below the address of a service connection. An answer of
    2xx whose JSON meets `criteria` lets the run on; anything else is asked again as long as that is allowed.
    """

    title: str
    connection_id: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, str]
    criteria: str
    retry_minutes: int = RETRY_MINUTES
    minutes: int = MINUTES

    def settings(self) -> dict[str, Any]:
        return {
            "definitionRef": INVOKE_REST,
            "displayName": self.title,
            "retryInterval": self.retry_minutes,
            "inputs": {
                "connectedServiceNameSelector": "connectedServiceName",
                "connectedServiceName": self.connection_id,
                "method": "POST",
                "urlSuffix": self.path,
                "headers": json.dumps({"Content-Type": "application/json", **self.headers}),
                "body": json.dumps(dict(self.body)),
                "successCriteria": self.criteria,
                "waitForCompletion": "false",
            },
        }


@dataclass(frozen=True)
class BranchControl:
    """The check "Branch control": only runs of these branches may use what it stands on."""

    title: str
    branches: tuple[str, ...]
    minutes: int = MINUTES

    def settings(self) -> dict[str, Any]:
        allowed = ", ".join(f"refs/heads/{branch}" for branch in self.branches)
        return {
            "definitionRef": BRANCH_CONTROL,
            "displayName": self.title,
            "inputs": {"allowedBranches": allowed, "ensureProtectionOfBranch": "false"},
        }


@dataclass(frozen=True)
class Standing:
    """A check that a resource has. `kind` is DevOps's own word: Approval, Task Check; `check` is None for those that
    Spotter has no use for.
    """

    id: int
    kind: str
    check: Question | BranchControl | None


def on(connection: Connection, kind: ResourceKind, resource_id: str | int) -> list[Standing]:
    """Every check of a resource."""
    return list(_on(connection, kind, resource_id))


def asks(there: Iterable[Standing], path: str) -> bool:
    """Whether a question is asked whose address ends so."""
    return any(isinstance(each.check, Question) and each.check.path.endswith(path) for each in there)


def lets_in_only(there: Iterable[Standing], branch: str) -> bool:
    """Whether runs of other branches are kept out."""
    return any(isinstance(each.check, BranchControl) and each.check.branches == (branch,) for each in there)


def add(
    connection: Connection, kind: ResourceKind, resource_id: str | int, check: Question | BranchControl
) -> None:
    """Twice makes two: look before doing it again."""
    connection.change("POST", _configurations(connection), _body(kind, resource_id, check), api=PREVIEW)


def change(
    connection: Connection,
    there: Standing,
    kind: ResourceKind,
    resource_id: str | int,
    check: Question | BranchControl,
) -> None:
    """Makes a check that is there another one. Safe to repeat."""
    body = {"id": there.id, **_body(kind, resource_id, check)}
    connection.change("PATCH", f"{_configurations(connection)}/{there.id}", body, api=PREVIEW)


def remove(connection: Connection, there: Standing) -> None:
    connection.change("DELETE", f"{_configurations(connection)}/{there.id}", None, api=PREVIEW)


def _on(connection: Connection, kind: ResourceKind, resource_id: str | int) -> Iterator[Standing]:
    query = {"resourceType": kind, "resourceId": resource_id, "$expand": "settings"}
    for told in connection.pages(_configurations(connection), query, api=PREVIEW):
        yield Standing(int(told["id"]), text(told, "type", "name"), _check(told))


def _body(kind: ResourceKind, resource_id: str | int, check: Question | BranchControl) -> dict[str, Any]:
    return {
        "type": TASK_CHECK,
        "settings": check.settings(),
        "resource": {"type": kind, "id": str(resource_id)},
        "timeout": check.minutes,
    }


def _check(told: Any) -> Question | BranchControl | None:
    definition = text(told, "settings", "definitionRef", "id").lower()
    minutes = whole(told, "timeout") or 0
    if definition == INVOKE_REST["id"]:
        return _question(mapping(told, "settings"), minutes)
    if definition == BRANCH_CONTROL["id"]:
        allowed = text(told, "settings", "inputs", "allowedBranches").split(",")
        branches = tuple(branch.strip().removeprefix("refs/heads/") for branch in allowed)
        return BranchControl(text(told, "settings", "displayName"), branches, minutes)
    return None


def _question(told: Any, minutes: int) -> Question:
    inputs = mapping(told, "inputs")
    headers = texts({"headers": _read(text(inputs, "headers"))}, "headers")
    headers.pop("Content-Type", None)
    return Question(
        title=text(told, "displayName"),
        connection_id=text(inputs, "connectedServiceName") or text(inputs, "serviceConnection"),
        path=text(inputs, "urlSuffix"),
        headers=headers,
        body=texts({"body": _read(text(inputs, "body"))}, "body"),
        criteria=text(inputs, "successCriteria"),
        retry_minutes=whole(told, "retryInterval") or 0,
        minutes=minutes,
    )


def _read(written: str) -> Any:
    try:
        return json.loads(written)
    except NOT_JSON:
        return {}


def _configurations(connection: Connection) -> str:
    return connection.project("pipelines", "checks", "configurations")
