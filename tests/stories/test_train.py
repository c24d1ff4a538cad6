"""/train, from the form to the announcement."""

from inline_snapshot import snapshot

from storage import runs
from tests.stories.stage import Stage, steady

SMALL = "caps_20261102_081530"


def test_a_person_trains_a_model_and_the_channel_reads_what_was_measured(stage: Stage) -> None:
    stage.trainer.types("/train")
    form = stage.trainer.sees_modal("Train a model")
    form.fills({"Model name": "Cap_Model", "Labeling export": SMALL, "GPU cluster": "gpu-cluster"})
    form.submits()
    stage.trainer.sees_no_modal()

    card = stage.line.shows("Cap_Model training: ")
    card.becomes("Cap_Model v1 trained")
    stage.line.shows(r"Cap_Model v1 registered[\s\S]*held-out pictures of").thread_shows(r"\.jpg")

    assert stage.line.transcript() == snapshot("""\
Spotter:
  # Cap_Model v1 trained, mAP 0.xxx
  2 trials in <duration>. The new version is announced below.
  Asked by trainer <time> · caps_20261102_081530 on gpu-cluster · run cap_model-<id>
  [Open in studio]
Spotter:
  # Cap_Model v1 registered: mAP 0.xxx, the first version
  Metric    | v1
  mAP       | 0.xxx
  Precision | 0.xxx
  Recall    | 0.xxx
  It was measured on 16 held-out pictures of caps_20261102_081530:1. Found worst: cap_missing, average precision 0.xxx over 16 boxes.
  (image: v1 on some of 16 held-out pictures. <what was found>)
  Trained for trainer in <duration> on caps_20261102_081530, on gpu-cluster · epoch <n> of the best trial · run cap_model-<id>
  [Deploy …] [Precision and recall] [Open in studio]
  Spotter:
    (images: <what was found>)\
""")
    assert len(stage.jobs()) == 1
    with stage.store().read() as tx:
        (run,) = runs.recent(tx, 5)
    assert (run.vm_size, run.max_trials) == ("standard_nc4as_t4_v3", 2)
    assert run.images and run.node_seconds and run.ended_at, "what the next one is compared with"
    assert 1 <= run.node_seconds <= 2 * (run.ended_at - run.requested_at).total_seconds()

    announced = stage.line.shows("Cap_Model v1 registered")
    stage.outsider.clicks("Precision and recall", on=announced)
    assert stage.outsider.sees("Precision against recall of").text == snapshot(
        "Precision against recall of Cap_Model v1 is in the announcement's thread."
    )
    drawn = announced.thread_shows("precision against recall")
    assert steady(drawn.text) == snapshot("""\
# Cap_Model v1, precision against recall: cap_missing is found worst
(image: Cap_Model v1, precision against recall: cap_missing is found worst. cap_missing: average precision 0.xxx, ends at precision 0.xxx and recall 0.xxx; cap_on: average precision 0.xxx, ends at precision 0.xxx and recall 0.xxx.)
On 16 held-out pictures of caps_20261102_081530:1. Each curve goes from the surest box to all that the model answers with, as a device gets them; that end is marked.\
""")
    assert [block["type"] for block in drawn.blocks] == ["header", "image", "context"]

    stage.outsider.types("/models Cap_Model", in_="general")
    stage.outsider.clicks("Precision and recall of v1", on=stage.outsider.sees("v1 is the newest"))
    sent = stage.outsider.sees("ends at precision")
    assert [block["type"] for block in sent.blocks] == ["header", "image", "context"]
