"""Slack, Azure and Azure DevOps with the plant in front, and the requests that its page makes."""

import asyncio
import http.client
import json
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from sandbox.azure.identity import BOT_PRINCIPAL
from sandbox.azure.pace import Pace
from sandbox.azure.twin import AzureTwin
from sandbox.devops.identities import APPROVER, ENGINEER
from sandbox.devops.pace import Pace as DevOpsPace
from sandbox.devops.protected import Check
from sandbox.devops.twin import DevOpsTwin
from sandbox.edge.edge import Edge
from sandbox.edge.incumbent import ship
from sandbox.edge.pace import Pace as EdgePace
from sandbox.line.formats import Picture, Workspace, write_coco, write_mltable
from sandbox.line.scene import Box
from sandbox.plant.site import Plant
from sandbox.slack.twin import SlackTwin
from tests.sandbox.azure.conftest import TRIAL, train_node
from tests.sandbox.edge.brightness import write_model

TRAINER, LINE_LEAD, QUALITY_LEAD, OUTSIDER = "U0TRAINER1", "U0APPROVE1", "U0APPROVE2", "U0OUTSIDE1"
SHIP = """
trigger: {branches: {include: [main]}}
parameters:
  - {name: target, type: string, default: line-1, values: [line-1, line-2]}
  - {name: note, type: string, default: none}
stages:
  - stage: build
    displayName: Build the image
    jobs:
      - job: build
        displayName: Build
        steps:
          - bash: echo "built for ${{ parameters.target }}, ${{ parameters.note }}"
            displayName: Build and push
  - stage: ship
    displayName: Ship to line-1
    jobs:
      - deployment: ship
        environment: line-1
        strategy:
          runOnce:
            deploy:
              steps:
                - bash: echo shipped
                  displayName: Ship
"""
EDGE = EdgePace(evaluation=0.05, index=0.05, metrics=0.1, sync=0.05, picture=0.2, backoff=0.1)
CAP, GAP = Box("cap_on", 0.1, 0.1, 0.2, 0.2), Box("cap_missing", 0.5, 0.5, 0.6, 0.6)
EXPORTING = 30.0
AT = datetime(2026, 11, 2, 8, 15, 30, tzinfo=UTC)


class Stand:
    """`line-1` is an environment that asks the quality lead for approval, and that no pipeline may use yet."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.slack = SlackTwin(rate_limits=False)
        pace = Pace(node_start=0.05, preparing=0.02, finalizing=0.02, cancel=0.05, exporting=EXPORTING)
        self.azure = AzureTwin(root / "azure", pace=pace, trainer=(sys.executable, "-IS", str(TRIAL)))
        self.devops = DevOpsTwin(root / "devops", pace=DevOpsPace(agent_start=0.01, terminate_grace=0.3))
        self.edge = Edge(root / "edge", self.azure.workspace.tokens, pace=EDGE, lines={"line-1": 2})
        plant = Plant(self.slack, self.azure, self.devops, self.edge)
        self.slack.beside("/plant", "The plant", plant.app())
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        self._thread.start()
        ship(self.edge, "Caps", 1, write_model(self.root / "v1", "bright"), "line-1")
        for twin in (self.slack, self.azure, self.devops):
            self._do(twin.start())
        self._do(self.edge.start(self.azure))
        self._furnish_azure()
        self._furnish_devops()

    def stop(self) -> None:
        for twin in (self.devops, self.edge, self.azure, self.slack):
            self._do(twin.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def _furnish_azure(self) -> None:
        studio = self.azure.studio
        studio.add_cluster("gpu-cluster", "Standard_NC4as_T4_v3", 0, 2)
        pictures = [Picture("a.jpg", AT, (CAP, GAP)), Picture("b.jpg", AT, (CAP,)), Picture("c.jpg", AT, ())]
        lines, coco, points = (self.root / name for name in ("lines", "coco", "points"))
        for folder in (lines, coco, points):
            folder.mkdir()
        write_mltable(lines, pictures, "store", Workspace("s", "g", "w"))
        write_coco(coco / "labels.json", pictures, "store")
        (points / "points.jsonl").write_text(
            "".join(json.dumps({"x": x / 5, "y": x * 0.14}) + "\n" for x in range(9))
        )
        studio.add_export("caps_20261102_081530", "1", lines, AT)
        studio.add_export("caps_coco_20261103_081530", "1", coco, AT.replace(day=3), "coco")
        studio.add_export("points", "1", points, AT.replace(day=1))
        studio.add_labeling_project("caps", "store", pictures, labelled=2)

    def _furnish_devops(self) -> None:
        portal, resources = self.devops.portal, self.devops.organisation.resources
        files = self.root / "files"
        files.mkdir()
        (files / "ship.yml").write_text(SHIP)
        portal.push("main", files, "Ship with care")
        portal.create_pipeline("ship", "ship.yml")
        line = portal.add_environment("line-1")
        asked = {"approvers": [{"id": APPROVER.id}], "instructions": "Look at the metrics first."}
        resources.checks[1] = Check(1, "Approval", asked, "environment", str(line), 43200, ENGINEER)

    def train(self, name: str) -> None:
        """Submits a pipeline of one small AutoML node, as a client does."""
        place = self.azure.workspace.place
        properties: dict[str, Any] = {
            "jobType": "Pipeline",
            "displayName": name,
            "experimentName": "spotter",
            "jobs": {"train": train_node()},
            "inputs": {
                "training_data": {
                    "jobInputType": "mltable",
                    "uri": place.child("data", "points", "versions", "1"),
                }
            },
            "settings": {"default_compute": place.child("computes", "gpu-cluster")},
        }
        created = self._ask_azure(
            "PUT", place.child("jobs", name), "2024-01-01-preview", {"properties": properties}
        )
        assert created == 201

    def export_labels(self, project: str) -> None:
        path = f"{self.azure.workspace.place.child('labelingJobs', project)}/exportLabels"
        assert self._ask_azure("POST", path, "2024-04-01-preview", {"format": "Dataset"}) == 202

    def _ask_azure(self, method: str, path: str, version: str, body: dict[str, Any]) -> int:
        """The status of the answer."""
        tokens = self.azure.workspace.tokens
        arm, ml = (
            tokens.mint(audience, BOT_PRINCIPAL)[0]
            for audience in ("https://management.azure.com", "https://ml.azure.com")
        )
        return requests.request(
            method,
            f"{self.azure.workspace.base_url}{path}?api-version={version}",
            json=body,
            headers={"Authorization": f"Bearer {arm}", "x-azureml-token": ml},
            verify=self.azure.env()["REQUESTS_CA_BUNDLE"],
            timeout=60,
        ).status_code

    def get(self, path: str) -> Any:
        """Below `/plant`."""
        with urllib.request.urlopen(f"{self.slack.url}/plant{path}", timeout=60) as answer:  # noqa: S310  loopback
            return json.load(answer)

    def post(self, to: str, **given: Any) -> Any:
        answer = requests.post(f"{self.slack.url}/plant{to}", json=given, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def act(self, user: str, act: str, **given: Any) -> Any:
        return self.post(f"/people/{user}/{act}", **given)

    def run(self, number: int) -> Any:
        return next(run for run in self.get("/state")["devops"]["runs"] if run["id"] == number)

    def events(self) -> http.client.HTTPResponse:
        """The open stream of snapshots."""
        connection = http.client.HTTPConnection(urlsplit(self.slack.url).netloc, timeout=60)
        connection.request("GET", "/plant/events")
        return connection.getresponse()

    def until(self, condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds} s: {what}")
