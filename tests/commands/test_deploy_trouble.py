"""Rollouts and rollbacks while services fail, files vanish and people ship in turn: what happens, what the card says.

The rooms, the store and the clients are the real ones; what they ask is `small_plant`.
"""

import re

import pytest

from commands.deploy.checks import verdict
from commands.deploy.decide import ReasonArgs, overridden, rejected
from commands.kit.command import Asked
from commands.kit.errors import UserError
from commands.kit.people import Person
from commands.kit.policy import Gates
from storage import evaluations
from tests.commands import small_plant_answers
from tests.commands.small_line import ANA, TRAINER, Line, line
from tests.commands.small_plant import MODEL, Build

__all__ = ["line"]

ALWAYS = ["2020-01-01 - 2099-12-31"]


def test_a_rollback_asks_azure_devops_only_about_runs_that_may_still_ship(line: Line) -> None:
    line.ships(1)
    second = line.ships(2)
    line.plant.down = {"devops"}
    line.rolls_back(second)
    line.follows(6, seconds=5)
    assert line.one(second).state == "rolled_back", line.card(second)
    assert line.plant.devices[1].model == (MODEL, "1")

    line.plant.down = set()
    third = line.agrees(line.wants(3))
    line.follows(2)
    assert line.one(third).rings[0]["state"] == "queued"  # type: ignore[index]  # it is being shipped
    line.plant.down = {"devops"}
    line.rolls_back(third)
    line.follows(3, seconds=60)
    assert "Azure DevOps does not say whether a run may still ship it" in line.card(third)
    line.plant.down = set()
    line.until(third, "failed")
    assert "Azure DevOps" not in line.card(third)


def test_a_run_that_is_not_listed_yet_is_waited_for_and_not_asked_for_twice(line: Line) -> None:
    builds, late = line.plant.builds, []

    def is_not_listed(_build: Build) -> None:
        late.append(builds.pop())

    line.plant.when_queued, line.plant.loses_answers = is_not_listed, 1
    name = line.agrees(line.wants(1))
    line.follows(5, seconds=11)
    assert len(late) == 1, "four looks have not passed"
    assert "did not say whether it started" in line.card(name)
    builds += late
    line.follows(seconds=5)
    (ring, _) = line.one(name).rings or []
    assert (ring["state"], ring["run_id"]) == ("queued", late[0].id)

    builds.clear()
    line.follows(4, seconds=12)
    builds += late
    line.follows()
    builds.clear()
    line.follows(4, seconds=12)
    assert line.one(name).state == "shipping", "it was missing for a moment, twice"
    line.follows(3, seconds=12)
    assert line.one(name).rollback_reason == "The edge pipeline's run for canary is not there any more."
    line.until(name, "failed")
    assert len(late) == 1


def test_a_canary_that_goes_dark_while_it_is_watched_proves_nothing(line: Line) -> None:
    canary = line.plant.devices[0]
    name = line.agrees(line.wants(1))
    line.follows(2)
    line.agents_work()
    line.follows(2)
    assert line.one(name).rings[0]["state"] == "baking"  # type: ignore[index]  # it is being shipped
    canary.is_silent = True
    line.follows(3, seconds=60)
    assert line.one(name).rings[0]["state"] == "baking", "it may come back"  # type: ignore[index]  # as above
    line.follows(5, seconds=60)
    assert len(line.plant.builds) == 1
    assert line.one(name).rollback_reason == (
        "line-1-canary did not show within 5 min that the new model still works: "
        "The model worked, but the device has not been in touch since. "
        "Check its power and network; it may have crashed."
    )
    canary.is_silent = False
    line.plant.obey()
    line.until(name, "rolled_back")

    again = line.agrees(line.wants(1))
    line.follows(2)
    line.agents_work()
    line.follows(2)
    canary.is_silent = True
    line.follows(3, seconds=60)
    canary.is_silent = False
    line.follows(2)
    assert line.one(again).rings[0]["state"] == "done", line.card(again)  # type: ignore[index]  # as above
    line.until(again, "shipped")


