"""/train refuses what could not work before anything is made, on the field where it is wrong, with what to do."""

from collections.abc import Callable

from inline_snapshot import snapshot

from tests.stories.labeling import label_and_export
from tests.stories.stage import Stage

GOOD = {"model_name": "Cap_Model", "dataset": "caps_20261102_081530", "cluster": "gpu-cluster"}


def test_each_wrong_word_is_answered_with_what_to_do(stage: Stage) -> None:
    assert _answers(
        stage,
        {"model_name": "Cap.Model"},
        {"dataset": "caps_20251231_000000"},
        {"dataset": "caps_coco_20261112_093011"},
        {"dataset": "caps_unlabelled_20261105_070500"},
        {"cluster": "gpu-clutser"},
        {"cluster": "cpu-cluster"},
        {"cluster": "gpu-frozen"},
        {"experiment": "night shift"},
    ) == snapshot("""\
:warning: Model name cannot be “Cap.Model”. A model name begins with a letter or digit and has up to 255 letters, digits, - and _ (no space, dot or slash).
:warning: There is no labeling export called “caps_20251231_000000”. The newest are caps_20261116_143000, caps_nightshift_20261113_220110, caps_coco_20261112_093011.
:warning: caps_coco_20261112_093011 is a COCO export, and AutoML reads MLTable. Prepare it for training with its button in /exports.
:warning: caps_unlabelled_20261105_070500 has no boxes on its 40 images. Draw boxes in the labeling project and export again.
:warning: There is no cluster called “gpu-clutser”. Choose one of: gpu-cluster, gpu-small.
:warning: cpu-cluster has no GPU (STANDARD_DS3_V2). Choose one of: gpu-cluster, gpu-small.
:warning: gpu-frozen allows no nodes (its maximum is 0). Choose one of: gpu-cluster, gpu-small.
:warning: Experiment cannot be “night shift”. An experiment name has letters, digits, - and _ only.\
""")
    assert stage.jobs() == []
    assert stage.line.transcript() == ""


def test_an_export_that_lost_a_class_or_is_too_small_is_refused(stage: Stage) -> None:
    label_and_export(stage, "lids_20261101_120000", ("lid_on",), ("lid_off",), times=10)
    label_and_export(stage, "lids_20261103_120000", ("lid_on",), times=20)
    label_and_export(stage, "corks_20261104_120000", ("cork",), times=9)
    stage.until(lambda: "9 labeling exports known" in _standing(stage), "the new exports are known")

    assert _answers(
        stage,
        {"dataset": "lids_20261103_120000"},
        {"dataset": "corks_20261104_120000"},
    ) == snapshot("""\
:warning: lids_20261103_120000 has no boxes of lid_off. Label some in the labeling project and export again.
:warning: corks_20261104_120000 has 9 images; at least 10 are needed. Label more pictures and export again.\
""")
    assert stage.jobs() == []


def test_the_form_shows_what_is_wrong_below_its_field(stage: Stage) -> None:
    stage.trainer.types("/train")
    form = stage.trainer.sees_modal("Train a model")
    form.fills({"Model name": "Cap Model", "Labeling export": "caps_coco", "GPU cluster": "gpu-small"})
    form.submits_and_sees({"Model name": "A model name begins with"})
    assert "Experiment" not in form.errors
    form.fills({"Experiment": "night shift"})
    form.submits_and_sees({"Model name": "A model name begins with", "Experiment": "An experiment name has"})
    form.fills({"Experiment": "spotter"})
    form.fills({"Model name": "Cap_Model"})
    form.submits_and_sees({"Labeling export": "COCO"})
    assert form.text == snapshot("""\
# Train a model
Model name: Cap_Model
  (For example Cap_Detection_Model. An existing name gets a new version.)
Labeling export: caps_coco_20261112_093011
  (Newest first)
  ! caps_coco_20261112_093011 is a COCO export, and AutoML reads MLTable. Prepare it for training with its button in /exports.
GPU cluster: gpu-small
  (The one you used last comes first)
Experiment: spotter
  (A folder for runs in the studio)
How long it takes, and what it costs, is told here once export and cluster are chosen.
[Cancel] [Start training]\
""")

    stage.world.azure.studio.resize("gpu-small", 0, 0)
    form.fills({"Labeling export": "caps_20261102"})
    stage.until(
        lambda: "gpu-small" not in form.field("GPU cluster").offers(), "the cluster is not offered any more"
    )
    form.submits_and_sees({"GPU cluster": "gpu-small allows no nodes"})
    form.fills({"GPU cluster": "gpu-cluster"})
    form.submits()
    stage.line.shows("Cap_Model training: ")
    assert form.errors == {}


def test_no_training_without_a_published_pipeline(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(policy={"[training]": '[training]\ncomponent = "lid_training"'})
    stage.trainer.types("/train")
    form = stage.trainer.sees_modal("Train a model")
    form.fills({"Model name": "Lid_Model", "Labeling export": "caps_20261102", "GPU cluster": "gpu-small"})
    form.submits()
    assert stage.trainer.sees_modal("Train a model").becomes("not published").text == snapshot("""\
# Train a model
:warning: The training pipeline is not published in this workspace yet. Somebody with the role publish types /publish; spotter publish-pipeline --version 1 does the same.
Model name: Lid_Model
  (For example Cap_Detection_Model. An existing name gets a new version.)
Labeling export: caps_20261102_081530
  (Newest first)
GPU cluster: gpu-small
  (The one you used last comes first)
Experiment: spotter
  (A folder for runs in the studio)
No earlier run to compare with, so how long it takes is not known yet.
[Cancel] [Start training]\
""")
    assert stage.jobs() == []


def _answers(stage: Stage, *wrong: dict[str, str]) -> str:
    """What the trainer is told for each wrong word in an else good command."""
    told = []
    for words in wrong:
        typed = " ".join(f'{name}="{value}"' for name, value in {**GOOD, **words}.items())
        stage.trainer.types(f"/train {typed}")
        told.append(stage.trainer.sees(".").text)
    return "\n".join(told)


def _standing(stage: Stage) -> str:
    stage.trainer.types("/spotter")
    return stage.trainer.sees("exports known").text
