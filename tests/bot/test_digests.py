"""Digests are posted when they are due: once, however late and by however many."""
# ruff: noqa: E501  snapshots hold messages as people read them

import re
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from inline_snapshot import snapshot

from commands.digest.command import DigestArgs, pause, preview, remove, resume, run, send_what_is_due
from commands.kit.command import Asked, Reply
from commands.kit.errors import UserError
from commands.kit.people import Person
from commands.kit.policy import FirstDigest, Policy
from commands.kit.services import Services
from storage import audit, digests, messages, runs
from storage.database import Store
from storage.digests import Digest, Firing
from storage.runs import TrainingRun
from tests.bot import busy_plant
from tests.bot.conftest import LINE, Desk
from tests.postgresql import cluster

__all__ = ["cluster"]

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
TRAINER = Person("U0TRAINER1", "trainer")
ASKED = Asked(TRAINER, LINE, "command:1")
AGAIN = Asked(TRAINER, LINE, "command:2")
SO_FAR = re.compile(r"\b[\dhmins ]+ so far")


@pytest.fixture(autouse=True)
def _noon(desk: Desk) -> None:
    """Every test begins at the same time of a day, whenever it is run."""
    tomorrow = desk.clock.now().replace(hour=12, minute=0, second=0) + timedelta(days=1)
    desk.clock.forward((tomorrow - desk.clock.now()).total_seconds())


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


def test_the_policy_s_digests_are_set_once_and_a_removed_one_stays_away(
    desk: Desk, services: Services
) -> None:
    first = FirstDigest(
        name="morning", channel=LINE, when="every hour", time_zone="Europe/Berlin", grace_hours=1
    )
    policy = Policy(digests=[first])
    for _ in range(3):
        send_what_is_due(replace(services, policy=policy))
    assert listed(desk, services) == snapshot("""\
# 1 digest in this channel
1. every hour, Europe/Berlin: next <time>
not sent yet; set by spotter.toml
[Preview] [Pause] [Remove]
[Set a digest]\
""")
    to_the_hour(desk)
    send_what_is_due(replace(services, policy=policy))
    assert len(delivered(desk)) == 1

    remove("policy-morning", ASKED, services)
    to_the_hour(desk)
    send_what_is_due(replace(services, policy=policy))
    assert len(delivered(desk)) == 1
    assert "No digest is set" in listed(desk, services)
    with desk.store.read() as tx:
        assert [(row.action, row.actor) for row in audit.rows(tx)] == [
            ("digest.set", "spotter"),
            ("digest.remove", "U0TRAINER1"),
        ]


def test_a_paused_one_waits_and_goes_on_without_making_up(desk: Desk, services: Services) -> None:
    hourly(desk)
    assert told(desk, pause("digest-1", ASKED, services)) == snapshot(
        "Paused: every hour, Europe/Berlin. /digest resume goes on with it."
    )
    to_the_hour(desk, 5 * HOUR)
    send_what_is_due(services)
    assert outcomes(desk) == []
    assert told(desk, resume("digest-1", AGAIN, services)) == snapshot(
        "Goes on: every hour, Europe/Berlin, next <time>."
    )
    to_the_hour(desk)
    send_what_is_due(services)
    assert outcomes(desk) == ["sent"]


def test_the_same_form_twice_sets_one(desk: Desk, services: Services) -> None:
    args = DigestArgs(what="set", when="weekdays at 8:30", zone="berlin", quiet="yes")
    assert told(desk, run(args, ASKED, services)) == told(desk, run(args, ASKED, services))
    with pytest.raises(UserError, match="weekdays at 8:30 is set here already"):
        run(args, AGAIN, services)
    with desk.store.read() as tx:
        assert len(digests.of_channel(tx, LINE)) == 1
        assert len(list(audit.rows(tx))) == 1


@pytest.mark.parametrize(
    ("which", "told"),
    [
        ("3", "It is not clear which"),
        ("", "It is not clear which"),
        ("Mondays at 9", "It is not clear which"),
    ],
)
def test_it_must_be_clear_which_one_is_meant(desk: Desk, services: Services, which: str, told: str) -> None:
    hourly(desk)
    daily(desk, "digest-2")
    with pytest.raises(UserError, match=told):
        run(DigestArgs(what="remove", when=which), ASKED, services)
    run(DigestArgs(what="remove", when="every day at 6"), ASKED, services)
    run(DigestArgs(what="pause"), AGAIN, services)
    with desk.store.read() as tx:
        assert [(each.id, each.state) for each in digests.of_channel(tx, LINE)] == [("digest-1", "paused")]


def hourly(desk: Desk, cron: str = "0 * * * *", *, quiet: bool = False) -> None:
    _set(desk, "digest-1", cron, this_hour(desk) + HOUR, quiet=quiet)


def daily(desk: Desk, digest_id: str) -> None:
    today = desk.clock.now().replace(hour=6, minute=0, second=0, microsecond=0)
    _set(desk, digest_id, "0 6 * * *", today + timedelta(days=1), zone="UTC")


def _set(
    desk: Desk, digest_id: str, cron: str, due: datetime, *, quiet: bool = False, zone: str = "Europe/Berlin"
) -> None:
    made = Digest(
        digest_id, LINE, cron, zone, quiet, TRAINER.id, TRAINER.name, desk.clock.now(), due.astimezone(UTC)
    )
    with desk.store.write() as tx:
        digests.add(tx, made)


def training(desk: Desk, state: str) -> TrainingRun:
    made = TrainingRun(
        id="cap-1",
        request_id="r1",
        state=state,
        model_name="Cap_Model",
        dataset="caps_20261102_081530",
        dataset_version="1",
        cluster="gpu-small",
        experiment="spotter",
        requested_by=TRAINER.id,
        requested_by_name=TRAINER.name,
        channel=LINE,
        requested_at=desk.clock.now(),
    )
    with desk.store.write() as tx:
        runs.add(tx, made)
    return made


def this_hour(desk: Desk) -> datetime:
    return desk.clock.now().replace(minute=0, second=0, microsecond=0)


def to_the_hour(desk: Desk, and_on: timedelta = timedelta()) -> None:
    """Move the clock to just after the next full hour, or further."""
    desk.clock.forward((this_hour(desk) + HOUR + and_on - desk.clock.now()).total_seconds() + 5)


def outcomes(desk: Desk, digest_id: str = "digest-1") -> list[str]:
    with desk.store.read() as tx:
        return [firing.outcome for firing in digests.firings(tx, digest_id, limit=2000)][::-1]


def delivered(desk: Desk) -> list[str]:
    """What stands in the channel once the courier has nothing left to say."""
    while True:
        with desk.store.read() as tx:
            if not messages.due(tx, desk.clock.now()):
                return [steady(desk, text) for text in desk.said()]
        desk.courier.deliver()
        desk.clock.forward(2)


def listed(desk: Desk, services: Services) -> str:
    return told(desk, run(DigestArgs(), ASKED, services))


def told(desk: Desk, reply: Reply | object) -> str:
    assert isinstance(reply, Reply)
    lines = desk.people["trainer"].reader.blocks(list(reply.message.blocks))
    return steady(desk, "\n".join(lines))


def steady(desk: Desk, text: str) -> str:
    return SO_FAR.sub("<duration> so far", desk.people.steady(text))
