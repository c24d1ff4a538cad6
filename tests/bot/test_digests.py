"""Digests are posted when they are due: once, however late and by however many."""
# ruff: noqa: E501  snapshots hold messages as people read them

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from inline_snapshot import snapshot

from commands.digest.command import DigestArgs, preview, run, send_what_is_due
from commands.kit.services import Services
from storage import digests, runs
from storage.database import Store
from storage.digests import Firing
from tests.bot import busy_plant
from tests.bot.conftest import LINE, Desk
from tests.bot.small_digests import (
    ASKED,
    HOUR,
    TRAINER,
    daily,
    delivered,
    hourly,
    listed,
    noon,
    outcomes,
    to_the_hour,
    told,
    training,
)
from tests.postgresql import cluster

__all__ = ["cluster", "noon"]

MINUTE = timedelta(minutes=1)


def test_a_digest_is_posted_once_when_it_is_due(desk: Desk, services: Services) -> None:
    hourly(desk)
    send_what_is_due(services)
    assert delivered(desk) == []
    to_the_hour(desk)
    for _ in range(3):
        send_what_is_due(services)
    assert delivered(desk) == snapshot(
        [":white_check_mark: All quiet since <time>: nothing needs anyone, nothing runs, nothing finished."]
    )
    assert outcomes(desk) == ["sent"]
    to_the_hour(desk)
    send_what_is_due(services)
    assert len(delivered(desk)) == 2


def test_after_an_outage_it_is_sent_late_once_and_what_is_too_late_is_recorded(
    desk: Desk, services: Services
) -> None:
    hourly(desk)
    to_the_hour(desk, 3 * HOUR + 20 * MINUTE)
    send_what_is_due(services)
    send_what_is_due(services)
    assert delivered(desk) == snapshot(
        [
            """\
:white_check_mark: All quiet since <time>: nothing needs anyone, nothing runs, nothing finished.
:hourglass: Late: was due <time>, while Spotter was down. 3 earlier ones skipped.\
"""
        ]
    )
    assert outcomes(desk) == ["skipped", "skipped", "skipped", "sent"]
    assert listed(desk, services) == snapshot("""\
# 1 digest in this channel
1. every hour, Europe/Berlin: next <time>
last sent <time>, skipped 3 while Spotter was down; set by trainer
[Preview] [Pause] [Remove]
[Set a digest]\
""")

    daily(desk, "digest-2")
    desk.clock.forward(timedelta(days=2, hours=20).total_seconds())  # its last time is too long ago
    with desk.store.write() as tx:
        digests.change(tx, "digest-1", state=digests.PAUSED)
    send_what_is_due(services)
    assert len(delivered(desk)) == 1
    assert outcomes(desk, "digest-2") == ["skipped", "skipped", "skipped"]


def test_what_needs_someone_comes_first(desk: Desk, services: Services) -> None:
    hourly(desk)
    to_the_hour(desk)
    with desk.store.write() as tx:
        busy_plant.fill(tx, desk.clock.now())
        digests.fire(tx, Firing("digest-1", desk.clock.now(), "sent", desk.clock.now() - 12 * HOUR))
        digests.change(tx, "digest-1", next_at=desk.clock.now())
    send_what_is_due(replace(services, policy=busy_plant.POLICY))
    [short] = delivered(desk)
    assert short == snapshot("""\
# 10 need someone, 2 running, 5 finished
Cap_Detection_Model v5 on line-1 has waited 2 h for approval: 1 of 2 approvals given, expires <time>
[Review]
Cap_Detection_Model v4 on line-1 was rolled back: line-1-cam-2 was silent for 30 min.
[Review]
Lid_Model training failed: The GPU ran out of memory. Use a smaller model size or batch size.
[Details]
7 more need someone: see the thread
Running
• Bottle_Model: trial 2 of 4, best mAP 0.812, <duration> so far, about 50 min left
• Crate_Model: waiting for a GPU node, <duration> so far, usually 42 min in all
Finished
• Cap_Detection_Model v4 on line-2: on all devices
• Label_Model v1 trained, mAP 0.734
• Publishing main: published as version 12
• and 2 more
On the lines
• line-1: Cap_Detection_Model v3 on 3 devices, 2 of them working, 1 away
• line-2: Cap_Detection_Model v4 on 2 devices
Since <time> · trainings cost about €1.25 · every hour, Europe/Berlin · next <time> · /digest changes it\
""")
    [message] = desk.people["trainer"].messages(LINE)
    assert [desk.people.steady(reply.text) for reply in message.thread()] == snapshot(
        [
            """\
Needs someone as well
Labels of Label stickers were not exported: The labeling project is locked. Unlock it in the studio.
Neck_Model is stuck, 3 h after it was asked for: Azure has no free machines of this size in the region now. Try again later.
[Details]
Publishing main is stuck, 8 min after it was asked for: It waits for a permission to use the service connection aml-workspace-connection. Open the run and permit it.
[Details]
line-1 runs Cap_Detection_Model v3 below its gate: Recall 0.871 (at least 0.900)
Cap_Detection_Model v5 would not pass the gates of line-1: 0.031 worse than Cap_Detection_Model v3, which runs there (at most 0.010 worse)
Cap_Detection_Model v5 would not pass the gates of line-2: 0.042 worse than Cap_Detection_Model v4, which runs there (at most 0.010 worse)
Cap_Detection_Model v4 on line-2: second_approver overrode a gate <time>: the new caps are on line 2 only
[Review]
Finished as well
• Bottle_Model training failed, and was asked for again
• Cork_Model training was canceled\
"""
        ]
    )


