"""What Slack should show: for each message its key, place, wanted content, and what was last shown.

A message is a view of a record. Rooms say what they want with `want`; the courier alone talks to Slack. Key, place and
Slack's ts are kept for good, so that nothing is said twice; the content of what nobody has changed for long is let go.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, insert, or_, select, update

from storage.rows import Rows
from storage.tables import THIN, WHOLE, messages

PROGRESS, RESULT, DECISION = 0, 1, 2
PAGE = 200
OVERDUE = timedelta(seconds=30)


@dataclass(frozen=True)
class WantedMessage:
    """`shown_revision < wanted_revision` means that Slack is behind, since `wanted_at`. States: open; gone (deleted in
    Slack); refused (Slack will not take it). Forms: full; drawn, plain or text where Slack refused the richer one; thin
    where only a digest of what was wanted is left."""

    key: str
    channel: str
    parent_key: str | None
    fallback: str | None
    wanted: dict[str, Any]
    wanted_revision: int
    wanted_at: datetime
    shown_revision: int
    shown_at: datetime | None
    urgency: int
    ts: str | None
    posting_since: datetime | None
    state: str
    form: str
    tries: int
    next_try_at: datetime | None
    trouble: str | None


_rows = Rows(messages, WantedMessage)
_ADD, _CHANGE = insert(messages), update(messages).where(messages.c.key == bindparam("changed"))
get = _rows.get


def places(tx: Connection, keys: Collection[str]) -> dict[str, tuple[str, str]]:
    """Channel and Slack's ts of those messages that were posted, by key."""
    of = messages.c
    query = select(of.key, of.channel, of.ts).where(of.key.in_(keys), of.ts.is_not(None))
    return {row.key: (row.channel, row.ts) for row in tx.execute(query)}


def want(
    tx: Connection,
    key: str,
    *,
    channel: str,
    content: dict[str, Any],
    at: datetime,
    urgency: int = PROGRESS,
    parent_key: str | None = None,
    fallback: str | None = None,
) -> bool:
    """Want this content under this key. Returns False where that is what was wanted already.

    `content` holds `text` and `blocks`, and for a workspace that refuses these `drawn` and `plain` ones; with
    `broadcast` a reply in a thread stands in the channel as well.
    `fallback` is the person who gets the message privately where the channel cannot be written to.
    """
    there = get(tx, key)
    if there is None:
        new = {
            "key": key,
            "channel": channel,
            "parent_key": parent_key,
            "fallback": fallback,
            "urgency": urgency,
        }
        wish = {"wanted": content, "wanted_revision": 1, "wanted_at": at}
        tx.execute(_ADD, {**new, **wish, "shown_revision": 0, "state": "open", "tries": 0})
        return True
    is_thin = there.form == THIN
    if there.wanted == (_thinned(content) if is_thin else content):
        return False
    since = at if there.shown_revision == there.wanted_revision else there.wanted_at
    change(
        tx,
        key,
        wanted=content,
        wanted_revision=there.wanted_revision + 1,
        wanted_at=since,
        urgency=urgency,
        form="full" if is_thin else there.form,
    )
    if there.state != "open" and urgency >= RESULT:
        reopen(tx, there)
    return True


def reopen(tx: Connection, given_up: WantedMessage) -> None:
    """What was deleted or refused while it told of progress is tried anew with a result."""
    again = {"ts": None, "shown_revision": 0, "shown_at": None} if given_up.state == "gone" else {}
    change(tx, given_up.key, state="open", tries=0, next_try_at=None, **again)


def move(tx: Connection, key: str, channel: str, trouble: str) -> None:
    """Show the message in another place from now on; there is no second fallback."""
    place = {"channel": channel, "fallback": None, "ts": None, "shown_revision": 0, "shown_at": None}
    change(tx, key, **place, posting_since=None, tries=0, next_try_at=None, trouble=trouble)


def due(
    tx: Connection, now: datetime, *, without: Collection[str] = (), limit: int = PAGE
) -> list[WantedMessage]:
    """Messages that Slack should show and does not yet: urgent ones first, then the oldest wish; `without` those of
    channels where nothing may be posted at the moment. What has waited long takes its turn among results, for a
    channel may have more to say than Slack lets it."""
    overdue = and_(messages.c.urgency < RESULT, messages.c.wanted_at <= now - OVERDUE)
    query = (
        select(messages)
        .where(messages.c.state == "open")
        .where(messages.c.shown_revision < messages.c.wanted_revision)
        .where(or_(messages.c.next_try_at.is_(None), messages.c.next_try_at <= now))
        .where(messages.c.channel.not_in(without))
        .order_by(case((overdue, RESULT), else_=messages.c.urgency).desc(), messages.c.wanted_at)
        .limit(limit)
    )
    return _rows.all(tx, query)


def thin(tx: Connection, before: datetime, limit: int = PAGE) -> int:
    """Leaves no more than a digest of what was wanted before that moment and has been shown, or cannot be; of how many
    messages, `limit` at most."""
    is_over = or_(messages.c.state != "open", messages.c.shown_revision >= messages.c.wanted_revision)
    query = select(messages.c.key, messages.c.wanted).where(WHOLE, messages.c.wanted_at < before, is_over)
    old = [{"old": row.key, "left": _thinned(row.wanted)} for row in tx.execute(query.limit(limit))]
    if old:
        wish = update(messages).where(messages.c.key == bindparam("old"))
        tx.execute(wish.values(wanted=bindparam("left"), form=THIN), old)
    return len(old)


def _thinned(content: dict[str, Any]) -> dict[str, str]:
    """By which the same wish is known again."""
    return {"digest": hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()}


def change(tx: Connection, key: str, **columns: Any) -> None:
    tx.execute(_CHANGE, {"changed": key, **columns})
