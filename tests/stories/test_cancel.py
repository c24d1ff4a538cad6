"""Canceling a training: by a trainer in Slack or in the studio, never by others, and not after its end."""

from inline_snapshot import snapshot

from sandbox.faults import Fault
from tests.stories.stage import Stage

SMALL = "caps_20261102_081530"


def test_another_trainer_cancels_and_everyone_reads_who_it_was(stage: Stage) -> None:
    stage.world.azure.studio.set_capacity("gpu-small", available=False)
    stage.trainer.types(f"/train Cap_Model {SMALL} gpu-small")
    card = stage.line.shows("Cap_Model training: ").becomes("no free")
    stage.trainer.types("/runs")
    stage.trainer.clicks("Details", on=stage.trainer.sees("1 training running"))
    details = stage.trainer.sees("Labeling export")

    stage.outsider.clicks("Cancel training", on=card)
    assert stage.outsider.sees("role").text == snapshot(
        ":warning: This needs the role train, and you do not have it. Ask @trainers."
    )
    approver = stage.people["first_approver"]
    approver.clicks("Cancel training", on=card, confirm=False)
    azure = stage.world.azure_faults.arm(Fault("POST", "/cancel", "hang_before"))
    approver.clicks("Cancel training", on=card)
    card.becomes("being canceled")
    stage.trainer.clicks("Cancel training", on=details)
    assert stage.trainer.sees("canceled").text == snapshot(
        ":warning: first_approver has canceled it already. It stops as soon as Azure has ended its trials."
    )

    azure.release()
    card.becomes("canceled by")
    stage.trainer.clicks("Cancel training", on=details)
    assert stage.trainer.sees("not running any more").text == snapshot(
        ":warning: Cap_Model is not running any more: it is canceled. There is nothing to cancel."
    )
    assert stage.line.transcript() == snapshot("""\
Spotter:
  # Cap_Model training canceled by first_approver
  Asked by trainer <time> · caps_20261102_081530 on gpu-small · run cap_model-<id>
  [Train again] [Open in studio]\
""")
    [job] = stage.world.azure.studio.jobs()
    assert job.status == "Canceled"


def test_a_training_canceled_in_the_studio_says_so(stage: Stage) -> None:
    stage.world.azure.studio.set_capacity("gpu-small", available=False)
    stage.trainer.types(f"/train Cap_Model {SMALL} gpu-small")
    card = stage.line.shows("Cap_Model training: ").becomes("no free")
    stage.world.azure.studio.cancel_job(stage.jobs()[0])
    card.becomes("canceled")
    assert stage.line.transcript() == snapshot("""\
Spotter:
  # Cap_Model training canceled in Azure, not through Spotter
  Asked by trainer <time> · caps_20261102_081530 on gpu-small · run cap_model-<id>
  [Train again] [Open in studio]\
""")
