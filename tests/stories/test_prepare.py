"""A COCO export becomes, once, an export that can be trained on, or says what is wrong with it."""

from inline_snapshot import snapshot

from tests.stories.labeling import exports_as_coco, steady_names
from tests.stories.stage import Stage, steady
from tests.stories.trouble import JOB, arm, power_cut, said, trail

PREPARED = "caps_coco_prepared_20261112_093011"


def test_a_coco_export_is_prepared_once_and_trained_on(stage: Stage) -> None:
    stage.trainer.types("/exports caps_coco")
    answer = stage.trainer.sees("1 labeling export")
    assert answer.text == snapshot("""\
# 1 labeling export, newest first
caps_coco_20261112_093011  2026-11-12 09:30 UTC
120 images, 411 boxes: cap_missing 152, cap_on 259
AutoML does not read COCO: it has to be prepared for training first.
[Prepare for training]
(bar chart: Boxes per class: fairly even)
  Boxes: cap_on 259, cap_missing 152\
""")
    submitted = arm(stage.world.azure_faults, "PUT", JOB, "hang_after")
    stage.trainer.clicks("Prepare for training", on=answer)
    power_cut(stage, submitted)
    stage.world.azure_faults.clear()
    stage.bot.start()

    announced = stage.line.shows("ready to train")
    stage.line.shows(f"prepared for training as {PREPARED}")
    assert steady(stage.line.transcript()) == snapshot("""\
Spotter:
  caps_coco_20261112_093011 prepared for training as caps_coco_prepared_20261112_093011. What is in it is announced below.
  Asked by trainer <time> · job prepare-caps_coco_20261112_093011-1-1 on cpu-cluster
Spotter:
  # caps_coco_prepared_20261112_093011: 120 images, 411 boxes, ready to train
  cap_missing 152, cap_on 259
  (bar chart: Boxes per class: fairly even)
    Boxes: cap_on 259, cap_missing 152
  New labeling export by Spotter <time>
  [Train]\
""")
    assert len(stage.jobs()) == 1
    assert sorted(trail(stage)) == snapshot(
        ["U0TRAINER1 prepare.request", "spotter export.announce", "spotter prepare.prepared"]
    )

    stage.trainer.clicks("Prepare for training", on=answer)
    assert stage.trainer.sees("prepared already").text == snapshot(
        ":warning: caps_coco_20261112_093011 is prepared already. Train on caps_coco_prepared_20261112_093011; /exports shows it."
    )
    stage.trainer.types("/exports caps_coco")
    assert steady(stage.trainer.sees("2 labeling exports").text) == snapshot("""\
# 2 labeling exports, newest first
caps_coco_prepared_20261112_093011  <time>
120 images, 411 boxes: cap_missing 152, cap_on 259
[Train on this]
caps_coco_20261112_093011  <time>
120 images, 411 boxes: cap_missing 152, cap_on 259
Prepared for training as caps_coco_prepared_20261112_093011.\
""")
    stage.trainer.clicks("Train", on=announced)
    assert stage.trainer.sees_modal("Train a model").field("Labeling export").value == PREPARED


def test_new_coco_exports_can_be_prepared_and_a_bad_one_says_what_is_wrong(stage: Stage) -> None:
    exports_as_coco(stage, "lids_20261121_120000", *[("lid_on", "lid_off")] * 10, category_id=9)
    announced = stage.line.shows("COCO")
    assert steady(announced.text) == snapshot("""\
# lids_20261121_120000: 10 images, 20 boxes, COCO, to be prepared for training
category 9 1, lid_off 10, lid_on 9
:warning: Few boxes of category 9 (1), lid_on (9), lid_off (10): expect poor results there.
(bar chart: Boxes per class: 10 to 1 from most to fewest)
  Boxes: lid_off 10, lid_on 9, category 9 1
New labeling export by Line engineer <time>
[Prepare for training]\
""")
    stage.trainer.clicks("Prepare for training", on=announced)
    assert steady(stage.line.shows("could not be prepared").text) == snapshot("""\
# lids_20261121_120000 could not be prepared
:x: This export cannot be prepared. Box 1 has category 9, which is not listed. Correct it, export again, and prepare the new export.
Asked by trainer <time> · job prepare-lids_20261121_120000-1-1 on cpu-cluster
[Open in studio]\
""")
    assert said(stage, "ready to train") == 0

    stage.world.azure.studio.export_labels("caps", "Coco")
    assert steady_names(steady(stage.line.shows("caps_.* COCO").text)) == snapshot("""\
# caps_<made now>: 240 images, 831 boxes, COCO, to be prepared for training
cap_missing 293, cap_on 538
As many images and boxes as caps_20261116_143000
(bar chart: Boxes per class: fairly even)
  Boxes: cap_on 538, cap_missing 293
New labeling export <time>
[Prepare for training]\
""")

    exports_as_coco(stage, "few_20261121_130000", ("lid_on",))
    assert steady(stage.line.shows("few_20261121").text) == snapshot("""\
# few_20261121_130000: 1 image, 1 box, not ready to train
lid_on 1
:warning: few_20261121_130000 has 1 image; at least 10 are needed. Label more pictures and export again.
New labeling export by Line engineer <time>\
""")
