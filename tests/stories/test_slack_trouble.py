"""Slack slow, broken or refusing: every message ends up there once, in a form that Slack takes."""

import threading
from collections.abc import Callable

from inline_snapshot import snapshot
from slack_sdk import WebClient

from sandbox.faults import Fault
from storage import messages
from tests.stories.registry import registers
from tests.stories.stage import Stage
from tests.stories.trouble import ASK, POST, UPDATE, arm, degraded, only_run, said, trail

DATASET = "lids_20261101_120000"


def test_slack_asks_for_rest_and_breaks_down(stage: Stage) -> None:
    slack = stage.world.slack_faults
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    slack.arm(refusal(POST, "ratelimited", status=429, headers={"Retry-After": "3"}))
    slack.arm(Fault("POST", POST, "answer", status=503, body="<html>Service Unavailable</html>"))
    slack.arm(refusal(POST, "internal_error"))
    slack.arm(refusal(UPDATE, "token_revoked"))
    stage.trainer.types(ASK)
    stage.until(lambda: degraded(stage, "Slack"), "Spotter tells of the trouble")
    stage.line.shows("Cap_Model training: waiting for a GPU node")

    rested, *others = [entry.at for entry in slack.log("POST", POST)]
    assert others[0] - rested >= 3
    assert said(stage, "Cap_Model") == 1
    stage.until(lambda: not degraded(stage, "Slack"), "all is well again")


