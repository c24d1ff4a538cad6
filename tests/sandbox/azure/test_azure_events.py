"""Event Grid: a handshake first, then every event at least once, and no longer than somebody may take it."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.azure.events import EventGrid, HandshakeRefusedError
from sandbox.azure.place import Place
from sandbox.azure.runs import Run, RunTree
from tests.sandbox.azure.conftest import Azure
from tests.sandbox.devops.receiver import Heard, Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    running = Receiver()
    yield running
    running.close()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model.onnx").write_bytes(b"weights")
    return tmp_path


def echo(heard: Heard) -> tuple[int, object]:
    return 200, {"validationResponse": heard.body[0]["data"]["validationCode"]}


def test_an_endpoint_that_does_not_echo_the_code_gets_nothing(
    azure: Azure, receiver: Receiver, model: Path
) -> None:
    with pytest.raises(HandshakeRefusedError):
        azure.studio.subscribe_to_events("silent", f"{receiver.url}/hooks/azure")
    (asked,) = receiver.heard
    assert asked.headers["aeg-event-type"] == "SubscriptionValidation"
    assert asked.body[0]["eventType"] == "Microsoft.EventGrid.SubscriptionValidationEvent"
    receiver.answer = lambda _heard: (202, echo(_heard)[1])  # 202 is not accepted, whatever it says
    with pytest.raises(HandshakeRefusedError):
        azure.studio.subscribe_to_events("silent", f"{receiver.url}/hooks/azure")
    azure.studio.register_by_hand("silent", model)
    assert len(receiver.heard) == 2


def test_a_registered_model_is_told_until_it_is_taken(azure: Azure, receiver: Receiver, model: Path) -> None:
    receiver.answer = echo
    azure.studio.subscribe_to_events("spotter", f"{receiver.url}/hooks/azure?secret=x")
    answers = iter([503, 500, 200, 200, 401])
    receiver.answer = lambda _heard: (next(answers), {})
    events = azure.twin.workspace.events
    told = events.subscriptions["spotter"]

    azure.studio.register_by_hand("told", model, tags={"area": "caps"})
    azure.until(lambda: told.delivered, "the event is taken")
    _, *heard = receiver.heard
    assert [each.headers["aeg-delivery-count"] for each in heard] == ["0", "1", "2"]
    assert len({json.dumps(each.body) for each in heard}) == 1
    (event,) = heard[0].body
    assert event["subject"] == "models/told:1"
    assert event["data"]["ModelTags"] == {"area": "caps"}

    azure.studio.deliver_event_again("spotter")
    azure.until(lambda: len(told.delivered) == 2, "it is delivered twice")
    assert told.delivered[0] == told.delivered[1]

    azure.studio.register_by_hand("told", model)
    azure.until(lambda: told.dropped, "it is given up, for the endpoint knows nobody")
    assert len(receiver.heard) == 6


def test_a_run_is_told_of_when_it_completes_or_fails(receiver: Receiver) -> None:
    async def story() -> list[str]:
        grid = EventGrid(Place(), retry=0.01)
        told = await grid.subscribe("spotter", receiver.url)
        tree = RunTree(grid.run_changed)
        good, bad = (tree.add(Run(name, "pipeline", "spotter")) for name in ("good", "bad"))
        for run in (good, bad):
            run.become("Running")
        good.become("Completed")
        bad.fail({"error": {}})
        stopped = tree.add(Run("stopped", "pipeline", "spotter"))
        stopped.become("Canceled")
        while len(told.delivered) < 2:  # noqa: ASYNC110  the test's own time limit ends it
            await asyncio.sleep(0.01)
        await grid.close()
        return told.delivered

    receiver.answer = lambda heard: (
        echo(heard) if "validationCode" in heard.body[0]["data"] else (200, {"taken": True})
    )
    assert len(asyncio.run(asyncio.wait_for(story(), 20))) == 2
    events = [heard.body[0] for heard in receiver.heard[1:]]
    assert {(event["eventType"].rpartition(".")[2], event["data"]["runId"]) for event in events} == {
        ("RunCompleted", "good"),
        ("RunStatusChanged", "bad"),
    }
    assert {event["data"].get("runStatus") for event in events} == {None, "failed"}
    assert {event["data"]["runType"] for event in events} == {"azureml.PipelineRun"}
