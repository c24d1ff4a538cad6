"""Why a training waits, told in its one live message, and what the trials bring once they run."""

from collections.abc import Callable

from inline_snapshot import snapshot

from sandbox.people import Message
from tests.stories.stage import Stage

SMALL = "caps_20261102_081530"
T4 = "Standard NCASv3_T4 Family"
LONG = {
    "number_of_epochs = 2": "number_of_epochs = 200",
    "[training]": '[training]\nsubmit_as = "inline"',
}


def test_no_machines_first_and_then_trials_with_figures(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(policy=LONG)
    azure = stage.world.azure.studio
    azure.set_capacity("gpu-cluster", available=False)
    azure.add_cluster("gpu-large", "Standard_NC16as_T4_v3", 0, 1)
    card = _trains(stage, "gpu-cluster")
    card.becomes(r"(?s)no free.*Move to another cluster")
    assert stage.line.transcript() == snapshot("""\
Spotter:
  # Cap_Model training: waiting for a GPU node
  Azure has no free machines of this size in the region now; a quota is no promise of capacity. Azure says: Azure has no free STANDARD_NC4AS_T4_V3 machines in westeurope now. Try again later, or use another machine size or region.
  Asked by trainer <time> · caps_20261102_081530 on gpu-cluster · run cap_model-<id>
  [Move to another cluster] [Open in studio] [Cancel training]\
""")

    stage.trainer.clicks("Move to another cluster", on=card)
    form = stage.trainer.sees_modal("Move to another cluster")
    assert form.fills({"GPU cluster": "gpu-cluster"}).submits_and_sees(
        {"GPU cluster": "waits for gpu-cluster"}
    )
    form.fills({"GPU cluster": "gpu-large"}).submits()
    card.becomes("canceled by trainer")
    moved = stage.line.shows("Cap_Model training: ")
    moved.becomes(r"training: trials? .*\d of 2, best mAP 0\.\d{3} so far")
    moved.becomes(r"\d % done after \d+ (?:s|min)\b.*\n(.*\n)+.*\| epoch \d+ of 200")
    assert len(stage.line.messages()) == 2


def test_a_quota_too_small_for_one_machine_is_named(stage: Stage) -> None:
    stage.world.azure.studio.set_quota(T4, 2)
    card = _trains(stage, "gpu-small", "caps_crooked_20261109_101204").becomes("vCPUs")
    assert stage.people.steady(card.text) == snapshot("""\
# Cap_Model training: waiting for a GPU node
The subscription allows 2 vCPUs of the family Standard NCASv3_T4, too few for even one node. Raise the family's quota (workspace, Usage + quotas) or choose a cluster of another size.
:warning: Few boxes of cap_crooked (3): expect poor results there.
Asked by trainer <time> · caps_crooked_20261109_101204 on gpu-small · run cap_model-<id>
[Open in studio] [Cancel training]\
""")
    stage.outsider.types("/runs")
    assert stage.people.steady(stage.outsider.sees("running").text) == snapshot("""\
# 1 training running
Cap_Model: waiting for a GPU node, <duration>
caps_crooked_20261109_101204 on gpu-small
The subscription allows 2 vCPUs of the family Standard NCASv3_T4, too few for even one node.
for trainer, <time>
[Details]\
""")


def test_a_full_cluster_tells_who_holds_it(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(policy=LONG)
    _trains(stage, "gpu-small").becomes("trial 1 of 2")
    stage.people["first_approver"].types(f"/train Lid_Model {SMALL} gpu-small")
    waiting = stage.line.shows("Lid_Model training: ")
    waiting.becomes(r"The only node of gpu-small is busy\. Ahead: Cap_Model for trainer\. ")
    stage.people["first_approver"].clicks("Show what is ahead", on=waiting)
    assert "[Cancel training]" in stage.people["first_approver"].sees("Cap_Model: cap_model-").text


def _trains(stage: Stage, cluster: str, export: str = SMALL) -> Message:
    stage.trainer.types(f"/train Cap_Model {export} {cluster}")
    return stage.line.shows("Cap_Model training: ")
