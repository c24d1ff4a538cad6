"""What a run does, as the timeline of its build shows it; and its logs."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.azure.times import arm_time, now

BAD = ("failed", "canceled", "abandoned")


@dataclass(eq=False)
class Log:
    id: int
    lines: list[str] = field(default_factory=list)
    created: datetime = field(default_factory=now)
    changed: datetime = field(default_factory=now)

    def write(self, text: str) -> None:
        self.changed = now()
        self.lines.append(f"{arm_time(self.changed)} {text}")


@dataclass(eq=False)
class Record:
    """One line of the timeline. `state`: pending, inProgress, completed."""

    type: str
    name: str
    identifier: str | None = None
    parent: "Record | None" = None
    order: int = 1
    task: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "pending"
    result: str | None = None
    started: datetime | None = None
    finished: datetime | None = None
    percent: int | None = None
    worker: str | None = None
    log: Log | None = None
    issues: list[dict[str, Any]] = field(default_factory=list)
    changed: datetime = field(default_factory=now)

    def begin(self) -> None:
        self.state = "inProgress"
        self.started = self.changed = now()

    def end(self, result: str) -> None:
        if self.state == "completed":
            return
        self.state, self.result = "completed", result
        self.finished = self.changed = now()
        self.percent = None

    def issue(self, kind: str, message: str) -> None:
        """`kind`: error or warning."""
        self.changed = now()
        self.issues.append({"type": kind, "category": "General", "message": message, "data": {}})

    def as_json(self, build_url: str) -> dict[str, Any]:
        log = self.log and {"id": self.log.id, "type": "Container", "url": f"{build_url}/logs/{self.log.id}"}
        task, _, version = self.task.partition("@")
        return {
            "previousAttempts": [],
            "id": self.id,
            "parentId": self.parent.id if self.parent else None,
            "type": self.type,
            "name": self.name,
            "startTime": arm_time(self.started) if self.started else None,
            "finishTime": arm_time(self.finished) if self.finished else None,
            "currentOperation": None,
            "percentComplete": self.percent,
            "state": self.state,
            "result": self.result,
            "resultCode": None,
            "changeId": 1,
            "lastModified": arm_time(self.changed),
            "workerName": self.worker,
            "order": self.order,
            "details": None,
            "errorCount": sum(issue["type"] == "error" for issue in self.issues),
            "warningCount": sum(issue["type"] == "warning" for issue in self.issues),
            "url": None,
            "log": log,
            "task": {"id": self.id, "name": task, "version": f"{version}.0.0"} if version else None,
            "attempt": 1,
            "identifier": self.identifier,
            **({"issues": self.issues} if self.issues else {}),
        }


def worst(results: Sequence[str | None]) -> str:
    """The result of a record whose children ended so."""
    for result in ("canceled", "failed", "succeededWithIssues"):
        if result in results:
            return result
    return "skipped" if results and all(result == "skipped" for result in results) else "succeeded"
