"""Sends a digest once for each time at which it is due, by whoever comes first: its next time is in the store.

After an outage the newest time that is still within its grace is sent, late; the others are recorded as skipped.
"""

from datetime import datetime, timedelta
from itertools import islice, pairwise, takewhile

from sqlalchemy import Connection

from commands.digest.content import Content, gather
from commands.digest.messages import Occasion, details, digest
from commands.kit import schedule
from commands.kit.command import COURIER
from commands.kit.schedule import Schedule
from commands.kit.services import Services
from storage import digests, messages
from storage.digests import Digest, Firing

LATE = timedelta(minutes=2)
MOST_MISSED = 500
A_DAY, LONGEST_SINCE = timedelta(days=1), timedelta(days=31)


def send_due(due: Digest, services: Services) -> None:
    """Handle every time of a digest that has come; nothing happens where somebody else has done so."""
    now = services.clock.now()
    plan = schedule.parse(due.cron)
    missed, current = _times(due, plan, now)
    content, occasion, changed = collect(due, services)
    late = current if current and now - current > LATE else None
    occasion = Occasion(plan, due.zone, occasion.next_at, late, len(missed))
    with services.store.write() as tx:
        there = digests.get(tx, due.id)
        if there is None or there.state != digests.ON or there.next_at != due.next_at:
            return
        for at in missed:
            digests.fire(tx, Firing(due.id, at, digests.SKIPPED, now))
        if current:
            outcome = digests.SENT if changed or not due.quiet else digests.SILENT
            first = digests.fire(tx, Firing(due.id, current, outcome, now, content.fingerprint))
            if first and outcome == digests.SENT:
                fallback = due.created_by if due.created_by[0] in "UW" else None
                key = f"digest:{due.id}:{current:%Y%m%dT%H%MZ}"
                post(tx, key, due.channel, content, occasion, now, fallback)
        digests.change(tx, due.id, next_at=occasion.next_at)
    services.wake(COURIER)


def collect(digest_: Digest, services: Services) -> tuple[Content, Occasion, bool]:
    """What a digest has to tell now, and whether any of it has changed since it was sent last."""
    now = services.clock.now()
    plan = schedule.parse(digest_.cron)
    coming = list(islice(plan.after(now, digest_.zone), 2))
    with services.store.read() as tx:
        last = digests.last_sent(tx, digest_.id)
        since = last.at if last else now - min(_apart(coming), LONGEST_SINCE)
        content = gather(tx, since, now, services.policy)
    changed = last is None or content.has_news or content.fingerprint != last.fingerprint
    return content, Occasion(plan, digest_.zone, coming[0]), changed


def post(
    tx: Connection,
    key: str,
    channel: str,
    content: Content,
    occasion: Occasion,
    now: datetime,
    fallback: str | None,
) -> None:
    """Want the message and what belongs into its thread shown, in the caller's transaction."""
    parts = [(key, digest(content, occasion), None), (f"{key}:details", details(content), key)]
    for name, told, parent in parts:
        if told is not None:
            messages.want(
                tx,
                name,
                channel=channel,
                content=told.content(),
                at=now,
                urgency=messages.RESULT,
                parent_key=parent,
                fallback=fallback,
            )


def _times(due: Digest, plan: Schedule, now: datetime) -> tuple[list[datetime], datetime | None]:
    """What is too late, at most some hundred times of it, and the time that is still to be sent."""
    assert due.next_at is not None  # noqa: S101  only what is on is due
    grace = timedelta(minutes=due.grace_minutes)
    come = [
        due.next_at,
        *islice(takewhile(lambda at: at <= now, plan.after(due.next_at, due.zone)), MOST_MISSED),
    ]
    if len(come) > MOST_MISSED:  # those that come more often than that are not told one by one
        come += takewhile(lambda at: at <= now, plan.after(max(come[-1], now - grace), due.zone))
    return (come[:-1], come[-1]) if now - come[-1] <= grace else (come, None)


def _apart(coming: list[datetime]) -> timedelta:
    return next((later - sooner for sooner, later in pairwise(coming)), A_DAY)
