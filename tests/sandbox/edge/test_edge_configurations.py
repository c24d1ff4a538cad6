"""Deployments of the IoT Hub twin, through azure-core."""

from typing import Any

from .conftest import Running

AGENT = {"type": "docker", "settings": {"image": "mcr.microsoft.com/azureiotedge-agent:1.5"}}
BASE = {
    "schemaVersion": "1.1",
    "runtime": {"type": "docker", "settings": {}},
    "systemModules": {"edgeAgent": AGENT, "edgeHub": {**AGENT, "status": "running"}},
    "modules": {},
}
RUNS_3 = (
    "SELECT deviceId FROM devices.modules WHERE moduleId = 'detector'"
    " AND properties.reported.modelVersion = '3'"
)


def base(name: str, target: str, priority: int = 0) -> dict[str, Any]:
    return {
        "id": name,
        "content": {"modulesContent": {"$edgeAgent": {"properties.desired": BASE}}},
        "targetCondition": target,
        "priority": priority,
    }


def layer(name: str, target: str, priority: int, image: str, **more: Any) -> dict[str, Any]:
    module = {"type": "docker", "status": "running", "settings": {"image": image}}
    content = {"$edgeAgent": {"properties.desired.modules.detector": module}}
    return {
        "id": name,
        "content": {"modulesContent": content},
        "targetCondition": target,
        "priority": priority,
        **more,
    }


def put(edge: Running, body: dict[str, Any], **headers: str) -> Any:
    return edge.patient("PUT", f"/configurations/{body['id']}", body, **headers)


def made(edge: Running, body: dict[str, Any]) -> Any:
    answer = put(edge, body)
    assert answer.status_code == 200, answer.text()
    return answer.json()


def refused(answer: Any) -> tuple[int, str]:
    assert answer.json()["Message"].startswith(f"ErrorCode:{answer.headers['iothub-errorcode']};")
    return answer.status_code, answer.headers["iothub-errorcode"]


def image_of(edge: Running, device: str) -> str | None:
    twin = edge.get(f"/twins/{device}/modules/$edgeAgent")
    module = twin["properties"]["desired"].get("modules", {}).get("detector")
    return module["settings"]["image"] if module else None


def test_a_deployment_is_made_changed_and_deleted(edge: Running) -> None:
    first = put(edge, layer("caps-1", "tags.target='nowhere'", 3, "caps:1", labels={"model": "caps"}))
    assert first.headers["ETag"] == f'"{first.json()["etag"]}"'
    assert refused(put(edge, layer("caps-1", "*", 3, "caps:1"))) == (409, "ConfigurationAlreadyExists")
    changed = layer("caps-1", "tags.target='elsewhere'", 4, "caps:2")
    assert refused(put(edge, changed, If_Match=first.json()["etag"]))[0] == 409  # an etag has quotes
    second = put(edge, changed, If_Match=first.headers["ETag"]).json()
    assert (second["priority"], second["targetCondition"]) == (4, "tags.target='elsewhere'")
    module = second["content"]["modulesContent"]["$edgeAgent"]["properties.desired.modules.detector"]
    assert module["settings"]["image"] == "caps:1"  # content never changes, and nobody says so
    assert refused(put(edge, changed, If_Match=first.headers["ETag"])) == (412, "PreconditionFailed")
    assert put(edge, changed, If_Match="*").status_code == 200
    assert refused(put(edge, {**changed, "id": "caps-9"}, If_Match="*")) == (404, "ConfigurationNotFound")
    assert "caps-1" in [entry["id"] for entry in edge.get("/configurations")]
    stale = edge.patient("DELETE", "/configurations/caps-1", If_Match=first.headers["ETag"])
    assert refused(stale) == (412, "PreconditionFailed")
    assert edge.patient("DELETE", "/configurations/caps-1").status_code == 204
    assert refused(edge.patient("GET", "/configurations/caps-1")) == (404, "ConfigurationNotFound")


def test_what_the_hub_does_not_take(edge: Running) -> None:
    good = layer("caps-1", "tags.target='line-1'", 3, "caps:1")
    content = "InvalidConfigurationContent"
    condition = "InvalidConfigurationTargetCondition"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"id": "Caps"}, "ArgumentInvalid"),
        ({"priority": -1}, "ArgumentInvalid"),
        ({"priority": "3"}, "ArgumentInvalid"),
        ({"labels": {"version": 3}}, "ArgumentInvalid"),
        ({"targetCondition": "tags.target='line-1"}, condition),
        ({"targetCondition": "tags.target='line-1' AND"}, condition),
        ({"targetCondition": "target='line-1'"}, condition),
        ({"targetCondition": "tags.target=='line-1'"}, condition),
        ({"content": None}, content),
        ({"content": {"modulesContent": {"detector": {"properties.desired": {}}}}}, content),
        ({"content": {"modulesContent": {"$edgeAgent": {"modules": {}}}}}, content),
        ({"metrics": {"queries": {"ok": "SELECT deviceId"}}}, "InvalidConfigurationCustomMetricsQuery"),
    ]
    for change, code in wrong:
        assert refused(put(edge, {**good, **change})) == (400, code), change
    tested = edge.patient(
        "POST",
        "/configurations/testQueries",
        {
            "targetCondition": "NOT tags.ring='canary'",
            "customMetricQueries": {"a": "SELECT", "b": "SELECT * FROM devices"},
        },
    ).json()
    assert tested["targetConditionError"] is None and list(tested["customMetricQueryErrors"]) == ["a"]


