"""Requests to put a model version on a target: what people decided about them, and how far the devices have got."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from storage.rows import Rows, each_of
from storage.tables import decisions, deployments

UNDECIDED = ("preparing", "waiting")
MOVING = ("approved", "shipping", "rolling_back")
UNDER_WAY = ("shipping", "rolling_back")
OPEN = (*UNDECIDED, *MOVING)
REFUSED = ("rejected", "expired", "withdrawn", "superseded", "stale")
ON_DEVICES = ("shipped",)
ENDED = (*REFUSED, "shipped", "rolled_back", "failed")


@dataclass(frozen=True)
class Deployment:
    """One request. `preparing → waiting` (or ends in rejected, expired, withdrawn, superseded, stale) `→ approved →
    shipping → shipped`, or failed where nothing reached a device, or `rolling_back → rolled_back`.

    `evidence` is what approvers see, and `fingerprint` binds their decisions to it. `rings` are in the order of
    shipping; each has its name, state, correlation id and what its devices report. The last one has `below`, what its
    devices go back to, and `withdrawn`, whether IoT Hub has nothing of a shipped request any more.
    """

    id: str
    request_id: str
    state: str
    target: str
    model_name: str
    model_version: int
    reason: str
    requested_by: str
    requested_by_name: str
    channel: str
    requested_at: datetime
    expires_at: datetime
    evidence: dict[str, Any] | None = None
    fingerprint: str | None = None
    approvals_needed: int = 1
    reminded_at: datetime | None = None
    decided_at: datetime | None = None
    rings: list[dict[str, Any]] | None = None
    waiting: str | None = None
    outcome: str | None = None
    rollback_by: str | None = None
    rollback_reason: str | None = None
    trouble: str | None = None
    tries: int = 0
    next_try_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def is_withdrawn(self) -> bool:
        return bool(self.rings and self.rings[-1].get("withdrawn"))

    @property
    def model(self) -> str:
        return f"{self.model_name}:{self.model_version}"


@dataclass(frozen=True)
class Decision:
    """What one person said of a request: approve, override or reject. `fingerprint` is what they saw.

    An override puts the failed gates aside; where it comes from an approver there is an approval of theirs beside it.
    """

    deployment_id: str
    person: str
    person_name: str
    verdict: str
    reason: str
    fingerprint: str
    at: datetime


@dataclass(frozen=True)
class Override:
    """Somebody put a failed gate aside: who, when and why stands in `decision`, for what in `deployment`."""

    decision: Decision
    deployment: Deployment


@dataclass(frozen=True)
class Unanswered:
    """A request that approvers have not decided. `given` approvals of `needed`, each of another person."""

    deployment: Deployment
    since: datetime
    given: int
    needed: int


_rows, _decisions = Rows(deployments, Deployment), Rows(decisions, Decision)
_unproven = _rows.without("evidence")  # which is most of a row
add, get, change = _rows.add, _rows.get, _rows.change
_ENDED_SINCE = (
    _unproven.where(deployments.c.ended_at >= bindparam("since"))
    .order_by(deployments.c.ended_at.desc())
    .limit(bindparam("limit"))
)
_OVERRIDES_SINCE = (
    select(decisions)
    .where(decisions.c.verdict == "override", decisions.c.at >= bindparam("since"))
    .order_by(decisions.c.at)
)
_LOCKED = select(deployments).where(deployments.c.id == bindparam("id")).with_for_update()
_DECISIONS = (
    select(decisions).where(decisions.c.deployment_id == bindparam("deployment")).order_by(decisions.c.at)
)
decide = _decisions.add  # False where this person has said so before


def by_request(tx: Connection, request_id: str) -> Deployment | None:
    return _rows.first(tx, select(deployments).where(deployments.c.request_id == request_id))


def locked(tx: Connection, deployment_id: str) -> Deployment | None:
    """As `get`, and nobody else changes it before this transaction ends."""
    return _rows.one(tx, _LOCKED, {"id": deployment_id})


def in_states(
    tx: Connection, states: Sequence[str], target: str | None = None, *, evidence: bool = True
) -> list[Deployment]:
    """Oldest first; with what approvers were shown, or without."""
    query = select(deployments) if evidence else _unproven
    query = query.where(deployments.c.state.in_(states)).order_by(deployments.c.requested_at)
    if target is not None:
        query = query.where(deployments.c.target == target)
    return _rows.all(tx, query)


def recent(tx: Connection, limit: int, target: str | None = None) -> list[Deployment]:
    """Ended ones, the one that ended last first."""
    query = select(deployments).where(deployments.c.state.in_(ENDED))
    if target is not None:
        query = query.where(deployments.c.target == target)
    query = query.order_by(deployments.c.ended_at.desc()).limit(limit)
    return _rows.all(tx, query)


def ended_since(tx: Connection, since: datetime, limit: int) -> list[Deployment]:
    """The one that ended last first, without what approvers were shown."""
    return _rows.all(tx, _ENDED_SINCE, {"since": since, "limit": limit})


def of_model(tx: Connection, name: str, version: int) -> list[Deployment]:
    """Every request for a model version, oldest first."""
    query = select(deployments).where(
        deployments.c.model_name == name, deployments.c.model_version == version
    )
    return _rows.all(tx, query.order_by(deployments.c.requested_at))


def asked_next(tx: Connection, deployment: Deployment) -> Deployment | None:
    """The request for the same target after this one; where this one was superseded, by that."""
    query = select(deployments).where(
        deployments.c.target == deployment.target, deployments.c.requested_at > deployment.requested_at
    )
    return _rows.first(tx, query.order_by(deployments.c.requested_at).limit(1))


def superseded_by(tx: Connection, newer: Deployment) -> list[Deployment]:
    """The requests for the same target that ended because this one was asked for."""
    query = select(deployments).where(
        deployments.c.target == newer.target,
        deployments.c.state == "superseded",
        deployments.c.requested_at < newer.requested_at,
        deployments.c.ended_at >= newer.requested_at,
    )
    return _rows.all(tx, query)


def incumbent(tx: Connection, target: str) -> Deployment | None:
    """The deployment whose model all devices of a target have now, as far as Spotter put it there."""
    query = (
        select(deployments)
        .where(deployments.c.target == target, deployments.c.state.in_(ON_DEVICES))
        .order_by(deployments.c.decided_at.desc())
    )
    with tx.execute(query) as newest_first:
        found = (Deployment(**row._mapping) for row in newest_first)
        return next((each for each in found if not each.is_withdrawn), None)


def incumbents(tx: Connection) -> dict[str, Deployment]:
    """The same of every target that has one, without what approvers were shown."""
    ids = [each for each in tx.execute(_newest_on_devices()).scalars() if each]
    query = _unproven.where(deployments.c.id.in_(ids))
    newest = {each.target: each for each in _rows.all(tx, query)}
    found = {name: incumbent(tx, name) if each.is_withdrawn else each for name, each in newest.items()}
    return {name: each for name, each in found.items() if each is not None}


@cache
def _newest_on_devices() -> Select[Any]:
    """Their ids, of each target the newest. Written once, for that takes longer than to ask."""
    other = deployments.alias()
    target = each_of(deployments.c.target, deployments.c.state.in_(ON_DEVICES))
    its = select(other.c.id).where(other.c.state.in_(ON_DEVICES), other.c.target == target.c.value)
    newest = its.order_by(other.c.decided_at.desc()).limit(1).correlate(target)
    return select(newest.scalar_subquery()).select_from(target)


def in_favour(given: Sequence[Decision]) -> list[str]:
    """The names of those who approved, each once, in order."""
    return list({each.person: each.person_name for each in given if each.verdict == "approve"}.values())


def decisions_on(tx: Connection, deployment_id: str) -> list[Decision]:
    """In the order in which they were made."""
    return _decisions.all(tx, _DECISIONS, {"deployment": deployment_id})


def decisions_on_each(tx: Connection, asked: Sequence[Deployment]) -> dict[str, list[Decision]]:
    """By request, in the order in which they were made."""
    query = select(decisions).where(decisions.c.deployment_id.in_([each.id for each in asked]))
    made = _decisions.all(tx, query.order_by(decisions.c.deployment_id, decisions.c.at)) if asked else []
    found = groupby(made, key=lambda each: each.deployment_id)
    return {each.id: [] for each in asked} | {request: list(given) for request, given in found}


def overrides_since(tx: Connection, since: datetime, channel: str | None = None) -> list[Override]:
    """What was overridden at `since` or later, oldest first; of one channel only where that is named."""
    made = _decisions.all(tx, _OVERRIDES_SINCE, {"since": since})
    wanted = select(deployments).where(deployments.c.id.in_([each.deployment_id for each in made]))
    if channel is not None:
        wanted = wanted.where(deployments.c.channel == channel)
    known = {each.id: each for each in _rows.all(tx, wanted)}
    return [Override(each, known[each.deployment_id]) for each in made if each.deployment_id in known]


def waiting_for_approval(
    tx: Connection, *, target: str | None = None, channel: str | None = None
) -> list[Unanswered]:
    """What approvers are asked about now, the oldest first, without what they were shown; of one target or channel
    where that is named."""
    waiting = in_states(tx, ("waiting",), target, evidence=False)
    asked = [each for each in waiting if channel is None or each.channel == channel]
    given = decisions_on_each(tx, asked)
    return [
        Unanswered(each, each.requested_at, len(in_favour(given[each.id])), each.approvals_needed)
        for each in asked
    ]
