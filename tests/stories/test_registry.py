"""Every version that appears in the registry is announced once; /models tells them all."""

from collections.abc import Callable

from inline_snapshot import snapshot

from sandbox.faults import Fault
from sandbox.people import steady as without_times
from sandbox.world import World
from storage import catalog
from tests.stories.registry import registers, registers_with
from tests.stories.stage import Stage

AGED = "/models/Aged_Model/versions"
UNTIL_CLEARED = 100_000


def test_versions_registered_by_hand_are_announced_once(new_stage: Callable[..., Stage]) -> None:
    def is_there(world: World) -> None:
        registers(world, "Lid_Model", "lids_20260901_120000", 0.801)
        registers(world, "Aged_Model", "caps_20260901_120000", 0.7)
        world.azure_faults.arm(Fault("GET", AGED, "answer", times=UNTIL_CLEARED, status=400))

    stage = new_stage(before=is_there)
    registers(stage.world, "Lid_Model", "lids_20261101_120000", 0.842)
    stage.line.shows("Lid_Model v2 registered")
    registers(stage.world, "Lid_Model", "lids_20261101_120000", 0.83)
    told = stage.line.shows("Lid_Model v3 registered")
    assert told.thread_shows("chart").text == snapshot("""\
(line chart: v2 is still the best)
  mAP: v1 0.801, v2 0.842, v3 0.83
Each version's mAP as its own training measured it.\
""")
    registers_with(stage.world, "Cork_Model", {})
    stage.line.shows("Cork_Model v1 registered")
    assert [without_times(message.text) for message in stage.line.messages()] == snapshot(
        [
            """\
# Lid_Model v2 registered: mAP 0.842, +0.041 better than v1
Metric    | v2    | v1    | Change
mAP       | 0.842 | 0.801 | +0.041 better
Precision | 1.000 | 1.000 | unchanged
Recall    | 1.000 | 1.000 | unchanged
v1's figures are from pictures of lids_20260901_120000, so read the change with care.
Registered by Line engineer <time>, trained on lids_20261101_120000
[Deploy …]\
""",
            """\
# Lid_Model v3 registered: mAP 0.830, −0.012 worse than v2
Metric    | v3    | v2    | Change
mAP       | 0.830 | 0.842 | −0.012 worse
Precision | 1.000 | 1.000 | unchanged
Recall    | 1.000 | 1.000 | unchanged
Registered by Line engineer <time>, trained on lids_20261101_120000
[Deploy …]\
""",
            """\
# Cork_Model v1 registered: no metrics in its tags
It carries no “Mean Average Precision” tag, so it cannot be compared. Versions that come from /train are measured and tagged.
Registered by Line engineer <time>, it does not say on what it was trained
[Deploy …]\
""",
        ]
    )

    stage.bot.restart()
    registers(stage.world, "Cork_Model", "corks_20261104_120000", 0.7)
    stage.line.shows("Cork_Model v2 registered")
    stage.trainer.types("/spotter")
    stage.trainer.sees("Azure Machine Learning: ")
    assert len(stage.line.messages()) == 4
    stage.world.azure_faults.clear()
    stage.until(lambda: _knows(stage, "Aged_Model"), "the model is read that was there from the first")
    registers(stage.world, "Aged_Model", "caps_20261101_120000", 0.8)
    stage.line.shows("Aged_Model v2 registered")
    assert len(stage.line.messages()) == 5


def _knows(stage: Stage, model: str) -> bool:
    with stage.store().read() as tx:
        return catalog.versions_of(tx, model) != []


def test_models_and_their_versions_are_told(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage()
    stage.outsider.types("/models")
    assert stage.outsider.sees("model").text == snapshot(
        "No model is registered yet. Type /train to make the first one."
    )

    registers(stage.world, "Cork_Model", "corks_20261104_120000", 0.7)
    registers(stage.world, "Lid_Model", "lids_20261101_120000", 0.801, 0.842, 0.83)
    stage.line.shows("Cork_Model v1 registered")
    stage.line.shows("Lid_Model v3 registered")
    stage.outsider.types("/models")
    listed = stage.outsider.sees("newest first")
    assert without_times(listed.text) == snapshot("""\
# Registered models, newest first
Lid_Model v3: mAP 0.830, precision 1.000, recall 1.000, <time>
[Versions]
Cork_Model v1: mAP 0.700, precision 1.000, recall 1.000, <time>
[Versions]\
""")
    stage.outsider.clicks("Versions", on=listed)
    versions = stage.outsider.sees("Lid_Model: v3")
    assert versions.text == snapshot("""\
# Lid_Model: v3 is the newest, mAP 0.830
Version | mAP   | Change        | Precision | Recall | Dataset
v3      | 0.830 | −0.012 worse  | 1.000     | 1.000  | lids_20261101_120000
v2      | 0.842 | +0.041 better | 1.000     | 1.000  | lids_20261101_120000
v1      | 0.801 | –             | 1.000     | 1.000  | lids_20261101_120000
[Compare v3 with … ▾] [Lineage of v3]\
""")
    stage.outsider.picks("v1", from_="Compare v3 with …", on=versions)
    assert stage.outsider.sees("against v1").text == snapshot("""\
# Lid_Model v3 against v1: not comparable
They were not measured on the same pictures, so no change is shown. A training measures its model beside the version before and those that devices run.
v3: the figures of its tags, measured on pictures of lids_20261101_120000.
v1: the figures of its tags, measured on pictures of lids_20261101_120000.
Metric    | v3    | v1    | Change
mAP       | 0.830 | 0.801 | –
Precision | 1.000 | 1.000 | –
Recall    | 1.000 | 1.000 | –
Trained on
The same export, lids_20261101_120000.\
""")
    stage.outsider.types("/models compare Lid_Model:3 v2")
    stage.outsider.sees("Lid_Model v3 against v2")
    stage.outsider.types("/models compare Lid_Model:3")
    assert stage.outsider.sees("understood").text == snapshot(
        ":warning: “compare Lid_Model:3” is not understood. Write /models compare Cap_Model:4 Cap_Model:3, or a name alone."
    )
    stage.outsider.types("/models Lid_Modle")
    assert stage.outsider.sees("Lid_Modle").text == snapshot(
        ":warning: No registered model is called “Lid_Modle”. /models lists those that are."
    )
