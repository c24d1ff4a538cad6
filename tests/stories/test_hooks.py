"""Pushed news: with polls an hour apart, the channel still reads at once what happened."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.azure.events import HandshakeRefusedError
from sandbox.pipelines import PUBLISH
from sandbox.world import World
from tests.stories.publishing import Gate, short_pipeline, subscribe
from tests.stories.stage import Stage
from tests.stories.trouble import said

SECRET = "known to the plant's hooks only"
HOURLY = {"runs_seconds = 0.5": "runs_seconds = 3600"}


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
    stage.world.devops.portal.redeliver()

    azure = stage.world.azure.studio
    with pytest.raises(HandshakeRefusedError):
        azure.subscribe_to_events("spotter", f"{hook}/azure?secret=wrong")
    azure.subscribe_to_events("spotter", f"{hook}/azure?secret={SECRET.replace(' ', '+')}")
    (tmp_path / "model.onnx").write_bytes(b"weights")
    azure.register_by_hand("Hand_Model", tmp_path)
    stage.line.shows("Hand_Model v1 registered")
    azure.deliver_event_again("spotter")
    azure.register_by_hand("Hand_Model", tmp_path)
    stage.line.shows("Hand_Model v2 registered")
    assert said(stage, "Publishing main") == 2
    assert said(stage, "Hand_Model v1") == 1
