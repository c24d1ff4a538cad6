"""Training runs: what was asked for, and how far it has come."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, func, select

from storage.rows import Rows
from storage.tables import training_runs

OPEN = ("requested", "submitting", "queued", "running", "completed")
ENDED = ("registered", "failed", "canceled", "lost")


@dataclass(frozen=True)
class TrainingRun:
    """One training. `id` is also the Azure job's name; states go requested → submitting → queued → running →
    completed → registered, or end in failed, canceled or lost. Its duration depends on `vm_size`, `max_trials` and
    `images`; `node_seconds` is how long nodes worked for it, `estimate` what was expected when it was asked for.
    """

    id: str
    request_id: str
    state: str
    model_name: str
    dataset: str
    dataset_version: str
    cluster: str
    experiment: str
    requested_by: str
    requested_by_name: str
    channel: str
    requested_at: datetime
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    status: str | None = None
    studio_url: str | None = None
    progress: dict[str, Any] | None = None
    waiting: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None
    trouble: str | None = None
    tries: int = 0
    next_try_at: datetime | None = None
    cancel_by: str | None = None
    cancel_sent_at: datetime | None = None
    missing_since: datetime | None = None
    registered_version: int | None = None
    vm_size: str | None = None
    max_trials: int | None = None
    images: int | None = None
    node_seconds: int | None = None
    estimate: dict[str, Any] | None = None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


class Brief(NamedTuple):
    """What lists of many runs need of each."""

    id: str
    state: str


class OpenRun(NamedTuple):
    """A run that has not ended, and what holds it up."""

    id: str
    model_name: str
    requested_at: datetime
    waiting: dict[str, Any] | None
    trouble: str | None


class EndedRun(NamedTuple):
    """What came of a run."""

    id: str
    state: str
    model_name: str
    requested_at: datetime
    registered_version: int | None
    failure: dict[str, Any] | None
    vm_size: str | None
    node_seconds: int | None


_rows = Rows(training_runs, TrainingRun)
_open, _outcomes = (select(*(training_runs.c[name] for name in kind._fields)) for kind in (OpenRun, EndedRun))
_HELD_UP = _open.where(training_runs.c.state.in_(OPEN)).order_by(training_runs.c.requested_at)
_ENDED_SINCE = (
    _outcomes.where(training_runs.c.ended_at >= bindparam("since"))
    .order_by(training_runs.c.ended_at.desc())
    .limit(bindparam("limit"))
)
_LAST_OF = (
    select(training_runs)
    .where(training_runs.c.requested_by == bindparam("person"))
    .order_by(training_runs.c.requested_at.desc())
    .limit(1)
)
add, get, change = _rows.add, _rows.get, _rows.change


def by_request(tx: Connection, request_id: str) -> TrainingRun | None:
    return _rows.first(tx, select(training_runs).where(training_runs.c.request_id == request_id))


def registered_as(tx: Connection, model_name: str, version: int) -> TrainingRun | None:
    """The training that made a model version, also one that the registry does not have any more."""
    same = (training_runs.c.model_name == model_name) & (training_runs.c.registered_version == version)
    return _rows.first(tx, select(training_runs).where(same).limit(1))


def open_runs(tx: Connection) -> list[TrainingRun]:
    """Runs that have not ended, oldest first."""
    query = (
        select(training_runs).where(training_runs.c.state.in_(OPEN)).order_by(training_runs.c.requested_at)
    )
    return _rows.all(tx, query)


def held_up(tx: Connection) -> list[OpenRun]:
    """The same, in short."""
    return [OpenRun(*row) for row in tx.execute(_HELD_UP)]


def open_briefly(tx: Connection) -> list[Brief]:
    """Runs that have not ended, newest first."""
    of = training_runs.c
    query = select(of.id, of.state).where(of.state.in_(OPEN)).order_by(of.requested_at.desc())
    return [Brief(*row) for row in tx.execute(query)]


def these(tx: Connection, briefs: Sequence[Brief | OpenRun]) -> list[TrainingRun]:
    """All that is known of some runs, in the same order."""
    query = select(training_runs).where(training_runs.c.id.in_([each.id for each in briefs]))
    found = {run.id: run for run in _rows.all(tx, query)}
    return [found[each.id] for each in briefs]


def recent(tx: Connection, limit: int, states: Sequence[str] = ENDED) -> list[TrainingRun]:
    """Runs in these states, the one that ended last first."""
    return _rows.all(tx, _last(select(training_runs), limit, states))


def recent_briefly(tx: Connection, limit: int) -> list[Brief]:
    """Runs that have ended, the one that ended last first."""
    query = _last(select(training_runs.c.id, training_runs.c.state), limit, ENDED)
    return [Brief(*row) for row in tx.execute(query)]


def _last(query: Select[Any], limit: int, states: Sequence[str]) -> Select[Any]:
    others = [state for state in (*OPEN, *ENDED) if state not in states]
    query = query.where(training_runs.c.state.not_in(others))  # else SQLite would sort all that ever ended so
    return query.order_by(training_runs.c.ended_at.desc()).limit(limit)


def ended_since(tx: Connection, since: datetime, limit: int) -> list[EndedRun]:
    """The one that ended last first."""
    found = tx.execute(_ENDED_SINCE, {"since": since, "limit": limit})
    return [EndedRun(*row) for row in found]


def asked_last(tx: Connection, models: Collection[str], since: datetime) -> dict[str, datetime]:
    """When these models were asked for last, as far as that was later than `since`."""
    of = training_runs.c
    query = select(of.model_name, func.max(of.requested_at).label("at"))
    query = query.where(of.model_name.in_(models), of.requested_at > since).group_by(of.model_name)
    return {row.model_name: row.at for row in tx.execute(query)}


@dataclass(frozen=True)
class Past:
    """How a training went that registered a model: `node_seconds` is None where Azure did not tell."""

    took: timedelta
    images: int | None
    node_seconds: int | None


def registered_like(tx: Connection, vm_size: str, max_trials: int, limit: int) -> list[Past]:
    """The last trainings on such machines with as many trials, the newest first."""
    of = training_runs.c
    query = (
        select(of.requested_at, of.ended_at, of.images, of.node_seconds)
        .where(of.vm_size == vm_size, of.max_trials == max_trials, of.state == "registered")
        .where(of.ended_at.is_not(None))
        .order_by(of.ended_at.desc())
        .limit(limit)
    )
    return [Past(row.ended_at - row.requested_at, row.images, row.node_seconds) for row in tx.execute(query)]


def last_used(tx: Connection, person: str) -> TrainingRun | None:
    """The person's newest run: its cluster and model name are what they probably want again."""
    return _rows.one(tx, _LAST_OF, {"person": person})
