"""Pipelines and their runs. A run of the pipelines API and a build of the build API are the same thing."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.azure.times import now
from sandbox.devops.identities import Identity
from sandbox.devops.pipeline.definition import Plan
from sandbox.devops.repository import Commit
from sandbox.devops.timeline import Log, Record


@dataclass(eq=False)
class Pipeline:
    """`path` is the YAML file below the root of the repository; `folder` is written with backslashes."""

    id: int
    name: str
    folder: str
    path: str
    revision: int = 1
    created: datetime = field(default_factory=now)


@dataclass(eq=False)
class Build:
    """`status`: notStarted, inProgress, cancelling, completed. `result`: succeeded, partiallySucceeded, failed,
    canceled."""

    id: int
    number: str
    pipeline: Pipeline
    branch: str
    commit: Commit
    given: dict[str, str]
    """Template parameters as the caller wrote them."""
    plan: Plan
    reason: str
    requested_for: Identity
    status: str = "notStarted"
    result: str | None = None
    queued: datetime = field(default_factory=now)
    started: datetime | None = None
    finished: datetime | None = None
    changed: datetime = field(default_factory=now)
    tags: list[str] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    logs: list[Log] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What is wrong with the YAML of a run that a push has started."""
    plan_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def over(self) -> bool:
        return self.status == "completed"

    @property
    def state(self) -> str:
        """As the pipelines API calls it."""
        return {"completed": "completed", "cancelling": "canceling"}.get(self.status, "inProgress")

    def add(self, record: Record) -> Record:
        self.records.append(record)
        return record

    def new_log(self) -> Log:
        log = Log(len(self.logs) + 1)
        self.logs.append(log)
        return log

    def record_of(self, kind: str, name: str) -> Record | None:
        """The record of a type (`Stage`, `Job`, `Task`, …) with this name."""
        return next((r for r in self.records if r.type == kind and r.name == name), None)
