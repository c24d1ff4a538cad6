"""Runs at the door of their environment: which are let in, which wait there, and who hears of the others.

The rooms, the store and the clients are the real ones; what they ask is `small_plant`.
"""

from commands.deploy.checks import verdict
from storage import audit, messages
from tests.commands.small_line import LINE, Line, line
from tests.commands.small_plant import MODEL, Build

__all__ = ["line"]

ALWAYS = ["2020-01-01 - 2099-12-31"]


def test_a_freeze_that_begins_holds_a_ring_that_is_tried_again_and_a_run_at_the_door(line: Line) -> None:
    builds = line.plant.builds

    def is_lost(_build: Build) -> None:
        builds.clear()

    line.plant.when_queued, line.plant.loses_answers = is_lost, 1
    name = line.agrees(line.wants(1))
    line.follows()
    line.plant.when_queued = lambda _build: None
    line.changes(freeze=ALWAYS)
    line.follows(9, seconds=60)
    assert not builds and "The ring canary follows afterwards." in line.card(name)
    line.changes(freeze=[])
    line.follows(2, seconds=60)
    assert len(builds) == 1 and "frozen" not in line.card(name)

    line.changes(freeze=ALWAYS)
    line.agents_work()
    line.follows(9, seconds=60)
    assert line.one(name).state == "shipping" and not line.plant.configurations
    assert "The ring canary follows afterwards." in line.card(name)
    assert [build.result for build in builds] == ["failed"]
    line.changes(freeze=[])
    line.plant.loses_answers = 1
    line.follows(2, seconds=11)
    assert len(builds) == 2, "the one that was put off is not taken for the new one"
    assert not verdict(builds[0].id, line.services)[0], "somebody starts it again"
    line.until(name, "shipped")
    assert len(builds) == 3


def test_a_ring_at_the_door_waits_while_the_canary_is_not_well(line: Line) -> None:
    canary, builds = line.plant.devices[0], line.plant.builds
    name = line.agrees(line.wants(1))
    while len(builds) < 2:
        line.agents_work()
        line.follows(seconds=20)
    canary.is_silent = True
    not_well = "Not every device of the ring canary is in touch and works now. The next ring waits for that."
    assert verdict(builds[1].id, line.services) == (False, not_well)
    line.plant.down = {"hub"}
    assert not verdict(builds[1].id, line.services)[0]
    line.plant.down = set()
    line.agents_work()
    line.follows(3, seconds=20)
    assert [ring["state"] for ring in line.one(name).rings or []] == ["done", "wanted"]
    assert len(builds) == 2 and not_well in line.card(name)
    canary.is_silent = False
    while len(builds) < 3:
        line.follows(seconds=20)
    canary.is_silent = True
    assert not verdict(builds[2].id, line.services)[0]
    builds[2].status, builds[2].result = "completed", "canceled"
    line.follows()
    stopped = "The edge pipeline's run for all was canceled in Azure DevOps."
    assert line.one(name).rollback_reason == stopped, "somebody wants it to end"


def test_the_channel_hears_once_of_a_run_that_came_without_the_approvers(line: Line) -> None:
    def comes(target: str = LINE) -> str:
        """By hand; what the channel reads of it when its environment has asked twice."""
        given = {"modelName": MODEL, "modelVersion": "2", "target": target, "ring": "canary"}
        build = line.plant.queue({**given, "correlationId": "none"}, by_spotter=False)
        return asks_again(build)

    def asks_again(build: Build) -> str:
        assert not any(verdict(build.id, line.services)[0] for _ in range(2))
        with line.services.store.read() as tx:
            told = messages.get(tx, f"deploy:turned-away:{build.id}")
            rows = [row for row in audit.rows(tx, subject=f"run:{build.id}") if "turned_away" in row.action]
        assert len(rows) == bool(told)
        assert told is None or (told.channel, told.wanted_revision) == ("C0LINE", 1)
        return str(told.wanted["text"]) if told else ""

    assert comes() == "A run in Azure DevOps wanted to put Cap_Model v2 on line-1, and was not let in."
    assert comes("line-9") == "", "no target of this name has a channel"
    name = line.agrees(line.wants(2))
    line.follows(2)
    own = line.plant.builds[-1]
    assert "wanted to put" in comes(), "while another one ships with approvals"
    line.rolls_back(name)
    assert asks_again(own) == "", "the card tells what becomes of it"
    line.until(name, "failed")
    assert "wanted to put" in asks_again(own), "somebody started it again"


def test_a_run_whose_stage_was_skipped_is_not_waited_for_until_the_deadline(line: Line) -> None:
    name = line.agrees(line.wants(1))
    line.follows(2)
    (build,) = line.plant.builds
    line.plant.down = {"slack", "azure"}
    assert not verdict(build.id, line.services)[0]
    line.plant.down = set()
    build.status, build.result = "completed", "succeeded"
    line.follows(6, seconds=14)
    assert line.one(name).rollback_reason.startswith(  # type: ignore[union-attr]  # it is there, or this fails
        "The edge pipeline's run for canary ended without shipping anything. Spotter could not find out: "
    )
    line.until(name, "failed")


def test_a_run_without_its_parameters_is_taken_back_before_it_is_canceled(line: Line) -> None:
    def drops_and_goes_down(build: Build) -> None:
        del build.parameters["modelVersion"], build.parameters["correlationId"]
        line.plant.down = {"devops"}

    line.plant.when_queued = drops_and_goes_down
    name = line.agrees(line.wants(1))
    line.follows(3)
    (build,) = line.plant.builds
    assert (line.one(name).state, build.status) == ("rolling_back", "notStarted")
    line.plant.down = set()
    line.follows()
    assert build.status == "cancelling"
    line.until(name, "failed")
    assert "without the parameters modelVersion, correlationId" in line.card(name)

    late: list[Build] = []

    def is_listed_later_as_another(build: Build) -> None:
        build.parameters["modelVersion"] = "3"
        late.append(line.plant.builds.pop())

    line.plant.when_queued, line.plant.loses_answers = is_listed_later_as_another, 1
    again = line.agrees(line.wants(1))
    line.follows(2, seconds=20)
    line.plant.builds += late
    line.follows(2, seconds=20)
    assert late[0].status == "cancelling"
    line.until(again, "failed")
    assert "without the parameters modelVersion." in line.card(again)