def test_where_very_much_has_finished_it_says_more_than(desk: Desk, services: Services) -> None:
    hourly(desk)
    to_the_hour(desk)
    at = desk.clock.now()
    with desk.store.write() as tx:
        for number in range(150):
            done = replace(busy_plant.training(f"run-{number}", "Cap_Model", "canceled", at), ended_at=at)
            runs.add(tx, done)
    send_what_is_due(services)
    [short] = delivered(desk)
    assert "Nothing needs anyone, more than 100 finished" in short
    [message] = desk.people["trainer"].messages(LINE)
    assert "and at least 77 more: /runs" in message.thread()[0].text


def test_a_digest_comes_to_direct_messages(desk: Desk, services: Services) -> None:
    direct = str(desk.client.conversations_open(users=TRAINER.id)["channel"]["id"])
    run(DigestArgs(what="set", when="every hour"), replace(ASKED, channel=direct), services)
    to_the_hour(desk)
    send_what_is_due(services)
    assert delivered(desk) == []
    assert "All quiet" in desk.people["trainer"].messages(direct)[0].text


def test_years_of_missed_minutes_do_not_keep_anyone_waiting(desk: Desk, services: Services) -> None:
    hourly(desk, cron="* * * * *")
    desk.clock.forward(timedelta(days=900).total_seconds())
    send_what_is_due(services)
    recorded = outcomes(desk)
    assert recorded[-1] == "sent"
    assert 500 < len(recorded) < 1000
    with desk.store.read() as tx:
        there = digests.get(tx, "digest-1")
    assert there and there.next_at and there.next_at - desk.clock.now() <= MINUTE


def test_a_quiet_one_is_silent_while_nothing_changes(desk: Desk, services: Services) -> None:
    hourly(desk, quiet=True)
    lasting = training(desk, "running")
    for state in ("running", "running", "failed", "failed"):
        with desk.store.write() as tx:
            ended = desk.clock.now() if state == "failed" and lasting.ended_at is None else lasting.ended_at
            failure = {"cause": "The GPU ran out of memory.", "remedy": "Use a smaller model."}
            lasting = runs.change(
                tx, lasting.id, state=state, ended_at=ended, failure=failure if ended else None
            )
        to_the_hour(desk)
        send_what_is_due(services)
    assert outcomes(desk) == ["sent", "silent", "sent", "silent"]
    assert delivered(desk) == snapshot(
        [
            """\
# Nothing needs anyone, 1 running
Running
• Cap_Model: waiting for a GPU node, <duration> so far
Since <time> · every hour, Europe/Berlin · next <time> · /digest changes it\
""",
            """\
# 1 needs someone
Cap_Model training failed: The GPU ran out of memory. Use a smaller model.
[Details]
Since <time> · every hour, Europe/Berlin · next <time> · /digest changes it\
""",
        ]
    )
    assert "was silent 1 time since" in listed(desk, services)
    assert "Nothing has changed, so it would stay silent" in told(desk, preview("digest-1", ASKED, services))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_of_several_spotters_one_posts_a_digest(
    kind: str, desk: Desk, services: Services, request: pytest.FixtureRequest
) -> None:
    """Each with a store of its own on one database, all at the same moment."""
    if kind == "postgresql":
        desk.store = Store(request.getfixturevalue("cluster").new_database())
        desk.crash()
    hourly(desk)
    to_the_hour(desk, 2 * HOUR)
    stores = [Store(desk.store.url) for _ in range(4)]
    together = threading.Barrier(len(stores))

    def sends(store: Store) -> None:
        together.wait(30)
        send_what_is_due(replace(services, store=store))

    threads = [threading.Thread(target=sends, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert outcomes(desk) == ["skipped", "skipped", "sent"]
    assert len(delivered(desk)) == 1
    for store in (*stores, desk.store):
        store.close()
