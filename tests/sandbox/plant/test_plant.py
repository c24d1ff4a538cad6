"""The plant's snapshot, its changes, and what people do there, over HTTP."""

import json
import time
from typing import Any

import requests

from sandbox.devops.engine.invoke import INVOKE_REST
from sandbox.devops.identities import ENGINEER, SPOTTER
from tests.sandbox.plant.stand import EXPORTING, LINE_LEAD, OUTSIDER, QUALITY_LEAD, TRAINER, Stand


def test_a_training_is_told_as_a_tree_with_what_was_measured(stand: Stand) -> None:
    stand.train("caps-1")
    job = stand.until(
        lambda: (job := stand.get("/state")["azure"]["jobs"][0])["status"] == "Completed" and job, "it trains"
    )
    assert (job["id"], job["cluster"], job["note"]) == ("caps-1", "gpu-cluster", "")
    (train,) = job["parts"]
    assert (train["name"], train["kind"], train["planned"]) == ("train", "automl", 2)
    first, second = train["parts"]
    assert (first["name"], second["name"]) == ("trial 1", "trial 2")
    assert first["settings"]["learning_rate"] in (0.3, 0.4)
    assert len(first["curve"]) == 4
    assert first["best"] == max(first["curve"]) > 0
    assert job["best"] == train["best"] == max(first["best"], second["best"])
    assert train["bestPart"] in (first["id"], second["id"])
    log = stand.get(f"/jobs/{first['id']}/log")["lines"]
    assert [line.split()[:2] for line in log] == [["epoch", str(n)] for n in range(4)]


def test_a_cluster_tells_who_waits_and_why(stand: Stand) -> None:
    def cluster() -> dict[str, object]:
        (found,) = stand.get("/state")["azure"]["clusters"]
        return dict(found)

    stand.until(lambda: not any(node["runs"] for node in cluster()["nodes"]), "idle")  # type: ignore[attr-defined]
    stand.azure.studio.resize("gpu-cluster", 0, 0)
    stand.train("caps-2")
    waiting = stand.until(lambda: cluster()["waiting"], "trials wait")
    assert "trial 1 · caps-2" in waiting
    stand.azure.studio.resize("gpu-cluster", 0, 2)
    stand.until(lambda: stand.get("/state")["azure"]["jobs"][0]["status"] == "Completed", "it trains")
    assert {node["state"] for node in cluster()["nodes"]} == {"idle"}  # type: ignore[attr-defined]


def test_labels_and_figures_are_counted_and_read(stand: Stand) -> None:
    coco, lines, other = stand.get("/state")["azure"]["exports"]
    assert (coco["project"], coco["format"], coco["pictures"]) == ("caps_coco", "COCO", 3)
    assert (lines["project"], lines["format"], lines["pictures"]) == ("caps", "MLTable", 3)
    assert lines["boxes"] == coco["boxes"] == {"cap_missing": 1, "cap_on": 2}
    assert (other["project"], other["pictures"]) == ("points", None)
    (project,) = stand.get("/state")["azure"]["projects"]
    assert (project["labelled"], project["pictures"], project["classes"]) == (2, 3, ["cap_missing", "cap_on"])
    model = stand.root / "model"
    model.mkdir()
    (model / "MLmodel").write_text("flavors: {}")
    stand.azure.studio.register_by_hand(
        "Cap_Model", model, tags={"Mean Average Precision": "0.5", "Recall": "?"}
    )
    (found,) = stand.get("/state")["azure"]["models"]
    (version,) = found["versions"]
    assert (found["name"], version["version"], version["figures"]) == ("Cap_Model", "1", [0.5, None, None])


