"""What someone deletes while Spotter watches: jobs, clusters, model versions, messages."""

from collections.abc import Callable

from inline_snapshot import snapshot

from sandbox.world import World
from storage import catalog
from tests.stories.registry import registers
from tests.stories.stage import Stage
from tests.stories.trouble import ASK

LIDS = "lids_20261101_120000"


def test_a_job_and_a_cluster_are_deleted(stage: Stage) -> None:
    studio = stage.world.azure.studio
    studio.set_capacity("gpu-cluster", available=False)
    studio.set_capacity("gpu-small", available=False)
    stage.trainer.types(ASK)
    stage.line.shows("Cap_Model training: waiting for a GPU node")
    stage.trainer.types(ASK.replace("Cap_Model", "Other_Model").replace("gpu-cluster", "gpu-small"))
    other = stage.line.shows("Other_Model training: waiting for a GPU node")

    studio.delete_job(next(name for name in stage.jobs() if name.startswith("cap_model")))
    stage.line.shows("Cap_Model training was lost")
    studio.delete_cluster("gpu-small")
    other.becomes("Other_Model training failed")
    assert stage.line.transcript() == snapshot("""\
Spotter:
  # Cap_Model training was lost
  :x: The job is not in Azure any more: someone deleted it. Nothing was registered. Train again if the model is still wanted.
  Asked by trainer <time> · caps_20261102_081530 on gpu-cluster · run cap_model-<id>
  [Train again]
Spotter:
  # Other_Model training failed
  :x: The cluster no longer exists. Choose another cluster.
  Azure's words (split): AzureMLCompute cluster gpu-small does not exist in workspace bottling-line.
  Asked by trainer <time> · caps_20261102_081530 on gpu-small · run other_model-<id>
  [Train again] [Open in studio]\
""")


def test_a_deleted_version_is_forgotten_and_its_number_never_announced_again(
    new_stage: Callable[..., Stage],
) -> None:
    def history(world: World) -> None:
        registers(world, "Lid_Model", LIDS, 0.801)
        registers(world, "Lid_Model", LIDS, 0.75)

    stage = new_stage(before=history)
    stage.world.azure.studio.delete_model_version("Lid_Model", "2")
    stage.until(lambda: versions_known(stage) == [1], "the deletion is noticed")
    registers(stage.world, "Lid_Model", LIDS, 0.842)
    news = stage.line.shows("Lid_Model v3 registered")
    assert news.text.splitlines()[0] == snapshot(
        "# Lid_Model v3 registered: mAP 0.842, +0.041 better than v1"
    )
    for version in ("1", "3"):
        stage.world.azure.studio.delete_model_version("Lid_Model", version)
    stage.until(lambda: versions_known(stage) == [], "the model is gone")
    stage.trainer.types("/models")
    stage.trainer.sees("No model is registered yet")
    assert len(stage.line.messages()) == 1


def versions_known(stage: Stage) -> list[int]:
    with stage.store().read() as tx:
        return [row.version for row in catalog.versions_of(tx, "Lid_Model")]
