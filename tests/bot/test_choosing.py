"""What a field offers while somebody types: what the store holds now, narrowed by every word of it."""

from datetime import timedelta

from commands.exports.command import trainable_first
from commands.kit.people import Person
from commands.kit.services import Services
from storage import catalog
from storage.catalog import ExportRow
from tests.bot.conftest import Desk

TRAINER = Person("U0TRAINER1", "trainer")


def test_a_new_export_is_offered_at_once_and_one_that_is_gone_no_more(desk: Desk, services: Services) -> None:
    assert offered(services, "") == []
    has(desk, "Caps_1", "labels_1")
    assert offered(services, "") == ["labels_1", "Caps_1"]
    assert offered(services, "CAPS") == ["Caps_1"]
    has(desk, "caps_2")
    assert offered(services, "caps") == ["caps_2", "Caps_1"]
    with desk.store.write() as tx:
        catalog.keep_exports(tx, [("Caps_1", "1")])
    assert offered(services, "") == ["Caps_1"]


def test_among_many_the_oldest_is_found_by_its_name(desk: Desk, services: Services) -> None:
    has(desk, "the_first", *(f"caps_{number}" for number in range(120)))
    assert len(offered(services, "")) == 100
    assert offered(services, "First") == ["the_first"]
    assert offered(services, "the_") == ["the_first"]
    assert offered(services, "caps%") == []


def offered(services: Services, typed: str) -> list[str]:
    return [option.value for option in trainable_first(services, TRAINER, typed)]


def has(desk: Desk, *names: str) -> None:
    with desk.store.write() as tx:
        known = catalog.count_exports(tx)
        for later, name in enumerate(names):
            at = desk.clock.now() + timedelta(seconds=known + later)
            catalog.put_export(tx, ExportRow(name, "1", "mltable", at, None, None, None, None, at, True))