def test_people_run_permit_and_approve_as_who_they_are(stand: Stand) -> None:
    refused = stand.act(OUTSIDER, "run", pipeline="ship")
    assert refused == {
        "ok": False,
        "message": "Outsider is not a member of this Azure DevOps project.",
    }
    wrong = stand.act(TRAINER, "run", pipeline="ship", parameters={"target": "line-9"})
    assert wrong["message"] == "The 'target' parameter value 'line-9' is not a valid value."
    number = stand.act(TRAINER, "run", pipeline="ship", branch="main", parameters={"target": "line-2"})["run"]

    stage = stand.until(lambda: (s := stand.run(number)["stages"][1])["needs"] and s, "it needs permission")
    assert stage["needs"] == [{"kind": "environment", "name": "line-1"}]
    assert stand.act(LINE_LEAD, "permit", run=number, **stage["needs"][0]) == {"ok": True}
    (asked,) = stand.until(lambda: stand.run(number)["stages"][1]["approvals"], "it asks for approval")
    assert (asked["asked"][0]["name"], asked["instructions"]) == (
        "Second approver",
        "Look at the metrics first.",
    )

    refused = stand.act(LINE_LEAD, "approve", approval=asked["id"])
    assert refused["message"].startswith("User First approver does not have permission to approve")
    assert stand.act(QUALITY_LEAD, "approve", approval=asked["id"], comment="fine") == {"ok": True}
    run = stand.until(lambda: (run := stand.run(number))["status"] == "completed" and run, "it ends")
    assert (run["result"], run["by"], run["reason"]) == ("succeeded", "Trainer", "manual")
    (build,) = run["stages"][0]["jobs"]
    step = next(step for step in build["steps"] if step["name"] == "Build and push")
    log = stand.get(f"/runs/{number}/logs/{step['log']}")["lines"]
    assert any(line.endswith("built for line-2, none") for line in log)


def test_a_pushed_file_starts_a_run_that_can_be_cancelled(stand: Stand) -> None:
    assert stand.get("/files?branch=main")["files"] == ["ship.yml"]
    text = stand.get("/file?branch=main&path=ship.yml")["text"]
    unchanged = stand.act(TRAINER, "push", branch="main", path="ship.yml", text=text)
    assert unchanged["message"] == "Nothing has changed: edit the file first."
    missing = stand.act(TRAINER, "push", branch="main", path="../ship.yml", text="")
    assert missing["message"] == "There is no file ../ship.yml on main."
    commit = stand.act(
        LINE_LEAD, "push", branch="main", path="ship.yml", text=text + "# more\n", message="More"
    )
    run = stand.get("/state")["devops"]["runs"][0]
    assert (run["commit"], run["message"], run["reason"], run["by"]) == (
        commit["commit"],
        "More",
        "individualCI",
        "First approver",
    )
    assert stand.act(TRAINER, "cancel", run=run["id"]) == {"ok": True}
    stand.until(lambda: stand.run(run["id"])["result"] == "canceled", "it is canceled")


def test_devices_show_what_they_see_and_what_happens_to_them(stand: Stand) -> None:
    def device(place: int = 0) -> Any:
        (line,) = stand.get("/state")["edge"]["lines"]
        assert line["name"] == "line-1"
        return line["devices"][place]

    canary = stand.until(lambda: (d := device())["seen"] and d, "the canary has seen something")
    assert (canary["id"], canary["ring"], canary["model"], canary["health"]) == (
        "line-1-cam-1",
        "canary",
        "Caps:1",
        "ok",
    )
    assert {box["label"] for box in canary["seen"]["boxes"]} == {"bright"}
    assert all(0 <= box["left"] < box["right"] <= 1 for box in canary["seen"]["boxes"])
    picture = requests.get(f"{stand.slack.url}/plant/devices/line-1-cam-1/picture", timeout=60)
    assert (picture.headers["Content-Type"], picture.content[:2]) == ("image/jpeg", b"\xff\xd8")
    assert requests.get(f"{stand.slack.url}/plant/devices/nobody/picture", timeout=60).status_code == 404

    assert stand.post("/devices/line-1-cam-2/silent") == {"ok": True}
    assert (device(0)["online"], device(1)["online"]) == (True, False)
    stand.post("/devices/line-1-cam-2/mend")
    assert device(1)["online"]
    assert not stand.post("/devices/line-1-cam-2/dance")["ok"]

    def shipped() -> Any:
        layer, base = stand.get("/state")["edge"]["deployments"]
        assert base["id"] == "edge-base"
        return layer["applied"] == layer["targeted"] == 2

    stand.until(shipped, "the deployment is counted")


