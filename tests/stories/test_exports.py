"""/exports: what can be trained on, what cannot and why, and the way from there to a training."""

import shutil
from collections.abc import Callable

from inline_snapshot import snapshot

from sandbox.azure.storage import DEFAULT_STORE
from sandbox.faults import Fault
from tests.stories.labeling import label_and_export
from tests.stories.stage import Stage


def test_a_person_looks_through_the_exports_and_trains_on_one(stage: Stage) -> None:
    stage.trainer.types("/exports")
    assert stage.trainer.sees("newest first").text == snapshot("""\
# 6 labeling exports, newest first
caps_20261116_143000  2026-11-16 14:30 UTC
240 images, 831 boxes: cap_missing 293, cap_on 538
+180 images and +616 boxes since caps_20261102_081530
[Train on this]
caps_nightshift_20261113_220110  2026-11-13 22:01 UTC
120 images, 411 boxes: cap_missing 199, cap_on 212
[Train on this]
caps_coco_20261112_093011  2026-11-12 09:30 UTC
120 images, 411 boxes: cap_missing 152, cap_on 259
AutoML does not read COCO: it has to be prepared for training first.
[Prepare for training]
caps_crooked_20261109_101204  2026-11-09 10:12 UTC
120 images, 411 boxes: cap_crooked 3, cap_missing 152, cap_on 256
:warning: Few boxes of cap_crooked (3): expect poor results there.
[Train on this]
caps_unlabelled_20261105_070500  2026-11-05 07:05 UTC
40 images, no boxes
:warning: caps_unlabelled_20261105_070500 has no boxes on its 40 images. Draw boxes in the labeling project and export again.
caps_20261102_081530  2026-11-02 08:15 UTC
60 images, 215 boxes: cap_missing 75, cap_on 140
[Train on this]
---
# Labeling projects
caps: 240 of 300 pictures labelled (80 %), all of them in its newest export
[Export labels]\
""")

    stage.trainer.types("/exports NIGHT")
    assert stage.trainer.sees("1 labeling export").text == snapshot("""\
# 1 labeling export, newest first
caps_nightshift_20261113_220110  2026-11-13 22:01 UTC
120 images, 411 boxes: cap_missing 199, cap_on 212
[Train on this]
(bar chart: Boxes per class: fairly even)
  Boxes: cap_on 212, cap_missing 199\
""")

    stage.trainer.types("/exports bottles")
    assert stage.trainer.sees("bottles").text == snapshot(
        "No labeling export is called anything like “bottles”. /exports shows all of them."
    )

    stage.trainer.types("/exports caps_20261116")
    stage.trainer.clicks("Train on this", on=stage.trainer.sees("1 labeling export"))
    form = stage.trainer.sees_modal("Train a model")
    assert form.field("Labeling export").value == "caps_20261116_143000"
    assert form.field("Model name").value is None


def test_new_exports_show_up_by_themselves_and_deleted_ones_go(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(start=False)
    azure = stage.world.azure
    for export in azure.workspace.assets.containers("data"):
        azure.studio.delete_export(export.name, "1")
    shutil.rmtree(azure.workspace.storage.stores[DEFAULT_STORE].path_of("Labeling/export"))
    stage.world.azure_faults.arm(Fault("GET", "/data", "answer", times=1000))
    stage.bot.start()
    assert _exports(stage) == snapshot(
        "Spotter has not read the labeling exports from Azure yet. Try again in a minute; /spotter tells how things stand."
    )

    stage.world.azure_faults.clear()
    stage.until(lambda: "no labeling export" in _exports(stage), "the exports are read")
    stage.until(lambda: "Labeling projects" in _exports(stage), "the projects are read")
    assert _exports(stage) == snapshot(
        """\
There is no labeling export in the workspace yet. Export labels makes the first one.
---
# Labeling projects
caps: 240 of 300 pictures labelled (80 %)
[Export labels]\
"""
    )

    label_and_export(stage, "lids_20261101_120000", ("lid_on",), ("lid_off",), times=10)
    stage.until(lambda: "lids_20261101" in _exports(stage), "the first export shows up")
    label_and_export(stage, "lids_20261103_120000", ("lid_on", "lid_on"), ("lid_off",), times=12)
    stage.until(lambda: "lids_20261103" in _exports(stage), "the second export shows up")
    assert _exports(stage) == snapshot("""\
# 2 labeling exports, newest first
lids_20261103_120000  2026-11-03 12:00 UTC
24 images, 36 boxes: lid_off 12, lid_on 24
+4 images and +16 boxes since lids_20261101_120000
:warning: Few boxes of lid_off (12): expect poor results there.
[Train on this]
lids_20261101_120000  2026-11-01 12:00 UTC
20 images, 20 boxes: lid_off 10, lid_on 10
:warning: Few boxes of lid_off (10), lid_on (10): expect poor results there.
[Train on this]
---
# Labeling projects
caps: 240 of 300 pictures labelled (80 %)
[Export labels]\
""")

    azure.studio.delete_export("lids_20261103_120000", "1")
    stage.until(lambda: "lids_20261103" not in _exports(stage), "the deleted export is gone")


def _exports(stage: Stage) -> str:
    stage.trainer.types("/exports")
    return stage.trainer.sees("labeling export").text
