"""Trials that fail: all of them, and the channel reads why and what to do; some of them, and the best is kept."""

from collections.abc import Callable

from inline_snapshot import snapshot

from tests.stories.registry import registers
from tests.stories.stage import Stage

EARLIER = "caps_20261019_070000"
SMALL = "caps_20261102_081530"
OUT_OF_MEMORY = (
    "CUDA out of memory. Tried to allocate 512.00 MiB (GPU 0; 14.76 GiB total capacity; 13.9 GiB in use)"
)


def test_out_of_memory_is_explained_and_the_training_is_asked_for_again(stage: Stage) -> None:
    for _ in range(2):
        stage.world.azure.studio.fail_next_trial(OUT_OF_MEMORY)
    stage.trainer.types(f"/train Cap_Model {SMALL} gpu-small nightly")
    card = stage.line.shows("Cap_Model training: ").becomes("Cap_Model training failed")
    card.thread_shows("Last log lines")
    assert stage.line.transcript() == snapshot("""\
Spotter:
  # Cap_Model training failed
  :x: The GPU ran out of memory. Use a smaller model size, image size or batch size ([training] in spotter.toml), or a GPU with more memory.
  Azure's words (trial 1): CUDA out of memory. Tried to allocate 512.00 MiB (GPU 0; 14.76 GiB total capacity; 13.9 GiB in use)
  Trial | mAP | Precision | Recall | State
  1     | –   | –         | –      | failed
  2     | –   | –         | –      | failed
  Asked by trainer <time> · caps_20261102_081530 on gpu-small · run cap_model-<id>
  [Train again] [Open in studio]
  Spotter:
    Last log lines of trial 1:
    ```ERROR: CUDA out of memory. Tried to allocate 512.00 MiB (GPU 0; 14.76 GiB total capacity; 13.9 GiB in use)```\
""")

    stage.trainer.clicks("Train again", on=card)
    form = stage.trainer.sees_modal("Train a model")
    assert form.text == snapshot("""\
# Train a model
Model name: Cap_Model
  (For example Cap_Detection_Model. An existing name gets a new version.)
Labeling export: caps_20261102_081530
  (Newest first)
GPU cluster: gpu-small
  (The one you used last comes first)
Experiment: nightly
  (A folder for runs in the studio)
No earlier run to compare with, so how long it takes is not known yet.
[Cancel] [Start training]\
""")
    form.fills({"GPU cluster": "gpu-cluster"})
    form.submits()
    again = stage.line.shows("Cap_Model training: ")
    assert again.ts != card.ts
    assert "failed" in card.refresh().text


def test_one_trial_fails_and_the_other_becomes_the_next_version(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(before=lambda world: registers(world, "Cap_Model", EARLIER, 0.001, 0.002))
    stage.world.azure.studio.fail_next_trial(OUT_OF_MEMORY)
    stage.trainer.types(f"/train Cap_Model {SMALL} gpu-cluster")
    stage.line.shows("Cap_Model training: ").becomes("Cap_Model v3 trained")
    stage.line.shows(r"Cap_Model v3 registered[\s\S]*held-out pictures of").thread_shows(r"\.jpg")
    assert stage.line.transcript() == snapshot("""\
Spotter:
  # Cap_Model v3 trained, mAP 0.xxx
  2 trials, 1 of them failed, in <duration>. The new version is announced below.
  Asked by trainer <time> · caps_20261102_081530 on gpu-cluster · run cap_model-<id>
  [Open in studio]
Spotter:
  # Cap_Model v3 registered: mAP 0.xxx, +0.xxx better than v2
  Metric    | v3    | v2    | Change
  mAP       | 0.xxx | 0.xxx | +0.xxx better
  Precision | 0.xxx | 0.xxx | −0.xxx worse
  Recall    | 0.xxx | 0.xxx | −0.xxx worse
  It was measured on 16 held-out pictures of caps_20261102_081530:1. v2 could not be measured on them: It has no scoring file. v2's figures are from pictures of caps_20261019_070000, so read the change with care. Found worst: cap_missing, average precision 0.xxx over 16 boxes.
  (image: v3 on some of 16 held-out pictures. <what was found>)
  Trained for trainer in <duration> on caps_20261102_081530, on gpu-cluster · epoch <n> of the best trial · run cap_model-<id>
  [Deploy …] [Precision and recall] [Open in studio]
  Spotter:
    (line chart: This is the best version so far)
      mAP: v1 0.xxx, v2 0.xxx, v3 0.xxx
    Each version's mAP as its own training measured it.
    (images: <what was found>)\
""")
