"""Where a run is: its stages with their jobs, and what those wait for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from infra.devops import timeline
from infra.devops.connection import Connection
from infra.devops.timeline import Record, Timeline

CHECKPOINT = "Checkpoint."
NAMELESS = "__default"

HoldKind = Literal["approval", "permission", "lock", "check", "agent"]


@dataclass(frozen=True)
class Hold:
    """What a stage or job waits for. `id` is the approval's if it is one; `words` is what DevOps says."""

    kind: HoldKind
    id: str = ""
    name: str = ""
    words: str = ""


@dataclass(frozen=True)
class Job:
    """`percent` is 0 to 100. `task` is the name of the one under way. `state` and `result` as in a stage."""

    name: str
    state: str
    result: str
    percent: int
    task: str
    started_at: datetime | None
    finished_at: datetime | None
    hold: Hold | None


@dataclass(frozen=True)
class Stage:
    """`state` is pending, inProgress or completed.

    `result` is empty until the end, then succeeded, succeededWithIssues, failed, canceled, skipped or abandoned.
    `holds` is what the stage itself or its jobs wait for.
    """

    id: str
    name: str
    state: str
    result: str
    percent: int
    started_at: datetime | None
    finished_at: datetime | None
    jobs: tuple[Job, ...]
    holds: tuple[Hold, ...]


def of_run(connection: Connection, run_id: int) -> tuple[Stage, ...]:
    """The stages of a run in their order; empty for one that has not got that far."""
    told = timeline.read(connection, run_id)
    return tuple(_stage(told, record) for record in told.of_kind("Stage"))


def _stage(told: Timeline, record: Record) -> Stage:
    jobs = tuple(_job(told, job) for job in told.below(record, "Job"))
    checks = [
        each
        for each in told.records.values()
        if each.kind.startswith(CHECKPOINT) and each.state != "completed" and told.is_below(each, record)
    ]
    # A job whose stage has ended waits for nothing, whatever its own record still says.
    waiting = (
        () if record.state == "completed" else (*(_check(each) for each in checks), *(j.hold for j in jobs))
    )
    return Stage(
        id=record.id,
        name=_name(record, jobs),
        state=record.state,
        result=record.result,
        percent=_percent(record, [job.percent for job in jobs]),
        started_at=record.started_at,
        finished_at=record.finished_at,
        jobs=jobs,
        holds=tuple(hold for hold in waiting if hold),
    )


def _job(told: Timeline, record: Record) -> Job:
    tasks = told.below(record, "Task")
    done = [100 if task.state == "completed" else 0 for task in tasks]
    return Job(
        name=record.name,
        state=record.state,
        result=record.result,
        percent=_percent(record, done),
        task=next((task.name for task in tasks if task.state == "inProgress"), ""),
        started_at=record.started_at,
        finished_at=record.finished_at,
        hold=_agent(told, record),
    )


def _agent(told: Timeline, record: Record) -> Hold | None:
    """A job waits for an agent when it could run: it says so, or its stage's turn has come and no other job's has."""
    if record.state != "pending":
        return None
    words = " ".join(
        dict.fromkeys([*record.errors, *record.warnings, *([record.doing] if record.doing else [])])
    )
    above = told.records.get(record.parent)
    is_due = above is not None and above.state == "inProgress"
    if is_due and above is not None and above.kind == "Stage":
        is_due = not any(job.state == "inProgress" for job in told.below(above, "Job"))
    return Hold("agent", name=record.name, words=words) if words or is_due else None


def _check(record: Record) -> Hold:
    kinds: dict[str, HoldKind] = {
        "Approval": "approval",
        "Authorization": "permission",
        "ExclusiveLock": "lock",
    }
    name = record.kind.removeprefix(CHECKPOINT)
    words = " ".join([*record.errors, *record.warnings])
    return Hold(kinds.get(name, "check"), id=record.id, name=_check_name(record.name, name), words=words)


def _check_name(given: str, kind: str) -> str:
    return "" if given.startswith(CHECKPOINT) or given == kind else given


def _name(record: Record, jobs: tuple[Job, ...]) -> str:
    """A pipeline without stages has one that DevOps calls __default; its first job's name says more."""
    if record.name not in ("", NAMELESS):
        return record.name
    return jobs[0].name if jobs else "Run"


def _percent(record: Record, parts: list[int]) -> int:
    if record.state == "completed":
        return 100
    if record.percent:
        return max(0, min(99, round(record.percent)))
    return min(99, sum(parts) // len(parts)) if parts else 0
