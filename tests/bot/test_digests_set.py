"""Digests are set by people and by the policy, paused, resumed and removed."""

from dataclasses import replace

import pytest
from inline_snapshot import snapshot

from commands.digest.command import DigestArgs, pause, remove, resume, run, send_what_is_due
from commands.kit.errors import UserError
from commands.kit.policy import FirstDigest, Policy
from commands.kit.services import Services
from storage import audit, digests
from tests.bot.conftest import LINE, Desk
from tests.bot.small_digests import (
    AGAIN,
    ASKED,
    HOUR,
    daily,
    delivered,
    hourly,
    listed,
    noon,
    outcomes,
    to_the_hour,
    told,
)

__all__ = ["noon"]


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
