"""Answers that get lost, and the same thing said twice: nothing is done twice, and nothing is left undone."""

import pytest
from inline_snapshot import snapshot

from infra.azureml.connection import WorkspaceId
from infra.azureml.jobs import Training
from infra.azureml.workspace import Workspace
from sandbox.slack.link import Kind
from tests.stories.stage import Stage
from tests.stories.trouble import (
    ASK,
    CANCEL,
    JOB,
    POST,
    SMALL,
    UPDATE,
    arm,
    minutes_pass,
    only_run,
    said,
    trail,
)


def test_every_answer_on_the_way_is_lost_once(stage: Stage) -> None:
    azure, slack = stage.world.azure_faults, stage.world.slack_faults
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    arm(azure, "PUT", JOB, "drop_after")
    arm(slack, "POST", POST, "drop_after")
    arm(slack, "POST", UPDATE, "drop_after")
    stage.trainer.types(ASK)
    card = stage.line.shows("Cap_Model training: ").becomes("waiting for a GPU node")

    arm(azure, "POST", CANCEL, "drop_after")
    arm(slack, "POST", UPDATE, "drop_after")
    stage.trainer.clicks("Cancel training", on=card)
    card.becomes("canceled by trainer")

    assert (len(stage.jobs()), said(stage, "Cap_Model")) == (1, 1)
    assert trail(stage) == snapshot(
        [
            "U0TRAINER1 train.request",
            "spotter train.submit",
            "U0TRAINER1 train.cancel",
            "spotter train.canceled",
        ]
    )


def test_a_post_that_never_arrived_is_posted_once_the_channel_was_read(stage: Stage) -> None:
    slack = stage.world.slack_faults
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    arm(slack, "POST", POST, "drop_before", times=2)
    busy = arm(slack, "*", r"/api/conversations\.history", "answer")
    busy.status, busy.headers, busy.body = 429, {"Retry-After": "1"}, '{"ok": false, "error": "ratelimited"}'
    stage.trainer.types(ASK)
    stage.line.shows("Cap_Model training: ")

    calls = [entry.path for entry in slack.log("*", r"/api/(chat\.post|conversations\.history)")]
    assert [path.partition("?")[0].rpartition("/")[2] for path in calls] == snapshot(
        [
            "chat.postMessage",
            "conversations.history",
            "conversations.history",
            "chat.postMessage",
            "conversations.history",
            "chat.postMessage",
        ]
    )


def test_a_job_name_that_someone_else_took(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    put = arm(stage.world.azure_faults, "PUT", JOB, "hang_before")
    stage.trainer.types(ASK)
    stage.until(put.reached.is_set, "the job is on its way")
    run = only_run(stage)
    for name, value in stage.world.env().items():
        monkeypatch.setenv(name, value)
    place = stage.world.azure.workspace.place
    someone = Workspace.connect(WorkspaceId(place.subscription, place.group, place.workspace))
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    someone.submit(
        Training(
            name=run.id,
            request_id="theirs",
            model_name="Other_Model",
            export_name=SMALL,
            export_version="1",
            cluster="gpu-cluster",
            experiment="theirs",
            requested_by="someone",
            component=someone.published("spotter_training"),
        )
    )
    put.release()

    stage.line.shows("Cap_Model training failed")
    assert stage.line.transcript() == snapshot("""\
Spotter:
  # Cap_Model training failed
  :x: A job called cap_model-<id> is there already and belongs to something else. Train again: the new job gets another name.
  Asked by trainer <time> · caps_20261102_081530 on gpu-cluster · run cap_model-<id>
  [Train again]\
""")
    assert trail(stage) == snapshot(["U0TRAINER1 train.request", "spotter train.failed"])


def test_the_same_thing_said_many_times(stage: Stage) -> None:
    slack = stage.world.slack
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)

    def again(kind: Kind) -> None:
        """Four times in ten minutes."""
        for _ in range(4):
            minutes_pass(stage)
            assert [answer.outcome for answer in slack.deliver_again(kind)] == ["acked"]

    stage.trainer.types(ASK)
    again("slash_commands")
    stage.trainer.types("/train")
    form = stage.trainer.sees_modal("Train a model")
    form.fills({"Model name": "Form_Model", "Labeling export": SMALL, "GPU cluster": "gpu-cluster"})
    form.submits()
    again("interactive")
    stage.trainer.types(f"@Spotter train Told_Model {SMALL} gpu-cluster")
    stage.line.shows("Told_Model training: waiting for a GPU node")
    again("events_api")

    card = stage.line.shows("Form_Model training: waiting for a GPU node")
    stage.trainer.clicks("Cancel training", on=card)
    slack.deliver_again("interactive", times=11)
    card.becomes("canceled by trainer")
    stage.line.shows("Cap_Model training: waiting for a GPU node")
    assert len(stage.jobs()) == 3
    assert [said(stage, name) for name in ("Cap_Model", "Form_Model", "Told_Model")] == [1, 1, 1]
    assert sorted(trail(stage)) == snapshot(
        [
            "U0TRAINER1 train.cancel",
            "U0TRAINER1 train.request",
            "U0TRAINER1 train.request",
            "U0TRAINER1 train.request",
            "spotter train.canceled",
            "spotter train.submit",
            "spotter train.submit",
            "spotter train.submit",
        ]
    )


def test_private_answers_find_another_way(stage: Stage) -> None:
    slack = stage.world.slack_faults
    arm(slack, "POST", r"/api/views\.open", "drop_before")
    stage.trainer.types("/train")
    offered = stage.trainer.sees("A few details are needed")
    assert offered.text == snapshot("""\
A few details are needed for /train.
[Open the form]\
""")
    stage.trainer.clicks(offered.buttons[0], on=offered)
    stage.trainer.sees_modal("Train a model").closes()

    arm(slack, "POST", "/response/", "drop_before")
    stage.trainer.types("/models")
    stage.trainer.sees("No model is registered yet")
