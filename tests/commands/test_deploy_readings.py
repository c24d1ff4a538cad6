"""A hub that tells of devices in pages, over some looks: what it told before a moment proves nothing about later.

The rooms, the store and the clients are the real ones; what they ask is `small_plant`.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from commands.deploy.checks import verdict
from commands.kit.health import IOT_HUB
from commands.models.follow import follow_devices
from infra.http.errors import AzureError
from infra.iothub.errors import Resting
from storage import audit
from tests.commands import small_plant_answers
from tests.commands.small_line import LINE, Line, line
from tests.commands.small_plant import MODEL, Plant
from tests.commands.small_plant_answers import Answer, Asked, Handler, Page, modules, twin

__all__ = ["line"]


@dataclass
class Pages:
    """The hub's own way to answer queries: the modules in two pages, those of the last device first."""

    granted: int = 1000
    told: list[str] = field(default_factory=list)
    is_half_way: bool = False

    def answer(self, plant: Plant, asked: Asked) -> Answer:
        if not self.granted:
            return 429, {"Message": "ErrorCode:ThrottlingException;Operation type: Query"}
        self.granted -= 1
        query = json.loads(asked.body)["query"]
        self.told.append(query)
        if "devices.modules" not in query:
            self.is_half_way = False
            return 200, [twin(device) for device in plant.devices]
        self.is_half_way = not self.is_half_way
        there = plant.devices[-1:] if self.is_half_way else plant.devices[:-1]
        rows = [row for device in there for row in modules(plant, device)]
        return 200, Page(rows, "more") if self.is_half_way else rows


@pytest.fixture
def pages(line: Line, monkeypatch: pytest.MonkeyPatch) -> Pages:
    told = Pages()
    _answers(monkeypatch, "POST", "/devices/query", told.answer)
    return told


def _answers(monkeypatch: pytest.MonkeyPatch, method: str, path: str, handler: Handler) -> None:
    mine = (method, re.compile(path), "hub", handler)
    monkeypatch.setattr(small_plant_answers, "ROUTES", [mine, *small_plant_answers.ROUTES])


def test_a_device_that_goes_dark_after_it_was_read_is_not_taken_for_back(line: Line, pages: Pages) -> None:
    rest = line.plant.devices[1]
    line.plant.devices = line.plant.devices[:2]
    line.ships(1)
    second = line.agrees(line.wants(2))
    while len(line.plant.builds) < 4:
        line.agents_work()
        line.follows(seconds=20)
    line.plant.devices.remove(rest)  # the hub is behind with it
    line.agents_work()
    line.plant.devices.append(rest)
    line.follows(seconds=20)
    assert line.one(second).rings[1]["state"] == "rolling"  # type: ignore[index]  # it is being shipped
    pages.granted = 2
    line.follows(seconds=5)
    assert pages.is_half_way and rest.model == (MODEL, "1"), "so it was read"
    line.plant.obey()
    assert rest.model == (MODEL, "2")
    rest.is_silent = True

    line.rolls_back(second)
    line.follows(seconds=5)
    assert len(line.plant.configurations) == 1, "the deployments of the request are gone"
    pages.granted = 1
    line.follows(seconds=5)
    assert (pages.granted, pages.is_half_way) == (0, False), "the reading from before has ended"
    assert line.one(second).state == "rolling_back", line.card(second)
    pages.granted = 1000
    line.follows(2, seconds=5)
    assert "Back: 1 of 2, waiting for line-1-rest." in line.card(second)
    line.follows(6, seconds=60)
    assert line.one(second).state == "rolled_back"
    assert "line-1-rest did not report within 5 min" in str(line.one(second).outcome)


def test_a_way_back_is_judged_from_the_try_that_took_the_deployments_away(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, known = line.ships(1), small_plant_answers.ROUTES
    _answers(monkeypatch, "DELETE", "/configurations/.*", lambda _plant, _asked: (403, {"Message": "no"}))
    line.rolls_back(name)
    line.follows(3, seconds=30)
    assert line.plant.configurations
    monkeypatch.setattr(small_plant_answers, "ROUTES", known)
    line.follows(seconds=30)
    assert not line.plant.configurations
    removed = [datetime.fromisoformat(ring["removed"]) for ring in line.one(name).rings or []]
    assert max(removed) == line.clock.now(), "until then devices could take the model"
    line.until(name, "rolled_back")
    with line.services.store.read() as tx:
        told = [row.action for row in audit.rows(tx, subject=name)]
    assert told.count("deploy.removed") == 1


def test_a_ring_is_not_judged_by_what_was_read_before_it_was_shipped(line: Line) -> None:
    assert line.services.hub is not None
    name = line.agrees(line.wants(1))
    line.follows(2)
    with pytest.raises(Resting):
        line.services.hub.devices_by_and_by(line.clock.now(), [LINE], pages=1)
    line.agents_work()
    line.follows(2, seconds=5)
    assert line.one(name).rings[0]["state"] == "rolling"  # type: ignore[index]  # it is being shipped
    line.follows(seconds=5)
    (canary, _) = line.one(name).rings or []
    assert canary["state"] == "baking" and canary["healthy_at"] > canary["applied_at"]


def test_a_run_at_the_door_is_let_in_when_its_canaries_have_been_read_by_and_by(
    line: Line, pages: Pages
) -> None:
    name = line.agrees(line.wants(1))
    while len(line.plant.builds) < 2:
        line.agents_work()
        line.follows(seconds=20)
    (build, before) = line.plant.builds[1], len(pages.told)
    answers = []
    for _ in range(3):
        pages.granted = 1
        answers.append(verdict(build.id, line.services)[0])
        line.follows(seconds=60)
    assert answers == [False, False, True], line.card(name)
    asked = pages.told[before:]
    assert len(asked) == 3 and "tags.ring IN ['canary']" in asked[0], "no page was read twice"


def test_a_hub_that_tells_deployments_and_no_devices_is_in_trouble_all_the_while(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = line.agrees(line.wants(1))
    line.follows(2)
    line.agents_work()
    line.follows()
    known = small_plant_answers.ROUTES
    _answers(monkeypatch, "POST", "/devices/query", lambda _plant, _asked: (403, {"Message": "no"}))
    since: list[datetime] = []
    for _ in range(3):
        line.follows(seconds=30)
        since += [each.since for each in line.services.health.troubles() if each.service == IOT_HUB]
    assert (len(since), len({*since})) == (3, 1), "it never was well"
    monkeypatch.setattr(small_plant_answers, "ROUTES", known)
    line.until(name, "shipped")
    assert not line.services.health.troubles()


def test_devices_are_not_read_before_their_deployments_are(
    line: Line, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answers(monkeypatch, "GET", "/configurations", lambda _plant, _asked: (403, {"Message": "no"}))
    with pytest.raises(AzureError):
        follow_devices(line.services)
    assert not pages.told, "what was read over many looks would be lost"