def test_the_highest_priority_wins_and_layers_lie_on_a_base(edge: Running) -> None:
    for name, ring in (("cam-1", "canary"), ("cam-2", "rest")):
        edge.hub.add_device(name, {"target": "lab", "ring": ring})
    made(edge, layer("old", "tags.target='lab'", 5, "caps:1"))
    edge.until(
        lambda: edge.query("SELECT deviceId FROM devices WHERE tags.target = 'lab'"), "the devices are seen"
    )
    assert image_of(edge, "cam-1") is None  # a layer on nothing
    made(edge, base("base", "tags.target='lab'"))
    edge.until(lambda: image_of(edge, "cam-1") == image_of(edge, "cam-2") == "caps:1", "both run the old one")
    new = made(edge, layer("new", "tags.target='lab' AND tags.ring='canary'", 6, "caps:2"))
    assert set(new["systemMetrics"]["results"].values()) == {0}  # counted later
    edge.until(lambda: image_of(edge, "cam-1") == "caps:2", "the canary gets the new one")
    assert image_of(edge, "cam-2") == "caps:1"
    counted = edge.until(
        lambda: counts(edge, "new") == (1, 1, 0, 0) and counts(edge, "old"), "the hub counts"
    )
    assert counted == (2, 2, 0, 0)
    made(edge, layer("same", "deviceId IN ['cam-1', 'cam-7']", 6, "caps:3"))
    edge.until(lambda: image_of(edge, "cam-1") == "caps:3", "of two alike the newest wins")
    for name in ("same", "new"):
        assert edge.patient("DELETE", f"/configurations/{name}").status_code == 204
    edge.until(lambda: image_of(edge, "cam-1") == "caps:1", "the old one applies again")
    version = edge.get("/twins/cam-1/modules/$edgeAgent")["properties"]["desired"]["$version"]
    assert version >= 5
    made(edge, base("other-base", "deviceId = 'cam-2'", 9))
    edge.until(lambda: image_of(edge, "cam-2") is None, "a base above a layer hides it")
    states = edge.get("/twins/cam-2/modules/$edgeAgent")["configurations"]
    assert states == {
        "base": {"status": "Targeted"},
        "old": {"status": "Targeted"},
        "other-base": {"status": "Applied"},
    }


def counts(edge: Running, name: str) -> tuple[int, ...]:
    results = edge.get(f"/configurations/{name}")["systemMetrics"]["results"]
    names = ("targetedCount", "appliedCount", "reportedSuccessfulCount", "reportedFailedCount")
    return tuple(results[name] for name in names)


def test_metrics_are_counted_from_what_modules_report(edge: Running) -> None:
    edge.hub.add_device("cam-9", {"target": "tower"})
    made(edge, base("tower-base", "tags.target='tower'"))
    query = RUNS_3
    made(edge, layer("tower-3", "tags.target='tower'", 2, "caps:3", metrics={"queries": {"modelOk": query}}))
    edge.until(lambda: image_of(edge, "cam-9") == "caps:3", "the module is wanted")
    assert edge.get("/devices/cam-9/modules/detector")["managedBy"] == "iotEdge"
    wanted = edge.get("/twins/cam-9/modules/$edgeAgent")["properties"]["desired"]["$version"]
    edge.hub.report("cam-9", "$edgeAgent", {"lastDesiredVersion": wanted, "lastDesiredStatus": {"code": 500}})
    edge.until(lambda: counts(edge, "tower-3") == (1, 1, 0, 1), "a failure is counted")
    edge.hub.report("cam-9", "$edgeAgent", {"lastDesiredStatus": {"code": 200}})
    edge.hub.report("cam-9", "detector", {"modelVersion": "3"})
    edge.until(lambda: counts(edge, "tower-3") == (1, 1, 1, 0), "a success is counted")
    edge.until(
        lambda: edge.get("/configurations/tower-3")["metrics"]["results"] == {"modelOk": 1},
        "modelOk is counted",
    )
