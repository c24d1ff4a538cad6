"""What is approved while a line is frozen waits, and is judged again before it is shipped."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from inline_snapshot import snapshot

from sandbox.azure.storage import DEFAULT_STORE
from sandbox.world import World
from tests.stories.deploying import MODEL, approved, asks, starts_with_another_policy, two_versions
from tests.stories.registry import registers
from tests.stories.stage import Stage, steady

LABELS, EXPORT = "Label_Model", "labels_20261118_101500"
FROZEN = 'freeze = ["2020-01-01 - 2099-12-31"]\ntime_zone = "Europe/Berlin"'
ONE_APPROVER = '[targets.{line}]\nchannel = "C0LINEVIS1"\napprovers = ["U0APPROVE1"]\napprovals = 1\n'
LINES = "\n".join(ONE_APPROVER.format(line=line) + FROZEN for line in ("line-2", "line-3"))


def three_models(world: World) -> None:
    two_versions(world)
    registers(world, LABELS, EXPORT, 0.7)


def test_a_freeze_keeps_what_is_approved_and_its_end_judges_it_again(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(
        lines={"line-1": 2, "line-2": 1, "line-3": 1},
        before=three_models,
        policy={
            "approvals = 2": f"approvals = 2\n{FROZEN}",
            "[targets.line-1.gates]": f"{LINES}\n[targets.line-1.gates]",
        },
    )
    first = stage.people["first_approver"]
    caps = approved(stage, asks(stage))
    assert steady(caps.becomes("waits to be shipped").text) == snapshot("""\
# Cap_Detection_Model v2 on line-1: approved, waits to be shipped
Approved. line-1 is frozen until Fri 1 Jan 2100, 00:00 (Europe/Berlin). It is shipped afterwards.
Approved by first_approver <time> · Approved by second_approver <time> · fingerprint <id>
Asked by trainer <time>: “fewer missed caps” · request line-1-cap_detection_model-2-<id>
[Reject …] [Withdraw]\
""")

    stage.trainer.types(f"/deploy {LABELS} line-2 'sharper labels'")
    labels = stage.line.shows(rf"Put {LABELS} v1 on line-2\?")
    first.clicks("Approve v1", on=labels)
    labels.becomes("waits to be shipped")

    stage.trainer.types(f"/deploy {MODEL}:2 line-3 'as on line 1'")
    third = stage.line.shows(rf"Put {MODEL} v2 on line-3\?")
    first.clicks("Approve v2", on=third)
    third.becomes("waits to be shipped")
    stage.trainer.clicks("Withdraw", on=third)
    assert steady(third.becomes("withdrawn").text) == snapshot("""\
# Cap_Detection_Model v2 on line-3: withdrawn
Withdrawn by trainer. Nothing was shipped. Ask again with /deploy.
Metric    | v2
mAP       | 0.xxx
Precision | 0.xxx
Recall    | 0.xxx
Asked by trainer <time>: “as on line 1” · request line-3-cap_detection_model-2-<id>
Approved by first_approver <time> · fingerprint <id>\
""")

    # Meanwhile one approver leaves the group, and somebody corrects a figure in the registry.
    stage.world.slack.leaves_group("U0APPROVE2", "S0APPROVERS")
    version = stage.world.azure.workspace.assets.version("models", LABELS, "1")
    assert version is not None
    version.properties["tags"]["Mean Average Precision"] = "0.31"
    starts_with_another_policy(stage, FROZEN, "")
    assert steady(caps.becomes("out of date").text) == snapshot("""\
# Cap_Detection_Model v2 on line-1: out of date
After it was asked for, there are not enough approvals any more (second_approver may not approve any more). Nothing was shipped. Ask again with /deploy.
Metric    | v2
mAP       | 0.xxx
Precision | 0.xxx
Recall    | 0.xxx
Asked by trainer <time>: “fewer missed caps” · request line-1-cap_detection_model-2-<id>
Approved by first_approver <time> · Approved by second_approver <time> · fingerprint <id>\
""")
    assert steady(labels.becomes("out of date").text) == snapshot("""\
# Label_Model v1 on line-2: out of date
After it was asked for, mAP changed. Nothing was shipped. Ask again with /deploy.
Metric    | v1
mAP       | 0.xxx
Precision | 0.xxx
Recall    | 0.xxx
Asked by trainer <time>: “sharper labels” · request line-2-label_model-1-<id>
Approved by first_approver <time> · fingerprint <id>\
""")
    assert not stage.world.devops_faults.log("POST", "/runs")


def test_a_question_is_out_of_date_when_its_model_changes(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(lines={"line-1": 2}, before=two_versions)
    workspace = stage.world.azure.workspace
    version = workspace.assets.version("models", MODEL, "2")
    assert version is not None
    card = asks(stage)
    stage.people["first_approver"].clicks("Approve v2", on=card)
    card.becomes("1 approval needed")
    version.properties["tags"]["Recall"] = "0.9"
    assert "Recall changed" in card.becomes("out of date").text

    version.properties["tags"]["Recall"] = "1.0"
    again = asks(stage, reason="the tag was wrong")
    place = version.properties["modelUri"].partition("/paths/")[2]
    with TemporaryDirectory() as folder:
        (Path(folder) / "model.onnx").write_bytes(b"other weights")
        workspace.storage.stores[DEFAULT_STORE].put_tree(Path(folder), place)
    assert steady(again.becomes("out of date").text) == snapshot("""\
# Cap_Detection_Model v2 on line-1: out of date
After it was asked for, the model's files changed. Nothing was shipped. Ask again with /deploy.
Metric    | v2
mAP       | 0.xxx
Precision | 0.xxx
Recall    | 0.xxx
Asked by trainer <time>: “the tag was wrong” · request line-1-cap_detection_model-2-<id>\
""")
    assert not stage.world.devops_faults.log("POST", "/runs")
