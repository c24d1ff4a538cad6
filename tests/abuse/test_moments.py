"""Roles that end, clocks that jump, and a disk that is full."""

from typing import Any

from sqlalchemy import event

from tests.abuse import plant
from tests.abuse.actions import IN_A_LINE
from tests.abuse.counter import Counter
from tests.abuse.people import PEOPLE
from tests.bot.conftest import MovedClock

TRAINER, APPROVER = PEOPLE["trainer"][0], PEOPLE["approver"][0]


def train(bot: Counter) -> bool:
    """Whether a trainer's wish is taken."""
    return "training_runs" in bot.deliver(bot.typed(TRAINER, "/train", IN_A_LINE)).changed


def test_who_is_taken_out_of_a_group_may_nothing_within_a_minute_whatever_the_clock_does(
    bot: Counter,
) -> None:
    clock = bot.services.clock
    assert isinstance(clock, MovedClock)
    assert train(bot)
    bot.twin.leaves_group(TRAINER.id, "S0TRAINERS")
    clock.forward(60)
    assert not train(bot)
    bot.twin.welcomes(TRAINER, "S0TRAINERS")
    clock.forward(60)
    assert train(bot)
    bot.twin.leaves_group(TRAINER.id, "S0TRAINERS")
    clock.forward(-3600)
    assert not train(bot)


def test_decisions_are_of_those_who_may_at_that_very_moment(bot: Counter) -> None:
    approve = bot.clicked(APPROVER, "deploy.approve", plant.WAITING)
    assert bot.deliver(approve).audited == [f"{APPROVER.id} deploy.approve"]
    bot.restore()
    bot.twin.leaves_group(APPROVER.id, "S0LINEONE1")
    refused = bot.deliver(approve)
    assert ("You may not decide" in refused.told, refused.changed) == (True, set())


def test_a_full_disk_is_said_and_nothing_is_half_done(bot: Counter) -> None:
    pages = {"most": 1}

    def limit(connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages['most']}")  # never below what there is

    engine = bot.services.store.engine
    event.listen(engine, "checkout", limit)
    for _ in range(200):
        seen = bot.deliver(bot.typed(TRAINER, "/train", IN_A_LINE))
        if "training_runs" not in seen.changed:
            break
    assert "Something went wrong inside Spotter. Nothing was started" in seen.told
    assert not seen.changed
    assert "running" in bot.deliver(bot.typed(TRAINER, "/runs", "")).told
    pages["most"] = 1_000_000
    assert train(bot)
