"""The records of a run: stages, checks before them, jobs and tasks, as a tree."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.devops.connection import Connection
from infra.http.fields import decimal, moment, sequence, text, whole


@dataclass(frozen=True)
class Record:
    """One line of a run's timeline. `state` is pending, inProgress or completed; `result` is empty until the end."""

    id: str
    parent: str
    kind: str
    name: str
    state: str
    result: str
    order: int
    percent: float | None
    started_at: datetime | None
    finished_at: datetime | None
    doing: str
    worker: str
    log: int | None
    errors: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Timeline:
    records: Mapping[str, Record]

    def of_kind(self, kind: str) -> list[Record]:
        """In the order in which they run."""
        return sorted(
            (each for each in self.records.values() if each.kind == kind), key=lambda each: each.order
        )

    def path(self, record: Record) -> Iterator[Record]:
        """The record, its parent, and so on up."""
        seen: set[str] = set()
        above: Record | None = record
        while above is not None and above.id not in seen:
            seen.add(above.id)
            yield above
            above = self.records.get(above.parent)

    def below(self, record: Record, kind: str) -> list[Record]:
        """All of a kind below a record, in the order in which they run."""
        return [each for each in self.of_kind(kind) if each is not record and self.is_below(each, record)]

    def is_below(self, record: Record, above: Record) -> bool:
        """Whether `above` is the record itself or somewhere above it."""
        return any(each.id == above.id for each in self.path(record))


def read(connection: Connection, run_id: int) -> Timeline:
    """The timeline of a run; empty for one that has not got that far."""
    told = connection.get(connection.project("build", "builds", run_id, "timeline"))
    records = [record_from(each) for each in sequence(told, "records")]
    return Timeline({record.id: record for record in records})


def record_from(told: Any) -> Record:
    issues = [(text(issue, "type"), _bare(text(issue, "message"))) for issue in sequence(told, "issues")]
    return Record(
        id=text(told, "id"),
        parent=text(told, "parentId"),
        kind=text(told, "type"),
        name=text(told, "name"),
        state=text(told, "state"),
        result=text(told, "result"),
        order=whole(told, "order") or 0,
        percent=decimal(told, "percentComplete"),
        started_at=moment(told, "startTime"),
        finished_at=moment(told, "finishTime"),
        doing=text(told, "currentOperation"),
        worker=text(told, "workerName"),
        log=whole(told, "log", "id"),
        errors=tuple(message for kind, message in issues if kind == "error" and message),
        warnings=tuple(message for kind, message in issues if kind != "error" and message),
    )


def _bare(message: str) -> str:
    return message.removeprefix("##[error]").removeprefix("##[warning]").strip()
