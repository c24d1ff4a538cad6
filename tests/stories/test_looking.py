"""Looking around: /runs and its details, the Home tab, and asking in a thread by mentioning Spotter."""

from inline_snapshot import snapshot

from sandbox.people.modal import Modal
from tests.stories.stage import Stage

SMALL = "caps_20261102_081530"


def test_runs_details_and_home_tell_the_same(stage: Stage) -> None:
    stage.trainer.types("/runs")
    assert stage.trainer.sees("training").text == snapshot(
        "No training has been asked for yet. Type /train to start the first one."
    )
    home = stage.trainer.opens_home("Nothing is running")
    assert stage.people.steady(home.text) == snapshot("""\
# Nothing is running
Trainings show up here with their trials and the best result so far.
[Start a training]
---
# Models
The first model that is registered shows up here.
---
:white_check_mark: All is well. 0 running, 6 labeling exports known.
Updated <time>\
""")

    for _ in range(2):
        stage.world.azure.studio.fail_next_trial("CUDA out of memory. Tried to allocate 2 GiB")
    stage.trainer.clicks("Start a training", on=home)
    form = stage.trainer.sees_modal("Train a model")
    form.fills({"Model name": "Lid_Model", "Labeling export": SMALL, "GPU cluster": "gpu-cluster"})
    form.submits()
    stage.trainer.sees("Lid_Model training: ").becomes("failed")
    stage.world.azure.studio.set_capacity("gpu-small", available=False)
    stage.trainer.types(f"/train Cap_Model {SMALL} gpu-small")
    stage.line.shows(r"(?s)Cap_Model training: .*no free")

    stage.outsider.types("/runs")
    runs = stage.outsider.sees("1 training running")
    assert stage.people.steady(runs.text) == snapshot("""\
# 1 training running
Cap_Model: waiting for a GPU node, <duration>
caps_20261102_081530 on gpu-small
Azure has no free machines of this size in the region now; a quota is no promise of capacity. Azure says: Azure has no free STANDARD_NC4AS_T4_V3 machines in westeurope now.
for trainer, <time>
[Details]
---
Ended last
Lid_Model: failed, <duration>
caps_20261102_081530 on gpu-cluster
:x: The GPU ran out of memory. Use a smaller model size, image size or batch size ([training] in spotter.toml), or a GPU with more memory.
for trainer, <time>
[Details]\
""")
    stage.outsider.clicks("Details", on=runs)
    assert stage.people.steady(stage.outsider.sees("GPU cluster").text) == snapshot("""\
# Cap_Model: cap_model-<id>
State waiting for a GPU node
Asked by trainer, <time>
Labeling export caps_20261102_081530 version 1
GPU cluster gpu-small
Experiment spotter
So far <duration>
Azure has no free machines of this size in the region now; a quota is no promise of capacity. Azure says: Azure has no free STANDARD_NC4AS_T4_V3 machines in westeurope now.
[Open in studio]\
""")
    [_, failed] = stage.jobs()
    stage.trainer.types(f"/runs {failed}")
    assert stage.people.steady(stage.trainer.sees("GPU cluster").text) == snapshot("""\
# Lid_Model: lid_model-<id>
State failed
Asked by trainer, <time>
Labeling export caps_20261102_081530 version 1
GPU cluster gpu-cluster
Experiment spotter
Took <duration>
:x: The GPU ran out of memory. Use a smaller model size, image size or batch size ([training] in spotter.toml), or a GPU with more memory.
Trial | mAP | Precision | Recall | State
1     | –   | –         | –      | failed
2     | –   | –         | –      | failed
Last log lines of trial 1:
```ERROR: CUDA out of memory. Tried to allocate 2 GiB```
[Open in studio] [Train again]\
""")
    stage.outsider.types("/runs cap-model-yesterday")
    assert stage.outsider.sees("yesterday").text == snapshot(
        ":warning: No run is called “cap-model-yesterday”. /runs lists them."
    )

    home = stage.trainer.opens_home("1 running")
    assert stage.people.steady(home.text) == snapshot("""\
# 1 running
Cap_Model: waiting for a GPU node
caps_20261102_081530 on gpu-small, for <duration>
[Details]
[Start a training]
---
# Models
The first model that is registered shows up here.
---
# Ended last
Lid_Model: failed, <time>
[Details]
---
:white_check_mark: All is well. 1 running, 6 labeling exports known.
Updated <time>\
""")

    stage.trainer.clicks("Details", on=home)
    _modal_says("State waiting for a GPU node", stage).clicks("Cancel training")
    _modal_says("Done. The message about it shows what happens next.", stage)
    stage.line.shows("Cap_Model training canceled by trainer")
    stage.trainer.clicks("Details", on=stage.trainer.opens_home("Nothing is running"))
    _modal_says("State canceled", stage).clicks("Train again")
    assert stage.trainer.sees_modal("Train a model").field("Model name").value == "Cap_Model"


def _modal_says(text: str, stage: Stage) -> Modal:
    def look() -> Modal | None:
        modal = stage.trainer.sees_modal("Spotter")
        return modal if text in modal.text else None

    return stage.trainer.wait(look, None, lambda: f"no modal says “{text}”")


def test_a_mention_in_a_thread_answers_there(stage: Stage) -> None:
    stage.trainer.types("How does it go?")
    question = stage.line.shows("How does it go")
    stage.trainer.types("@spotter runs", thread=question)
    assert question.thread_shows("No training has been asked for yet").is_private

    stage.trainer.types(f"@spotter train dataset={SMALL}", thread=question)
    invitation = question.thread_shows("A few details")
    assert invitation.text == snapshot("""\
A few details are needed for /train.
[Open the form]\
""")
    stage.trainer.clicks("Open the form", on=invitation)
    assert stage.trainer.sees_modal("Train a model").field("Labeling export").value == SMALL
    stage.trainer.types("@spotter what can you do?", thread=question)
    assert question.thread_shows("What Spotter can do for you").is_private
