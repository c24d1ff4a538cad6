"""Runs of pipelines: real processes, seen through the API."""

import re
import subprocess

from .conftest import DevOps


def test_a_run_goes_through_its_stages_and_shows_its_lines(devops: DevOps, publish: int) -> None:
    answer = devops.run(publish, correlationId="c-1", size="large")
    assert answer.status_code == 200
    run = answer.json()
    assert run["state"] == "inProgress"
    assert run["templateParameters"] == {"correlationId": "c-1", "size": "large"}

    build = devops.ended(run["id"], "succeeded")
    assert re.fullmatch(r"\d{8}\.\d+", build["buildNumber"])
    kinds = {record["type"] for record in devops.records(run["id"])}
    assert kinds == {"Stage", "Phase", "Job", "Task"}
    task = devops.record(run["id"], "Task", "Look around")
    assert (task["state"], task["result"]) == ("completed", "succeeded")
    path = f"/build/builds/{run['id']}/logs/{task['log']['id']}"
    lines = devops.get(path)["value"]
    said = [line.partition(" ")[2] for line in lines]
    assert "hello from large bottling line" in said
    assert f"build {run['id']} is {run['id']} of main in Vision" in said
    assert "the pipeline" in said
    assert devops.get(f"{path}?startLine=2&endLine=3")["value"] == lines[1:3]
    assert f"published {run['id']} with c-1" in devops.log_of(run["id"])


def test_stages_come_one_after_the_other_and_a_failed_one_stops_the_rest(devops: DevOps) -> None:
    devops.push(failing_yml=FAILING)
    pipeline = devops.create("failing", "failing.yml")
    number = devops.run(pipeline).json()["id"]
    devops.ended(number, "failed")
    task = devops.record(number, "Task", "Break")
    assert task["issues"] == [
        {"type": "error", "category": "General", "message": "Bash exited with code '3'.", "data": {}}
    ]
    results = {r["identifier"]: r["result"] for r in devops.records(number) if r["type"] == "Stage"}
    assert results == {"First": "failed", "Second": "skipped", "Report": "succeeded"}
    assert "reported" in devops.log_of(number)
    assert "never" not in devops.log_of(number)


FAILING = """
trigger: none
stages:
  - stage: First
    jobs:
      - job: breaks
        steps:
          - script: exit 3
            displayName: Break
          - script: echo never
  - stage: Second
    jobs:
      - job: second
        steps: [{script: echo never}]
  - stage: Report
    dependsOn: [First, Second]
    condition: failed('First')
    jobs:
      - job: report
        steps: [{script: echo reported}]
"""


def test_canceling_kills_the_processes(devops: DevOps, slow: int) -> None:
    number = devops.run(slow).json()["id"]
    child = devops.until(lambda: re.search(r"child (\d+)", devops.log_of(number)), "the step runs")
    assert devops.build(number)["status"] == "inProgress"
    answer = devops.post(f"/build/builds/{number}", {"status": "cancelling"}, "PATCH")
    assert answer.json()["status"] == "cancelling"
    devops.ended(number, "canceled")
    assert devops.record(number, "Task", "Wait")["result"] == "canceled"
    assert "cleaned" in devops.log_of(number)
    devops.until(lambda: not _lives(child[1]), "the child is gone")
    again = devops.post(f"/build/builds/{number}", {"status": "cancelling"}, "PATCH")
    assert again.status_code == 400


def _lives(pid: str) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")
