"""What someone deletes while Spotter watches: jobs, clusters, model versions, messages."""

from inline_snapshot import snapshot

from tests.stories.stage import Stage
from tests.stories.trouble import ASK


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
    other.becomes("gone|deleted|no longer|not there")
    assert stage.line.transcript() == snapshot("""\
Spotter:
  # Cap_Model training was lost
  :x: The job is not in Azure any more: someone deleted it. Nothing was registered. Train again if the model is still wanted.
  Asked by trainer <time> · caps_20261102_081530 on gpu-cluster · run cap_model-<id>
  [Train again]
Spotter:
  # Other_Model training failed
  :x: The cluster no longer exists. Choose another cluster.
  Azure's words (trial 1): AzureMLCompute cluster gpu-small does not exist in workspace bottling-line.
  Trial | mAP | Precision | Recall | State
  1     | –   | –         | –      | failed
  2     | –   | –         | –      | failed
  Asked by trainer <time> · caps_20261102_081530 on gpu-small · run other_model-<id>
  [Train again] [Open in studio]\
""")
