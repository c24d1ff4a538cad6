"""What people are told about a request at moments that stories seldom see."""

import pytest

from commands.deploy.decide import withdraw
from commands.deploy.facts import learned_from
from commands.home.view import home
from commands.kit.command import Asked
from commands.kit.errors import UserError
from commands.kit.people import Person
from commands.kit.policy import Gates
from commands.models.follow import follow_devices
from commands.models.where import devices_of
from commands.spotter.command import standing
from storage import messages
from tests.commands.small_line import ANA, TRAINER, Line, line
from tests.commands.small_plant import MODEL

__all__ = ["line"]


def too_late(line: Line, name: str) -> str:
    """What a click on Approve is answered."""
    with pytest.raises(UserError) as told:
        line.agrees(name)
    return str(told.value).removesuffix(" The card shows how it stands.")


def test_a_click_that_comes_too_late_is_told_why_in_words_for_people(line: Line) -> None:
    name = line.wants(1)
    withdraw(name, Asked(TRAINER, "C0LINE", "no"), line.services)
    assert too_late(line, name) == "Withdrawn by trainer."
    older, name = line.wants(1), line.wants(2)
    assert too_late(line, older) == "trainer asked for Cap_Model v2 instead."
    line.agrees(name)
    assert too_late(line, name) == "It is approved already."
    line.follows()
    assert too_late(line, name) == "It is approved already, and on its way."
    line.rolls_back(name)
    assert too_late(line, name) == "It was approved, and is being rolled back. trainer rolled it back."
    with pytest.raises(UserError, match="nothing to roll back: Cap_Model:2 on line-1 is being rolled back"):
        line.rolls_back(name)
    line.until(name, "failed")
    assert too_late(line, name).startswith("It was approved, but could not be shipped. trainer rolled it")


def test_approvers_are_asked_in_a_message_of_its_own_and_whoever_asked_hears_why_it_ends(line: Line) -> None:
    line.plant.down = {"hub"}
    name = line.wants(1)
    assert "Azure is not answering." in line.card(name, ":preparing")
    assert not line.card(name), "a mention that is edited in reaches nobody"
    line.plant.down = set()
    line.follows()
    assert "its card is below" in line.card(name, ":preparing")
    assert "<@UANA>: 1 approval needed." in line.card(name)

    line.agrees(name)
    line.plant.tags_change(1)
    line.follows()
    ended = "Cap_Model v1 on line-1 is out of date. After it was asked for, mAP changed."
    assert line.card(name, ":ended") == f"{ended}\n:no_entry: <@UTRAINER>: {ended}"


def test_home_asks_who_may_override_and_shows_what_is_on_its_way(line: Line) -> None:
    line.changes(override=["UBOSS"], gates=Gates(mean_average_precision=0.7))
    name = line.wants(1)
    asked = str(home(Person("UBOSS", "boss"), line.services))
    assert ":x: mAP: 0.620 (at least 0.700)" in asked
    assert "deploy.ask_override" in asked and "deploy.ask_reject" not in asked
    assert "1 decision needs you" not in str(home(TRAINER, line.services))
    withdraw(name, Asked(TRAINER, "C0LINE", "no"), line.services)

    line.agrees(line.wants(2))
    line.follows(2)
    shown = str(home(TRAINER, line.services))
    assert "1 running" in shown
    assert "*Cap_Model v2 on line-1*: canary is being built and shipped, for 0 s" in shown
    assert "1 running, " in standing(line.services)


def test_the_way_back_says_for_whom_it_waits(line: Line) -> None:
    line.ships(1)
    name = line.ships(2)
    line.plant.device_changes(1, "falls silent")
    line.rolls_back(name)
    line.follows(3)
    assert "trainer rolled it back.\nBack: 1 of 2, waiting for line-1-rest." in line.card(name)
    line.until(name, "rolled_back")
    assert "line-1-rest did not report within 5 min; it follows at its next contact" in line.card(name)