def test_troubles_begin_last_and_end(stand: Stand) -> None:
    def calls() -> list[int]:
        slack = requests.post(f"{stand.slack.url}/api/auth.test", timeout=60)
        base, ca = stand.azure.workspace.base_url, stand.azure.env()["REQUESTS_CA_BUNDLE"]
        azure = requests.get(f"{base}{stand.azure.workspace.place.arm_id}", verify=ca, timeout=60)
        devops = requests.get(f"{stand.devops.organisation.base_url}/_apis/projects", timeout=60)
        return [slack.status_code, azure.status_code, devops.status_code]

    assert calls() == [200, 401, 401]
    for key in ("slack-429", "azure-503", "devops-sign-in"):
        assert stand.post(f"/troubles/{key}/make") == {"ok": True}
    assert calls() == [429, 503, 203]
    until = {trouble["key"]: trouble["until"] for trouble in stand.get("/state")["troubles"]}
    assert 20 < until["azure-503"] - time.time() <= 30
    assert until["azure-hang"] is None
    for key in ("slack-429", "azure-503", "devops-sign-in"):
        stand.post(f"/troubles/{key}/clear")
    assert calls() == [200, 401, 401]
    assert not stand.post("/troubles/earthquake/make")["ok"]


def test_what_changes_is_told(stand: Stand) -> None:
    with stand.events() as events:

        def names() -> list[str]:
            told = json.loads(events.readline().removeprefix(b"data: "))
            assert events.readline() == b"\n"
            return [pipeline["name"] for pipeline in told["devops"]["pipelines"]]

        assert names() == ["ship"]
        stand.devops.portal.create_pipeline("later", "later.yml")
        stand.until(lambda: names() == ["ship", "later"], "the page hears of it")


def test_time_runs_faster_where_somebody_waits(stand: Stand) -> None:
    def exports() -> list[str]:
        return [export["name"] for export in stand.get("/state")["azure"]["exports"]]

    before = exports()
    assert stand.post("/speed", fast=True)["times"] == stand.get("/state")["times"] == 10
    began = time.monotonic()
    stand.export_labels("caps")
    (made,) = stand.until(
        lambda: [name for name in exports() if name not in before], "the labels are exported"
    )
    assert time.monotonic() - began < EXPORTING
    assert stand.post("/speed", fast=False) == {"ok": True, "times": 1}
    assert stand.azure.workspace.pace.exporting == EXPORTING
    stand.azure.studio.delete_export(made, "1")


def test_a_run_that_a_check_kept_out_says_what_the_check_heard(stand: Stand) -> None:
    resources = stand.devops.organisation.resources
    asked = {"name": "asked", "type": "generic", "url": stand.slack.url}
    endpoint = resources.add_endpoint("asked", {**asked, "authorization": {"scheme": "None"}}, ENGINEER)
    inputs = {"connectedServiceName": endpoint.id, "urlSuffix": "/nobody", "body": "{}"}
    settings = {"definitionRef": {"id": INVOKE_REST}, "inputs": inputs}
    line = resources.environment("line-1")
    assert line
    usual = dict(resources.checks)
    resources.checks.clear()
    resources.add_check("Task Check", settings, ("environment", str(line.id)), 1, ENGINEER)
    stand.devops.portal.permit("environment", "line-1", "ship")
    number = stand.devops.portal.run_pipeline("ship", by=SPOTTER).id
    run = stand.until(lambda: (run := stand.run(number))["status"] == "completed" and run, "it ends")
    resources.checks.clear()
    resources.checks.update(usual)
    assert (run["by"], run["reason"]) == ("Spotter", ""), "nobody started it by hand"
    (check,) = run["stages"][1]["checks"]
    assert check["result"] == "failed" and check["heard"].startswith("Call failed with HTTP response code 40")
