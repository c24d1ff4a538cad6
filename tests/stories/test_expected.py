"""What a training will take and cost is told before it starts, and one above the limit is started by a second click."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from inline_snapshot import snapshot

from storage import audit, catalog, runs
from storage.runs import TrainingRun
from tests.stories.stage import Stage

SMALL = "caps_20261102_081530"
PRICES = {
    "[training]": '[prices]\ncurrency = "EUR"\nStandard_NC4as_T4_v3 = 0.53\n\n[training]\nbudget = 1.5',
}


def trained_before(stage: Stage, minutes: list[int]) -> None:
    """Trainings on such machines that took so long, each with two nodes at work all the time."""
    with stage.store().write() as tx:
        export = catalog.get_export(tx, SMALL)
        assert export and export.contents
        for number, took in enumerate(minutes):
            asked = datetime(2026, 11, 1 + number, 9, tzinfo=UTC)
            runs.add(
                tx,
                TrainingRun(
                    id=f"cap-{number}",
                    request_id=f"r{number}",
                    state="registered",
                    model_name="Cap_Model",
                    dataset=SMALL,
                    dataset_version="1",
                    cluster="gpu-cluster",
                    experiment="spotter",
                    requested_by="U0SOMEBODY",
                    requested_by_name="somebody",
                    channel="C0LINEVIS1",
                    requested_at=asked,
                    ended_at=asked + timedelta(minutes=took),
                    registered_version=number + 1,
                    vm_size="standard_nc4as_t4_v3",
                    max_trials=2,
                    images=export.contents["images"],
                    node_seconds=2 * took * 60,
                ),
            )


def test_a_form_tells_what_a_training_takes_and_costs_and_asks_again_above_the_limit(
    new_stage: Callable[..., Stage],
) -> None:
    stage = new_stage(policy=PRICES)
    for cluster in ("gpu-cluster", "gpu-small"):
        stage.world.azure.studio.set_capacity(cluster, available=False)
    stage.trainer.types(f"/train Cap_Model {SMALL}")
    form = stage.trainer.sees_modal("Train a model")
    assert "told here once export and cluster are chosen" in form.text
    form.fills({"GPU cluster": "gpu-cluster"})
    form.becomes("No earlier run to compare with")

    trained_before(stage, [42, 44, 38, 41, 70, 43])
    form.fills({"GPU cluster": "gpu-small"})
    form.becomes("Usually")
    assert form.text == snapshot("""\
# Train a model
Model name: Cap_Model
  (For example Cap_Detection_Model. An existing name gets a new version.)
Labeling export: caps_20261102_081530
  (Newest first)
GPU cluster: gpu-small
  (The one you used last comes first)
Experiment: spotter
  (A folder for runs in the studio)
Usually 42 min, 9 of 10 within 57 min; about €0.75. From 6 runs like it.
[Cancel] [Start training]\
""")
    trained_before(stage, [42, 44, 38, 41, 70, 43, 180, 190, 200, 170, 160, 180, 200])
    form.fills({"GPU cluster": "gpu-cluster"})
    form.becomes("limit")
    form.submits()

    question = stage.trainer.sees("Start Cap_Model for about")
    assert question.is_private
    assert question.text == snapshot("""\
# Start Cap_Model for about €2.83?
Nothing has started yet: the limit for a training is €1.50. Usually 2 h 40 min, 9 of 10 within 3 h 18 min; about €2.83. From 13 runs like it.
caps_20261102_081530 on gpu-cluster, experiment spotter
[Start for about €2.83] [Change it]\
""")
    assert stage.jobs() == []
    stage.trainer.clicks("Change it", on=question)
    assert stage.trainer.sees_modal("Train a model").field("GPU cluster").value == "gpu-cluster"

    stage.trainer.clicks("Start for about €2.83", on=question)
    stage.line.shows(
        r"(?s)Cap_Model training: .*\nUsually 2 h 40 min, .* about €2\.83\. From 13 runs like it\."
    )
    with stage.store().read() as tx:
        (asked,) = [row for row in audit.rows(tx) if row.action == "train.request"]
    assert (asked.actor, asked.details["expected_cost"], asked.details["above_budget"]) == snapshot(
        ("U0TRAINER1", "2.83 EUR", "1.50 EUR")
    )