def test_the_way_back_does_not_believe_what_a_device_said_before_it_went_dark(line: Line) -> None:
    line.ships(1)
    line.plant.device_changes(1, "falls silent")
    name = line.agrees(line.wants(2))
    line.until(name, "shipping")
    while line.one(name).rings[1]["state"] != "rolling":  # type: ignore[index]  # it is being shipped
        line.agents_work()
        line.follows(seconds=20)
    assert line.plant.devices[1].model == (MODEL, "1"), "as far as it has told"
    line.rolls_back(name)
    line.follows(3)
    assert "Back: 1 of 2, waiting for line-1-rest." in line.card(name)
    line.plant.device_changes(1, "recovers")
    line.follows()
    assert line.one(name).state == "rolled_back" and "did not report" not in line.card(name)


def test_a_device_that_somebody_changed_by_hand_is_named(line: Line) -> None:
    device = line.plant.devices[1]

    def told() -> str:
        follow_devices(line.services)
        return str(devices_of("line-1", line.services).content()["plain"])

    first, second = line.ships(1), line.ships(2)
    assert "2 of 2 devices report that their model works" in told() and "not shipped" not in told()
    shipped, device.runs = device.runs, "registry.test/detector@sha256:" + "f" * 64
    assert "1 of 2 devices report" in told()
    assert "runs what was not shipped: another image of Cap_Model v2" in told()
    device.runs, device.model = shipped, (MODEL, "1")
    assert "runs what was not shipped: Cap_Model v1 in place of Cap_Model v2" in told()
    line.rolls_back(second)
    assert "not shipped" not in told(), "it is on its way"
    line.until(second, "rolled_back")
    assert line.offers_a_rollback(first) and "2 of 2 devices report" in told()


def test_a_line_with_one_device_gets_it_at_once_and_one_is_said_as_one(line: Line) -> None:
    line.changes(rings=["all"])
    line.plant.devices = line.plant.devices[:1]
    name = line.wants(1)
    assert "goes to all devices of line-1 at once." in line.card(name)
    line.agrees(name)
    line.until(name, "shipped")
    assert ": 1 device runs it and reports that it works." in line.card(name, ":shipped")


def test_what_stops_after_the_canary_does_not_say_that_nothing_was_shipped(line: Line) -> None:
    name = line.agrees(line.wants(1))
    line.follows(2)
    line.agents_work()
    line.follows(2)
    line.changes(approvers=["USOMEBODYELSE"])
    line.until(name, "rolled_back")
    assert line.one(name).outcome == (
        "It went no further than canary: there are not enough approvals any more (approver may not approve any more)."
    )


def test_who_is_asked_while_a_line_is_frozen_is_told_until_when(line: Line) -> None:
    line.changes(freeze=["2030-01-06 - 2030-01-07", "mon 22:00 - tue 06:00"], time_zone="Europe/Berlin")
    name = line.wants(1)
    told = "line-1 is frozen until Tue 8 Jan 2030, 06:00 (Europe/Berlin). What is approved is shipped afterwards."
    assert told in line.card(name) and told in str(home(ANA, line.services))
    line.clock.sleep(22 * 3600)
    line.follows()
    assert "frozen" not in line.card(name)
    line.changes(freeze=["tue 05:00 - tue 09:00"])
    line.follows()
    assert "frozen until Tue 8 Jan 2030, 09:00" in line.card(name)
    line.changes(freeze=[])
    line.agrees(name)
    assert "frozen" not in line.card(name) and line.one(name).state == "approved"


def test_a_superseded_card_leads_to_the_newer_one(line: Line) -> None:
    older, newer = line.wants(1), line.wants(2)
    assert "The newer request" not in line.card(older), "Slack has no card yet"
    with line.services.store.write() as tx:
        messages.change(tx, f"deploy:{newer}", ts="1.2")
    line.follows(2)
    assert "<https://slack.test/C0LINE/1.2|The newer request>" in line.card(older)


@pytest.mark.parametrize(
    ("images", "boxes", "words"),
    [
        (12, {"lid": 3, "cap": -2}, "12 more images; boxes of `cap` 2 fewer, `lid` 3 more"),
        (-1, {"lid": 0}, "1 fewer image"),
        (0, {}, "as many images and boxes"),
    ],
)
def test_the_growth_of_a_data_set_is_said_in_words(images: int, boxes: dict[str, int], words: str) -> None:
    grown = {"since": "caps_1", "more_images": images, "more_boxes": boxes}
    text = learned_from({"dataset": {"name": "caps_2", "images": 60, "boxes": {"lid": 9}, **grown}})
    assert text == f"Trained on `caps_2`: 60 images, 9 boxes. Since `caps_1`: {words}"
