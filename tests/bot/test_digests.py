"""Digests are posted when they are due, once, however late and by however many."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from inline_snapshot import snapshot

from commands.digest.command import send_what_is_due
from commands.digest.sending import send_due
from commands.kit.policy import FirstDigest, Policy
from commands.kit.services import Services
from storage import audit, digests, messages, runs
from storage.database import Store
from storage.digests import Digest
from storage.runs import TrainingRun
from tests.bot.conftest import LINE, Desk

HOUR = timedelta(hours=1)


def set_at(desk: Desk, due: datetime, cron: str = "0 * * * *", *, quiet: bool = False) -> Digest:
    made = Digest(
        id="digest-1",
        channel=LINE,
        cron=cron,
        zone="Europe/Berlin",
        quiet=quiet,
        created_by="U0TRAINER1",
        created_by_name="trainer",
        created_at=due,
        next_at=due,
    )
    with desk.store.write() as tx:
        digests.add(tx, made)
    return made


def outcomes(desk: Desk) -> list[str]:
    with desk.store.read() as tx:
        return [firing.outcome for firing in digests.firings(tx, "digest-1")][::-1]


def this_hour(desk: Desk) -> datetime:
    return desk.clock.now().replace(minute=0, second=0, microsecond=0)


def to_the_hour(desk: Desk, later: timedelta = timedelta()) -> None:
    """Move the clock to the next full hour, and a little on."""
    target = this_hour(desk) + HOUR + later
    desk.clock.forward((target - desk.clock.now()).total_seconds() + 5)


def test_a_digest_is_posted_once_when_it_is_due(desk: Desk, services: Services) -> None:
    set_at(desk, this_hour(desk) + HOUR)
    send_what_is_due(services)
    assert desk.said() == []
    to_the_hour(desk)
    for _ in range(3):
        send_what_is_due(services)
        desk.round()
    assert desk.people.steady("\n".join(desk.said())) == snapshot(
        ":white_check_mark: All quiet. Nothing waits for anyone, nothing runs, and nothing has ended since <time>."
    )
    assert outcomes(desk) == ["sent"]
