"""Labels on their way to a training: progress of the project, an export by a click, its announcement, Train."""

from collections.abc import Callable
from pathlib import Path

from inline_snapshot import snapshot

from infra.training.register import model_tags
from infra.training.split import held_out
from sandbox.world import World
from tests.stories.labeling import steady_names
from tests.stories.stage import Stage, steady
from tests.stories.trouble import arm, power_cut, said, trail

EXPORT = r"/labelingJobs/caps/exportLabels"


def test_labels_are_exported_by_a_click_announced_and_trained_on(
    new_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    stage = new_stage(before=lambda world: _a_model_was_trained(world, tmp_path))
    studio = stage.world.azure.studio
    studio.label("caps", 12)
    studio.skip("caps", 2)
    stage.until(lambda: "252 of 300" in _asked(stage), "the progress of the project is known")
    answer = stage.trainer.sees("252 of 300")
    assert answer.text.partition("# Labeling projects\n")[2] == snapshot("""\
caps: 252 of 300 pictures labelled (84 %), 2 skipped, 12 of them since its newest export
[Export labels]\
""")
    assert stage.line.transcript() == "", "what was there at the first start is no news"

    stage.outsider.types("/exports caps")
    assert "Export labels" not in stage.outsider.sees("252 of 300").buttons

    stage.trainer.clicks("Export labels", on=answer)
    announced = stage.line.shows("ready to train")
    stage.line.shows("Labels of caps exported")
    assert steady_names(stage.line.transcript()) == snapshot("""\
Spotter:
  Labels of caps exported as caps_<made now>. What is in it is announced below.
  Asked by trainer <time>
Spotter:
  # caps_<made now>: 252 images, 868 boxes, ready to train
  cap_missing 304, cap_on 564
  +12 images and +37 boxes since caps_20261116_143000
  It has 50 of the 50 pictures that Cap_Model v1 was measured on; no model learns from them, so a new one can be compared with it.
  (bar chart: Boxes per class: fairly even)
    Boxes: cap_on 564, cap_missing 304
  New labeling export by Line engineer <time>
  [Train]\
""")

    stage.trainer.clicks("Export labels", on=answer)
    assert steady_names(stage.trainer.sees("shows how things stand").text) == snapshot(
        "Labels of caps exported. /exports shows how things stand now."
    )
    assert len(stage.world.azure_faults.log("POST", EXPORT)) == 1
    assert sorted(trail(stage)) == snapshot(
        ["U0TRAINER1 labels.request", "spotter export.announce", "spotter labels.exported"]
    )

    stage.trainer.clicks("Train", on=announced)
    form = stage.trainer.sees_modal("Train a model")
    assert form.field("Labeling export").value in announced.text


def test_one_click_is_one_export_through_a_power_cut_and_a_lost_answer(stage: Stage) -> None:
    faults = stage.world.azure_faults
    begun = arm(faults, "POST", EXPORT, "hang_after")
    stage.trainer.types("/exports caps")
    stage.trainer.clicks("Export labels", on=stage.trainer.sees("240 of 300"))
    power_cut(stage, begun)
    faults.clear()
    stage.bot.start()
    stage.line.shows("Labels of caps exported")
    stage.line.shows("caps_.* ready to train")

    arm(faults, "POST", EXPORT, "answer")
    stage.trainer.types("/exports caps")
    stage.trainer.clicks("Export labels", on=stage.trainer.sees("all of them in its newest export"))
    assert steady(stage.line.shows("did not say").text) == snapshot("""\
Labels of caps are being exported
:warning: Azure did not say whether it has begun. Spotter looks for the new export, and asks for no second one.
Asked by trainer <time>\
""")
    polls = len(faults.log("GET", r"/data\?"))
    stage.until(lambda: len(faults.log("GET", r"/data\?")) > polls + 3, "Spotter looked for the new export")
    assert len(faults.log("POST", EXPORT)) == 2
    assert said(stage, "ready to train") == 1

    stage.world.azure.studio.export_labels("caps")
    stage.until(lambda: said(stage, "Labels of caps exported") == 2, "the export that shows up is taken")


def _a_model_was_trained(world: World, folder: Path) -> None:
    """A version trained on the last export, as trainings with Spotter's pipeline tag them."""
    tags = {
        "Dataset": "caps_20261116_143000",
        "Mean Average Precision": "0.9",
        model_tags.HELD_OUT: held_out.RULE,
    }
    (folder / "model").mkdir()
    (folder / "model" / "model.onnx").write_bytes(b"weights")
    world.azure.studio.register_by_hand("Cap_Model", folder / "model", tags=tags)


def _asked(stage: Stage) -> str:
    stage.trainer.types("/exports caps")
    return stage.trainer.sees("newest first").text