def test_a_workspace_that_refuses_charts_and_tables(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(before=lambda world: registers(world, "Lid_Model", DATASET, 0.801))
    slack = stage.world.slack_faults
    stage.world.slack.refuses_blocks("data_visualization")
    registers(stage.world, "Lid_Model", DATASET, 0.842)
    told = stage.line.shows("Lid_Model v2 registered")
    drawn = told.thread_shows("This is the best version so far")
    (chart,) = [block for block in drawn.blocks if block["type"] == "image"]
    assert chart["alt_text"] == snapshot(
        "This is the best version so far. mAP by version: v1 0.801, v2 0.842"
    )
    assert any(block["type"] == "table" for block in told.blocks)

    stage.world.slack.refuses_blocks("data_visualization", "table")
    registers(stage.world, "Lid_Model", DATASET, 0.861)
    stage.line.shows("Lid_Model v3 registered").thread_shows("v3 0.861")
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    stage.trainer.types(ASK)
    stage.line.shows("no free")
    assert stage.line.transcript() == snapshot("""\
Spotter:
  # Lid_Model v2 registered: mAP 0.xxx, +0.xxx better than v1
  Metric    | v2    | v1    | Change
  mAP       | 0.xxx | 0.xxx | +0.xxx better
  Precision | 0.xxx | 0.xxx | unchanged
  Recall    | 0.xxx | 0.xxx | unchanged
  Registered by Line engineer <time>, trained on lids_20261101_120000
  [Deploy …]
  Spotter:
    (image: This is the best version so far. mAP by version: v1 0.xxx, v2 0.xxx)
    Each version's mAP as its own training measured it.
Spotter:
  # Lid_Model v3 registered: mAP 0.xxx, +0.xxx better than v2
  ```
  Metric     v3     v2     Change
  mAP        0.xxx  0.xxx  +0.xxx better
  Precision  0.xxx  0.xxx  unchanged
  Recall     0.xxx  0.xxx  unchanged
  ```
  Registered by Line engineer <time>, trained on lids_20261101_120000
  [Deploy …]
  Spotter:
    (image: This is the best version so far. mAP by version: v1 0.xxx, v2 0.xxx, v3 0.xxx)
    Each version's mAP as its own training measured it.
Spotter:
  # Cap_Model training: waiting for a GPU node
  Azure has no free machines of this size in the region now; a quota is no promise of capacity. Azure says: Azure has no free STANDARD_NC4AS_T4_V3 machines in westeurope now. Try again later, or use another machine size or region.
  Asked by trainer <time> · caps_20261102_081530 on gpu-cluster · run cap_model-<id>
  [Open in studio] [Cancel training]\
""")

    slack.arm(Fault("POST", r"/response/", "answer", status=400, body="invalid_blocks"))
    slack.arm(refusal(r"/api/chat\.postEphemeral", "invalid_blocks"))
    stage.outsider.types("/models Lid_Model")
    assert stage.outsider.sees("Lid_Model").text == snapshot("""\
# Lid_Model: v3 is the newest, mAP 0.861
```
Version  mAP    Change         Precision  Recall  Dataset
v3       0.861  +0.019 better  1.000      1.000   lids_20261101_120000
v2       0.842  +0.041 better  1.000      1.000   lids_20261101_120000
v1       0.801  –              1.000      1.000   lids_20261101_120000
```
[Compare v3 with … ▾] [Lineage of v3]\
""")
    refused = [line["event"] for line in stage.bot.log() if line["event"] == "blocks_refused"]
    assert len(refused) == 4


def test_a_card_deleted_by_hand_comes_back_with_the_result_only(stage: Stage) -> None:
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    stage.trainer.types(ASK)
    card = stage.line.shows("Cap_Model training: waiting for a GPU node")
    owner = WebClient(
        stage.bot.environment["SLACK_BOT_TOKEN"], base_url=stage.bot.environment["SLACK_API_URL"]
    )
    owner.chat_delete(channel=stage.line.id, ts=card.ts)
    stage.world.azure.studio.resize("gpu-cluster", 0, 0)
    stage.until(lambda: shown(stage).state == "gone", "the courier notices")
    assert said(stage, "Cap_Model") == 0

    stage.trainer.types("/runs")
    stage.trainer.clicks("Details", on=stage.trainer.sees("1 training running"))
    stage.trainer.clicks("Cancel training", on=stage.trainer.sees("Labeling export"))
    stage.line.shows("Cap_Model training canceled")
    assert said(stage, "Cap_Model") == 1


def test_a_channel_archived_meanwhile(stage: Stage) -> None:
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    stage.trainer.types(ASK)
    stage.line.shows("Cap_Model training: waiting for a GPU node")
    stage.world.slack.archive("line-vision")
    stage.world.azure.studio.resize("gpu-cluster", 0, 0)
    card = stage.trainer.sees("Cap_Model training: ")
    stage.trainer.clicks("Cancel training", on=card)
    card.becomes("canceled by trainer")

    registers(stage.world, "Lid_Model", DATASET, 0.8)
    stage.until(lambda: degraded(stage, "Slack"), "Spotter tells of the channel")
    stage.trainer.types("/spotter", in_="general")
    assert stage.people.steady(stage.trainer.sees("What Spotter can do").text) == snapshot("""\
# What Spotter can do for you
/train model_name dataset cluster [experiment]  Train a detection model on a labeling export
/runs [run]  What runs, what ended, and why something waits
/models [name] [versions]  Registered models, their metrics and versions
/exports [name]  Labeling exports, newest first, and what is in them
/publish [branch]  Publish the training pipeline from a branch
/deploy model target reason  Ask for a model version on an edge target
/digest [what] [when] [zone] [quiet]  Scheduled digests of a channel: what needs someone, runs or has finished
/spotter  Help, how things stand, and who may do what
:warning: Slack: Spotter cannot write to channel C0LINEVIS1: it is archived (for <duration>)
0 running, 6 labeling exports known.
In a thread, where slash commands do not work, mention Spotter: @Spotter runs.\
""")
    assert trail(stage) == snapshot(
        [
            "U0TRAINER1 train.request",
            "spotter train.submit",
            "spotter message.private",
            "U0TRAINER1 train.cancel",
            "spotter train.canceled",
            "spotter model.announce",
        ]
    )


def test_a_stop_in_the_middle_of_a_post(stage: Stage) -> None:
    post = arm(stage.world.slack_faults, "POST", POST, "hang_after")
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    stage.trainer.types(ASK)
    stage.until(post.reached.is_set, "the card is being posted")
    ended: list[int] = []
    stopping = threading.Thread(target=lambda: ended.append(stage.bot.stop()))
    stopping.start()
    stage.until(lambda: any(line["event"] == "stopping" for line in stage.bot.log()), "the bot is stopping")
    post.release()
    stopping.join()
    assert ended == [0]
    assert shown(stage).ts

    stage.bot.start()
    stage.line.shows("Cap_Model training: waiting for a GPU node")
    assert said(stage, "Cap_Model") == 1
    assert not stage.world.slack_faults.log("*", r"conversations\.history")


def refusal(path: str, error: str, *, status: int = 200, headers: dict[str, str] | None = None) -> Fault:
    body = f'{{"ok": false, "error": "{error}"}}'
    told = {"Content-Type": "application/json", **(headers or {})}
    return Fault("POST", path, "answer", status=status, headers=told, body=body)


def shown(stage: Stage) -> messages.WantedMessage:
    with stage.store().read() as tx:
        message = messages.get(tx, f"run:{only_run(stage).id}")
    assert message is not None
    return message
