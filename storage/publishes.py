"""Publish runs, asked for here or started elsewhere, and the branches that can be published."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from storage.rows import Rows
from storage.tables import branches, publish_runs

OPEN = ("requested", "queueing", "queued", "running", "completed")
ENDED = ("published", "failed", "canceled", "lost")


@dataclass(frozen=True)
class PublishRun:
    """One run of the publish pipeline. `id` is also its correlation id in Azure DevOps, `run_id` DevOps's own number.

    States go requested → queueing → queued → running → completed → published, or end in failed, canceled or lost.
    `elsewhere`: started in DevOps by a push or by hand, then `requested_by` is None. `sent_at` is when it was last
    asked to be queued, `version` the component version that it made.
    """

    id: str
    request_id: str
    state: str
    elsewhere: bool
    pipeline: str
    branch: str
    requested_by_name: str
    channel: str
    requested_at: datetime
    requested_by: str | None = None
    commit_id: str | None = None
    commit_title: str | None = None
    commit_author: str | None = None
    commit_at: datetime | None = None
    sent_at: datetime | None = None
    run_id: int | None = None
    run_name: str | None = None
    run_url: str | None = None
    reason: str | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    status: str | None = None
    stages: list[dict[str, Any]] | None = None
    waiting: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None
    trouble: str | None = None
    tries: int = 0
    next_try_at: datetime | None = None
    cancel_by: str | None = None
    cancel_sent_at: datetime | None = None
    missing_since: datetime | None = None
    version: str | None = None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


@dataclass(frozen=True)
class BranchRow:
    """A branch and its last commit; title, author and time are None where they were not read yet."""

    name: str
    commit_id: str
    seen_at: datetime
    commit_title: str | None = None
    commit_author: str | None = None
    commit_at: datetime | None = None
    commit_url: str | None = None


_rows, _branches = Rows(publish_runs, PublishRun), Rows(branches, BranchRow)
_OPEN = select(publish_runs).where(publish_runs.c.state.in_(OPEN)).order_by(publish_runs.c.requested_at)
_ENDED_SINCE = (
    select(publish_runs)
    .where(publish_runs.c.ended_at >= bindparam("since"))
    .order_by(publish_runs.c.ended_at.desc())
    .limit(bindparam("limit"))
)
add, get, change = _rows.add, _rows.get, _rows.change


def by_request(tx: Connection, request_id: str) -> PublishRun | None:
    return _rows.first(tx, select(publish_runs).where(publish_runs.c.request_id == request_id))


def known_run_ids(tx: Connection, run_ids: Iterable[int]) -> set[int]:
    """Which of these DevOps runs have a record."""
    query = select(publish_runs.c.run_id).where(publish_runs.c.run_id.in_(list(run_ids)))
    return set(tx.execute(query).scalars())


def open_runs(tx: Connection) -> list[PublishRun]:
    """Runs that have not ended, oldest first."""
    return _rows.all(tx, _OPEN)


def recent(tx: Connection, limit: int, states: Sequence[str] = ENDED) -> list[PublishRun]:
    """Runs in these states, the one that ended last first."""
    others = [state for state in (*OPEN, *ENDED) if state not in states]
    query = (
        select(publish_runs)
        .where(publish_runs.c.state.not_in(others))  # else SQLite would sort all that ever ended so
        .order_by(publish_runs.c.ended_at.desc())
        .limit(limit)
    )
    return _rows.all(tx, query)


def ended_since(tx: Connection, since: datetime, limit: int) -> list[PublishRun]:
    """The one that ended last first."""
    return _rows.all(tx, _ENDED_SINCE, {"since": since, "limit": limit})


def put_branches(tx: Connection, rows: Sequence[BranchRow]) -> None:
    """These are the branches now; others are forgotten."""
    tx.execute(delete(branches))
    if rows:
        tx.execute(insert(branches), [vars(row) for row in rows])


def list_branches(tx: Connection) -> list[BranchRow]:
    """By name."""
    query = select(branches).order_by(branches.c.name)
    return _branches.all(tx, query)


def get_branch(tx: Connection, name: str) -> BranchRow | None:
    return _branches.first(tx, select(branches).where(branches.c.name == name))
