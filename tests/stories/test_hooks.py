"""Pushed news: with polls an hour apart, the channel still reads at once what happened."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from inline_snapshot import snapshot

from sandbox.azure.events import HandshakeRefusedError
from sandbox.pipelines import PUBLISH
from sandbox.world import World
from tests.stories.publishing import Gate, short_pipeline, subscribe
from tests.stories.stage import Stage
from tests.stories.trouble import minutes_pass, said, trail

SECRET = "known to the plant's hooks only"
TAKES = 30  # seconds that an answer may take on a crowded machine
HOURLY = {"runs_seconds = 0.75": "runs_seconds = 3600"}


def test_hooks_are_quicker_than_an_hourly_look(new_stage: Callable[..., Stage], tmp_path: Path) -> None:
    gate: list[Gate] = []

    def before(world: World) -> None:
        gate.append(Gate(world))
        short_pipeline(f"{gate[0].wait}; exit 1")(world)

    stage = new_stage(before=before, policy=HOURLY, HOOKS_SECRET=SECRET)
    stage.has_looked_at_the_pipeline()
    hook = f"{stage.bot.url}/hooks"
    subscribe(stage.world, f"{hook}/devops", "wrong")
    stage.trainer.types("/publish")
    stage.trainer.clicks("Publish main", on=stage.trainer.sees("from main?"))
    card = stage.line.shows("Publishing main: ")
    subscribe(stage.world, f"{hook}/devops", SECRET)
    gate[0].open()
    card.becomes("Publishing main failed")
    stage.world.devops.portal.run_pipeline(PUBLISH)
    stage.line.shows("Started in Azure DevOps by Line engineer")
    for _ in range(4):
        minutes_pass(stage)
        stage.world.devops.portal.redeliver()
    for late in (3, 1, 2, 3):  # news of what has long ended, which come in any order
        told = {"subscriptionId": "late", "notificationId": late, "eventType": "build.complete"}
        taken = requests.post(
            f"{hook}/devops", json=told, headers={"X-Spotter-Secret": SECRET}, timeout=TAKES
        )
        assert taken.status_code == 200

    azure = stage.world.azure.studio
    with pytest.raises(HandshakeRefusedError):
        azure.subscribe_to_events("spotter", f"{hook}/azure?secret=wrong")
    azure.subscribe_to_events("spotter", f"{hook}/azure?secret={SECRET.replace(' ', '+')}")
    (tmp_path / "model.onnx").write_bytes(b"weights")
    azure.register_by_hand("Hand_Model", tmp_path)
    stage.line.shows("Hand_Model v1 registered")
    for _ in range(4):
        minutes_pass(stage)
        azure.deliver_event_again("spotter")
    azure.register_by_hand("Hand_Model", tmp_path)
    stage.line.shows("Hand_Model v2 registered")
    assert said(stage, "Publishing main") == 2
    assert said(stage, "Hand_Model v1") == 1
    stage.until(lambda: said(stage, "Publishing main failed") == 2, "both runs have ended")
    assert Counter(trail(stage)) == snapshot(
        Counter(
            {
                "U0TRAINER1 publish.request": 1,
                "spotter publish.queue": 1,
                "spotter publish.failed": 2,
                "spotter publish.found": 1,
                "spotter model.announce": 2,
            }
        )
    )
