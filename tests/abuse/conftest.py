"""A counter of the bot beside a Slack twin, with people of every kind before it."""

import sqlite3
from collections.abc import Iterator

import pytest
from sqlalchemy import event

from commands.kit.policy import Gates, Policy, Roles, Target
from commands.kit.services import Services
from tests.abuse.counter import Counter, counter
from tests.abuse.people import CREW, PEOPLE, REQUESTER
from tests.abuse.plant import LINE, fill
from tests.bot.conftest import Desk, desk, services

__all__ = ["desk", "services"]


def usual_policy() -> Policy:
    """Who is of the crew may look; each further role is another person's."""
    line = {"channel": LINE, "approvals": 2, "gates": Gates(mean_average_precision=0.5)}
    return Policy(
        roles=Roles(
            view=[CREW],
            train=["S0TRAINERS", "U0GONE0001"],
            publish=["U0PUBLISH1", "U0GONE0001"],
            deploy=["U0DEPLOYS1", "U0GONE0001"],
        ),
        targets={
            "line-1": Target(
                **line, approvers=["S0LINEONE1", "U0GONE0001"], override=["U0OVERRID1", "U0GONE0001"]
            ),
            "line-2": Target(**line, approvers=["S0LINETWO1"]),
        },
    )


@pytest.fixture
def bot(desk: Desk, services: Services) -> Iterator[Counter]:
    for person, groups in PEOPLE.values():
        if person.id != "U0NOBODY01":
            desk.slack.welcomes(person, *groups)
    policy = usual_policy()
    event.listen(services.store.engine, "connect", _hurry)
    services.store.engine.dispose()
    with services.store.write() as tx:
        fill(tx, services.clock.now(), policy, REQUESTER)
    with counter(services, desk.slack, desk.client) as made:
        made.open(policy)
        yield made


def _hurry(connection: sqlite3.Connection, _: object) -> None:
    """No power is cut here."""
    connection.execute("PRAGMA synchronous=OFF")
