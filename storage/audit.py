"""The audit trail: append-only, each row bound to the one before by a SHA-256 hash.

A row's hash covers its sequence number, time, actor, action, subject, details and the previous row's hash, so a
changed, removed or reordered row is found by `verify`. Rows cut off the end are found too by whoever kept an earlier
`end` elsewhere.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, text

from storage.tables import audit

GENESIS = "0" * 64
# made once, for it is asked at every act and making it takes longer than its answer
_FROM_END = (
    select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).offset(bindparam("skipped")).limit(1)
)
_APPEND = insert(audit)
_ALONE = text("LOCK TABLE audit IN EXCLUSIVE MODE")
LONGEST_SUBJECT = 600
AT_ONCE = 500  # rows in memory, of a trail that grows for ever


@dataclass(frozen=True)
class AuditRow:
    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True)
class End:
    """The newest row of the trail, by what it takes to know it again; of an empty trail row 0."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


@dataclass(frozen=True)
class Broken:
    """The first row that does not fit, and why."""

    seq: int
    reason: str


def record(tx: Connection, *, at: datetime, actor: str, action: str, subject: str, **details: Any) -> None:
    """Append a row in the caller's transaction. `actor` is a Slack user id, or "spotter" for what it did by itself."""
    if tx.dialect.name == "postgresql":
        tx.execute(_ALONE)
    last = end(tx)
    row: dict[str, Any] = {
        "seq": last.seq + 1,
        "at": at,
        "actor": actor,
        "action": action,
        "subject": subject[:LONGEST_SUBJECT],  # as it is stored, for the hash is of that
        "details": details,
        "previous": last.hash,
    }
    tx.execute(_APPEND, {**row, "hash": _hash(row)})


def rows(tx: Connection, *, subject: str | None = None, after: int = 0) -> Iterator[AuditRow]:
    """All rows in order, or those of one subject, or those after a sequence number."""
    query = select(audit).where(audit.c.seq > after).order_by(audit.c.seq)
    if subject is not None:
        query = query.where(audit.c.subject == subject)
    portions = {"yield_per": AT_ONCE} if subject is None else {}
    with tx.execute(query, execution_options=portions) as found:
        for row in found.mappings():
            yield AuditRow(**row)


def end(tx: Connection) -> End:
    last = _row_from_end(tx, 0)
    return End(last.seq, last.hash) if last else End(0, GENESIS)


def verify(tx: Connection, *, newest: int | None = None, kept: End | None = None) -> Broken | None:
    """The first broken row of the chain, or None when every row fits. `newest` is how many to look at, else all.

    `kept` is an end that the trail had before: that very row must still be there.
    """
    before = _row_from_end(tx, newest) if newest else None
    expected, previous = (before.seq + 1, before.hash) if before else (1, GENESIS)
    for row in rows(tx, after=expected - 1):
        if row.seq != expected:
            return Broken(expected, f"row {expected} is missing")
        if row.previous != previous:
            return Broken(row.seq, "does not follow the row before it")
        if _hash({**vars(row)}) != row.hash:
            return Broken(row.seq, "its content does not match its hash")
        if kept and row.seq == kept.seq and row.hash != kept.hash:
            return Broken(row.seq, "it is not the row that the kept hash is of")
        expected, previous = expected + 1, row.hash
    if kept and kept.seq >= expected:
        return Broken(expected, f"rows {expected} to {kept.seq} are missing at the end")
    return None


def _row_from_end(tx: Connection, skipped: int) -> Row[int, str] | None:
    return tx.execute(_FROM_END, {"skipped": skipped}).first()


def _hash(row: Mapping[str, Any]) -> str:
    kept = {key: row[key] for key in ("seq", "actor", "action", "subject", "details", "previous")}
    kept["at"] = row["at"].isoformat(timespec="microseconds")
    return hashlib.sha256(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