def test_a_canary_is_watched_until_the_next_ring_has_what_it_has(line: Line) -> None:
    canary, builds = line.plant.devices[0], line.plant.builds

    def canary_is_done() -> str:
        line.changes(freeze=[])
        name = line.agrees(line.wants(1))
        line.follows(2)
        line.agents_work()
        line.changes(freeze=ALWAYS)
        line.follows(4, seconds=60)
        assert [ring["state"] for ring in line.one(name).rings or []] == ["done", "wanted"]
        assert "is frozen until" in line.card(name)
        return name

    first = canary_is_done()
    canary.is_silent = True
    line.follows(9, seconds=60)
    assert line.one(first).state == "shipping", "who is off during a freeze has time"
    line.changes(freeze=[])
    line.follows(3, seconds=60)
    assert "Not every device of the ring canary is in touch and works now." in line.card(first)
    assert len(builds) == 1
    line.plant.down = {"hub"}
    line.follows()
    assert "IoT Hub does not say whether the devices that have the model" in line.card(first)
    line.plant.down, canary.is_silent = set(), False
    line.until(first, "shipped")
    line.rolls_back(first)
    line.until(first, "rolled_back")

    second = canary_is_done()
    line.plant.device_changes(0, "breaks")
    canary.fits = ""
    line.follows()
    assert "line-1-canary failed with the new model" in str(line.one(second).rollback_reason)
    line.plant.recover()
    line.until(second, "rolled_back")

    third = canary_is_done()
    canary.is_silent = True
    line.changes(freeze=[])
    line.follows(7, seconds=60)
    assert str(line.one(third).rollback_reason).startswith("line-1-canary did not show within 5 min that")


def test_an_override_by_somebody_who_is_no_approver_approves_nothing(line: Line) -> None:
    boss = Person("UBOSS", "boss")
    line.changes(override=[boss.id, ANA.id], gates=Gates(mean_average_precision=0.7, worse_by=1))
    asked = line.wants(1)

    def overrides(name: str, person: Person) -> None:
        overridden(
            ReasonArgs(name, "for an hour"), Asked(person, "C0LINE", f"{name}:{person.id}"), line.services
        )

    overrides(asked, boss)
    assert line.one(asked).state == "waiting" and "1 approval needed" in line.card(asked)
    line.agrees(asked)
    line.until(asked, "shipped")

    other = line.wants(1)
    overrides(other, ANA)
    assert line.one(other).state == "approved", "who is an approver has approved"
    line.until(other, "shipped")


def test_approvers_can_stop_what_is_approved_while_it_waits(line: Line) -> None:
    line.changes(freeze=ALWAYS)
    asked = line.agrees(line.wants(1))
    line.follows()
    assert {"Reject …", "Withdraw"} <= set(line.card(asked).splitlines())
    sees_better = ReasonArgs(asked, "the camera was moved")
    with pytest.raises(UserError, match="You may not decide"):
        rejected(sees_better, Asked(TRAINER, "C0LINE", "no:trainer"), line.services)
    rejected(sees_better, Asked(ANA, "C0LINE", "no:ana"), line.services)
    assert line.one(asked).state == "rejected" and "the camera was moved" in line.card(asked)

    line.changes(freeze=[])
    shipping = line.agrees(line.wants(1))
    line.follows()
    with pytest.raises(UserError, match="and on its way"):
        rejected(ReasonArgs(shipping, "late"), Asked(ANA, "C0LINE", "no:late"), line.services)


def test_who_is_asked_for_less_time_than_the_reminder_needs_is_reminded_half_way(line: Line) -> None:
    line.changes(expires_hours=2, remind_hours=4)
    asked = line.wants(1)
    line.follows(seconds=3500)
    assert not line.card(asked, ":reminder")
    line.follows(seconds=100)
    assert "still needs 1 approval" in line.card(asked, ":reminder")


def test_what_was_measured_is_looked_up_again(line: Line) -> None:
    def measures(average: float) -> None:
        figures = {"mean_average_precision": average, "precision": 0.9, "recall": 0.9}
        models = [{"name": MODEL, "version": 1, "held_out": True, **figures}]
        counted = {"digest": "a" * 64, "pictures": 9, "boxes": 9}
        with line.services.store.write() as tx:
            evaluations.want(tx, MODEL, 1, "run", line.clock.now())
            row = evaluations.get(tx, MODEL, 1)
            assert row is not None
            found = {"dataset": "caps", "set": counted, "models": models}
            evaluations.put(tx, row, line.clock.now(), found=found)

    measures(0.8)
    shipping, again = line.agrees(line.wants(1)), "what was measured on held-out pictures changed"
    line.follows(2)
    (build,) = line.plant.builds
    measures(0.6)
    approved, reason = verdict(build.id, line.services)
    assert not approved and again in reason
    line.until(shipping, "failed")
    asked = line.wants(1)
    measures(0.5)
    line.follows()
    assert line.one(asked).outcome == f"After it was asked for, {again}."


def test_gates_that_get_stricter_count_for_what_was_asked_and_approved_before(line: Line) -> None:
    strict, loose = Gates(mean_average_precision=0.7, worse_by=1), Gates(worse_by=1)
    asked = line.wants(1)
    line.changes(gates=Gates(mean_average_precision=0.6, worse_by=1))
    line.follows()
    assert line.one(asked).state == "waiting", "v1 reaches 0.620"
    line.changes(gates=strict)
    line.follows()
    assert line.one(asked).outcome == (
        "After it was asked for, the gates changed: mAP has to be at least 0.700 and is 0.620."
    )

    line.changes(gates=loose)
    shipping = line.agrees(line.wants(1))
    line.follows(2)
    line.changes(gates=strict)
    (build,) = line.plant.builds
    approved, reason = verdict(build.id, line.services)
    assert not approved and "not in force any more: the gates changed: mAP has to be" in reason
    line.until(shipping, "failed")
    assert not line.plant.configurations


