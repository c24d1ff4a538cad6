"""How a shipment lands, told from the devices' own words."""

from datetime import UTC, datetime
from typing import Any

from infra.failures.devices import explain_landing
from infra.iothub.rollout import Rollout
from tests.infra_iothub.conftest import Line, image


def ids(rollout: Rollout, phase: str) -> list[str]:
    return [each.device.id for each in rollout.landings if each.phase == phase]


def test_from_canary_to_all_and_back(line: Line) -> None:
    old = line.ships(1, "all", build=400)
    told = line.rollout(old, lambda r: r.applied == 2)
    assert ids(told, "waiting") == ["line-1-a", "line-1-b"], "line 2 is none of its business"
    assert [each.codes for each in told.landings] == [("not-taken",)] * 2
    for device in ("line-1-a", "line-1-b"):
        line.runs(device, 1)
    assert line.rollout(old, lambda r: r.is_done).targeted == 2

    canary = line.ships(2, "canary", build=412)
    told = line.rollout(canary, lambda r: r.applied == 1)
    assert ids(told, "waiting") == ["line-1-a"] and told.deployment.image == image(2)
    assert line.rollout(old, lambda r: r.outranked).outranked[0].winner == canary
    line.agent("line-1-a")
    told = line.rollout(canary, lambda r: r.landings[0].codes == ("not-started",))
    line.runs("line-1-a", 2, health="starting")
    told = line.rollout(canary, lambda r: r.landings[0].codes == ("not-reported",))
    assert explain_landing(told.landings[0]).reason == "edge-not-reported"
    line.runs("line-1-a", 2)
    assert line.rollout(canary, lambda r: r.is_done)

    everywhere = line.ships(2, "all", build=413)
    line.rollout(everywhere, lambda r: r.applied == 2)
    line.agent("line-1-a")
    line.runs("line-1-b", 2)
    assert line.rollout(everywhere, lambda r: r.is_done)
    survey = line.until(lambda s: all(device.works for device in s.in_ring("line-1", "all")))
    assert {device.id: device.report.version for device in survey.devices} == {
        "line-1-a": "2",
        "line-1-b": "2",
        "line-2-a": "",
    }
    assert [device.id for device in survey.in_ring("line-1", "canary")] == ["line-1-a"]
    assert survey.devices[2].tags == {"target": "line-2"} and survey.devices[2].is_connected
    last_seen = survey.devices[0].last_seen
    assert last_seen is not None and (datetime.now(UTC) - last_seen).total_seconds() < 60
    shipped = survey.deployment(everywhere)
    assert shipped is not None and (shipped.model, shipped.version, shipped.key) == ("Caps", "2", "request-2")
    below = survey.below(shipped)
    assert below is not None and below.id == old
    assert [each.id for each in survey.superseded(shipped)] == [canary]
    assert [each.id for each in survey.of_request("request-2")] == [everywhere, canary]

    for each in survey.of_request("request-2"):
        line.client.withdraw(each.id)
    told = line.rollout(old, lambda r: r.applied == 2)
    assert ids(told, "waiting") == ["line-1-a", "line-1-b"], "told to go back, but not back yet"
    for device in ("line-1-a", "line-1-b"):
        line.runs(device, 1)
    assert line.rollout(old, lambda r: r.is_done)
    survey = line.client.survey()
    assert [each.id for each in survey.deployments] == [old]
    assert survey.below(survey.deployments[0]) is None
    assert survey.rollout(canary, now=datetime.now(UTC), deadline=datetime.now(UTC)) is None


def test_what_may_be_tidied_away(line: Line) -> None:
    first, second = line.ships(1, "all", build=400), line.ships(2, "all", build=413)
    second_canary = line.ships(2, "canary", build=412)
    third_canary, third = line.ships(3, "canary", build=420), line.ships(3, "all", build=421)
    survey = line.client.survey()
    shipped = {each.id: each for each in survey.deployments}
    assert list(shipped) == [third, third_canary, second, second_canary, first], "the highest priority first"
    assert {each.id for each in survey.superseded(shipped[third])} == {third_canary, second_canary, first}
    assert survey.superseded(shipped[third_canary]) == [], "nothing before all devices have it"
    kept = survey.below(shipped[third_canary])
    assert kept is not None and kept.id == second


def test_devices_that_fail_are_silent_or_say_they_are_ill(line: Line) -> None:
    shipped = line.ships(2, "all", build=412)
    line.rollout(shipped, lambda r: r.applied == 2)
    image_missing = "Error calling pull image for module detector: manifest unknown"
    line.agent("line-1-a", 500, image_missing)
    told = line.rollout(shipped, lambda r: r.failed, late=True)
    assert (ids(told, "failed"), ids(told, "silent")) == (["line-1-a"], ["line-1-b"])
    why = explain_landing(told.failed[0])
    assert (why.reason, why.raw) == ("edge-image-missing", image_missing)
    assert explain_landing(told.silent[0]).reason == "edge-not-taken"
    # Killed over and over for want of memory; the other one runs, but its model is broken.
    ended: dict[str, Any] = {
        "runtimeStatus": "backoff",
        "exitCode": 137,
        "statusDescription": "Killed",
        "restartCount": 4,
    }
    line.runs("line-1-a", 2, **ended)
    line.runs("line-1-b", 2, health="failed")
    told = line.rollout(shipped, lambda r: len(r.failed) == 2)
    killed, ill = told.failed
    assert killed.device.module is not None and killed.device.module.restarts == 4
    assert killed.codes == ("exit-137", "module-backoff") and not killed.device.works
    assert explain_landing(killed).reason == "edge-killed"
    assert "model.onnx is half a file" in explain_landing(ill).cause
    # Both mended: an old failure is no verdict for ever.
    line.runs("line-1-a", 2, restartCount=5)
    line.runs("line-1-b", 2)
    assert line.rollout(shipped, lambda r: r.is_done, late=True)
    line.agent("line-1-b", 406, "edgeAgent was stopped", modules={"detector": None})
    told = line.rollout(shipped, lambda r: r.silent, late=True)
    assert explain_landing(told.silent[0]).reason == "edge-agent-away"


def test_the_hubs_own_counts(line: Line) -> None:
    shipped = line.ships(2, "all", build=412)
    line.rollout(shipped, lambda r: r.applied == 2)
    line.runs("line-1-a", 2)
    line.agent("line-1-b", 500)

    def counted() -> object:
        found = line.client.deployment(shipped)
        counts = found and found.counts
        return counts and (
            counts.targeted,
            counts.applied,
            counts.succeeded,
            counts.failed,
            counts.model_ok,
        ) == ((2, 2, 1, 1, 1))

    line.running.until(counted, "the counts")
    assert line.client.deployment("line-1-all-never-made-1-0") is None
