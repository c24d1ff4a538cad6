"""Scheduled digests of channels, and what became of each time at which one was due."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from storage.rows import Rows
from storage.tables import digest_firings, digests

ON, PAUSED, REMOVED = "on", "paused", "removed"
SENT, SILENT, SKIPPED = "sent", "silent", "skipped"


@dataclass(frozen=True)
class Digest:
    """`cron` has five fields, read in `zone`. `next_at` is the next time that nobody has handled yet, None unless on.

    States: on, paused, removed; a removed one stays, so that the policy file does not bring it back. `quiet`: nothing
    is posted when nothing has changed. `grace_minutes` is how late one may still be sent.
    """

    id: str
    channel: str
    cron: str
    zone: str
    quiet: bool
    created_by: str
    created_by_name: str
    created_at: datetime
    next_at: datetime | None
    state: str = ON
    grace_minutes: int = 120


@dataclass(frozen=True)
class Firing:
    """One time at which a digest was due, handled at `at`: sent, silent (nothing had changed) or skipped (too late).

    `fingerprint` covers what stood in it.
    """

    digest_id: str
    due_at: datetime
    outcome: str
    at: datetime
    fingerprint: str | None = None


_rows, _firings = Rows(digests, Digest), Rows(digest_firings, Firing)
add, get, change = _rows.add, _rows.get, _rows.change
fire = _firings.add  # what became of a due time; False where that is recorded already, whoever did it


def of_channel(tx: Connection, channel: str) -> list[Digest]:
    """Those that were not removed, in the order in which they were set."""
    query = select(digests).where(digests.c.channel == channel, digests.c.state != REMOVED)
    query = query.order_by(digests.c.created_at, digests.c.id)
    return _rows.all(tx, query)


def coming(tx: Connection, limit: int = 100) -> list[Digest]:
    """Of all channels, the soonest first."""
    query = select(digests).where(digests.c.state == ON, digests.c.next_at.is_not(None))
    query = query.order_by(digests.c.next_at).limit(limit)
    return _rows.all(tx, query)


def due(tx: Connection, now: datetime) -> list[Digest]:
    """Those whose time has come, the longest overdue first."""
    query = select(digests).where(digests.c.state == ON, digests.c.next_at <= now)
    return _rows.all(tx, query.order_by(digests.c.next_at))


def last_sent(tx: Connection, digest_id: str) -> Firing | None:
    query = select(digest_firings).where(
        digest_firings.c.digest_id == digest_id, digest_firings.c.outcome == SENT
    )
    return _firings.first(tx, query.order_by(digest_firings.c.due_at.desc()).limit(1))


def firings(tx: Connection, digest_id: str, limit: int = 100) -> list[Firing]:
    """The newest first."""
    query = select(digest_firings).where(digest_firings.c.digest_id == digest_id)
    query = query.order_by(digest_firings.c.due_at.desc()).limit(limit)
    return _firings.all(tx, query)


def count_since(tx: Connection, digest_id: str, outcome: str, since: datetime) -> int:
    """How many due times ended like this, of those that were handled at `since` or later."""
    query = select(func.count()).where(
        digest_firings.c.digest_id == digest_id,
        digest_firings.c.outcome == outcome,
        digest_firings.c.at >= since,
    )
    return tx.execute(query).scalar_one()