def test_nothing_ships_while_the_files_of_a_model_cannot_be_read(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = "the role Storage Blob Data Reader"
    refused = ("GET", re.compile("/models"), "", lambda _plant, _asked: (403, "no"))
    open_again = small_plant_answers.ROUTES
    shut = [refused, *open_again]
    asked = line.wants(1)
    monkeypatch.setattr(small_plant_answers, "ROUTES", shut)
    line.follows()
    assert f"{role} there. So it is not known whether this still is what" in line.card(asked)
    monkeypatch.setattr(small_plant_answers, "ROUTES", open_again)
    line.follows()
    assert role not in line.card(asked)

    line.agrees(asked)
    line.follows(2)
    monkeypatch.setattr(small_plant_answers, "ROUTES", shut)
    (build,) = line.plant.builds
    approved, reason = verdict(build.id, line.services)
    assert not approved and reason.startswith("Spotter could not find out: ") and role in reason
    monkeypatch.setattr(small_plant_answers, "ROUTES", open_again)
    line.agents_work()
    line.follows(2)
    monkeypatch.setattr(small_plant_answers, "ROUTES", shut)
    line.follows(9, seconds=20)
    assert [build.parameters["ring"] for build in line.plant.builds] == ["canary"], "its bake time is over"
    assert f"{role} there. So the model's files do not say whether the approvals" in line.card(asked)


def test_files_that_change_while_a_run_takes_them_are_found_when_it_has_ended(line: Line) -> None:
    line.ships(2)
    name = line.agrees(line.wants(1))
    line.follows(2)
    line.agents_work()
    line.plant.files_change(1)
    line.plant.down = {"azure"}
    line.follows()
    assert "not say whether what was built are the files that were approved." in line.card(name)
    assert line.one(name).rings[0]["state"] == "queued"  # type: ignore[index]  # it is being shipped
    line.plant.down = set()
    line.follows(seconds=60)
    assert line.one(name).rollback_reason == (
        "The edge pipeline's run for canary may have built other files than those that were approved: "
        "the model's files changed."
    )
    line.until(name, "rolled_back")
    assert line.plant.devices[0].model == (MODEL, "2")


def test_what_waited_for_another_rollout_is_not_shipped_over_what_that_brought(line: Line) -> None:
    line.ships(1)
    second = line.agrees(line.wants(2))
    line.follows()
    third = line.agrees(line.wants(3))
    line.follows()
    assert "Another rollout on line-1 is under way" in line.card(third)
    line.until(second, "shipped")
    line.follows()
    assert line.one(third).outcome == (
        "After it was asked for, line-1 came to run Cap_Model v2; approvers compared with Cap_Model v1."
    )
    again = line.agrees(line.wants(3))
    line.plant.down = {"hub"}
    line.follows()
    assert "IoT Hub does not say what runs on line-1 now." in line.card(again)
    line.plant.down = set()
    line.until(again, "shipped")


def test_a_card_promises_only_what_is_left_to_go_back_to(line: Line) -> None:
    first, second = line.ships(1), line.ships(2)
    assert "Cap_Model v2 leaves its devices; Cap_Model v1 comes back." in line.card(second)
    third = line.ships(3)
    assert "Cap_Model v3 has taken its place." in line.card(second)
    assert "It is not there any more." in line.card(first)
    assert not line.offers_a_rollback(first) and not line.offers_a_rollback(second)
    assert "Cap_Model v3 leaves its devices; Cap_Model v2 comes back." in line.card(third)

    line.rolls_back(third)
    assert "Cap_Model v2 comes back" in line.card(third, ":rolling_back")
    line.until(third, "rolled_back")
    assert "on all devices" in line.card(second)
    assert "no other model is left for them: line-1 runs none until" in line.card(second)
    assert line.offers_a_rollback(second) and not line.offers_a_rollback(first)

    line.rolls_back(second)
    assert "no other model is left there" in line.card(second, ":rolling_back")
    line.until(second, "rolled_back")
    assert "no model runs there now" in line.card(second, ":rolled_back")
    with pytest.raises(UserError, match="is not what line-1 runs now"):
        line.rolls_back(first)
    again = line.ships(1)
    assert line.plant.devices[0].model == (MODEL, "1")
    assert "no other model is left" in line.card(again)
