"""What tests of digests share: a noon to begin with, digests that are due, and what has come of them."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from commands.digest.command import DigestArgs, run
from commands.kit.command import Asked, Reply
from commands.kit.people import Person
from commands.kit.services import Services
from storage import digests, messages, runs
from storage.digests import Digest
from storage.runs import TrainingRun
from tests.bot.conftest import LINE, Desk

HOUR = timedelta(hours=1)
TRAINER = Person("U0TRAINER1", "trainer")
ASKED = Asked(TRAINER, LINE, "command:1")
AGAIN = Asked(TRAINER, LINE, "command:2")
SO_FAR = re.compile(r"\b[\dhmins ]+ so far")


@pytest.fixture(autouse=True)
def noon(desk: Desk) -> None:
    """Every test begins at the same time of a day, whenever it is run."""
    tomorrow = desk.clock.now().replace(hour=12, minute=0, second=0) + timedelta(days=1)
    desk.clock.forward((tomorrow - desk.clock.now()).total_seconds())


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
