"""Devices that run the real module on pictures of the line, and what befalls them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .conftest import Running

ILL = (
    "SELECT deviceId, properties.reported.reason FROM devices.modules"
    " WHERE properties.reported.health = 'failed'"
)
CANARY, OTHER = "line-1-cam-1", "line-1-cam-2"


def sees(plant: Running, device: str, model: str, label: str) -> bool:
    """Whether the device's last picture has boxes of this version's."""
    seen = plant.device(device).seen
    return seen is not None and seen.model == model and {box["label"] for box in seen.boxes} == {label}


def agent(plant: Running, device: str) -> Any:
    """What the edge agent reports, with its view of the module as `detector`."""
    reported = plant.get(f"/twins/{device}/modules/$edgeAgent")["properties"]["reported"]
    return {**reported, "detector": reported.get("modules", {}).get("detector", {})}


def backs_off(plant: Running) -> Any:
    told = agent(plant, CANARY)
    module = told["detector"]
    return module.get("restartCount", 0) > 1 and module["runtimeStatus"] == "backoff" and told


@contextmanager
def shipped(plant: Running, image: str, target: str = "tags.ring='canary'") -> Iterator[None]:
    """A deployment of an image, which is undone at the end. It does not say which model that holds."""
    module = {
        "type": "docker",
        "status": "running",
        "restartPolicy": "always",
        "settings": {"image": image, "createOptions": "{}"},
    }
    body = {
        "id": "caps-2",
        "content": {"modulesContent": {"$edgeAgent": {"properties.desired.modules.detector": module}}},
        "targetCondition": target,
        "priority": 7,
    }
    assert plant.patient("PUT", "/configurations/caps-2", body).status_code == 200
    try:
        yield
    finally:
        assert plant.patient("DELETE", "/configurations/caps-2").status_code == 204


def runs_the_old_one(plant: Running) -> bool:
    return all(plant.device(name).model == "Caps:1" for name in (CANARY, OTHER)) and all(
        sees(plant, name, "Caps:1", "old") for name in (CANARY, OTHER)
    )


def test_a_new_model_comes_to_the_canary_and_goes(plant: Running, new_image: str) -> None:
    plant.until(lambda: runs_the_old_one(plant), "both devices see bottles with the old model")
    ok = "SELECT deviceId FROM devices.modules WHERE moduleId = 'detector' AND properties.reported.health = 'ok'"
    assert plant.until(lambda: len(plant.query(ok)) == 2 and plant.query(ok), "the modules report")
    with shipped(plant, new_image):
        plant.until(lambda: sees(plant, CANARY, "Caps:2", "new"), "the canary sees with the new one")
        assert sees(plant, OTHER, "Caps:1", "old")
        told = agent(plant, CANARY)
        assert told["lastDesiredStatus"]["code"] == 200
        assert told["detector"]["settings"]["imageHash"] == new_image.partition("@")[2]
        new = "properties.reported.modelVersion = '2'"
        plant.until(
            lambda: plant.query(f"{ok} AND {new}") == [{"deviceId": CANARY}], "the module says so itself"
        )
    plant.until(lambda: runs_the_old_one(plant), "the canary is back")


def test_a_device_short_of_memory_kills_the_new_module(plant: Running, new_image: str) -> None:
    device = plant.edge.plant[CANARY]
    plant.until(lambda: runs_the_old_one(plant), "the old model runs")
    device.fail()
    with shipped(plant, new_image):
        told = plant.until(lambda: backs_off(plant), "it is started in vain")
        assert told["lastDesiredStatus"]["code"] == 200  # it was started; that it ends is another matter
        assert told["detector"]["exitCode"] == 137
        assert (plant.device(CANARY).health, plant.device(OTHER).health) == ("none", "ok")
    plant.until(lambda: runs_the_old_one(plant), "for the old one there is memory")
    device.recover()


def test_a_damaged_storage_breaks_the_new_model(plant: Running, new_image: str) -> None:
    device = plant.edge.plant[CANARY]
    plant.until(lambda: runs_the_old_one(plant), "the old model runs")
    device.fail("storage")
    with shipped(plant, new_image):
        (row,) = plant.until(lambda: plant.query(ILL), "the module says that it is ill")
        assert row["deviceId"] == CANARY and "could not load the model" in row["reason"]
        plant.until(lambda: plant.device(CANARY).health == "failed", "whoever stands beside it sees that")
        device.recover()
        plant.until(lambda: sees(plant, CANARY, "Caps:2", "new"), "mended, it works")
    plant.until(lambda: runs_the_old_one(plant), "the canary is back")


def test_a_silent_device_gets_nothing_until_it_is_back(plant: Running, new_image: str) -> None:
    device = plant.edge.plant[CANARY]
    plant.until(lambda: runs_the_old_one(plant), "the old model runs")
    device.go_silent()
    with shipped(plant, new_image, "tags.target='line-1'"):
        plant.until(lambda: sees(plant, OTHER, "Caps:2", "new"), "the other one is served")
        state = plant.get(f"/twins/{CANARY}")
        assert state["connectionState"] == "Disconnected"
        edge_agent = plant.get(f"/twins/{CANARY}/modules/$edgeAgent")["properties"]
        assert edge_agent["desired"]["$version"] > edge_agent["reported"]["lastDesiredVersion"]
        before = plant.device(CANARY).seen
        plant.until(lambda: plant.device(CANARY).seen != before, "the line goes on")
        assert sees(plant, CANARY, "Caps:1", "old")
        device.recover()
        plant.until(lambda: sees(plant, CANARY, "Caps:2", "new"), "back on the wire, it follows")
    plant.until(lambda: runs_the_old_one(plant), "both are back")


def test_an_image_that_is_not_there_leaves_what_runs(plant: Running, new_image: str) -> None:
    plant.until(lambda: runs_the_old_one(plant), "the old model runs")
    with shipped(plant, new_image[:-4] + "0000"):
        failed = plant.until(
            lambda: (told := agent(plant, CANARY))["lastDesiredStatus"]["code"] == 500 and told,
            "the pull fails",
        )
        assert "manifest unknown" in failed["lastDesiredStatus"]["description"]
        assert failed["detector"]["runtimeStatus"] == "running"
        plant.until(lambda: counts(plant, "caps-2") == (1, 1, 0, 1), "the hub counts the failure")
    assert sees(plant, CANARY, "Caps:1", "old")


def counts(plant: Running, name: str) -> tuple[int, ...]:
    results = plant.get(f"/configurations/{name}")["systemMetrics"]["results"]
    names = ("targetedCount", "appliedCount", "reportedSuccessfulCount", "reportedFailedCount")
    return tuple(results[name] for name in names)
