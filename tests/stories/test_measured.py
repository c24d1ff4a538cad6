"""The figures that the channel reads are those that the registered model has on pictures it was not trained on."""

import json
import subprocess
import sys
from collections.abc import Callable

from sandbox.azure.uris import locate
from tests.stories.stage import Stage

SMALL = "caps_20261102_081530"
INLINE = {"[training]": '[training]\nsubmit_as = "inline"'}


def test_announced_figures_are_measured_again_from_the_registered_files(
    new_stage: Callable[..., Stage],
) -> None:
    stage = new_stage(policy=INLINE)
    stage.trainer.types(f"/train Cap_Model {SMALL} gpu-cluster")
    announced = stage.line.shows("Cap_Model v1 registered").text

    world = stage.world.azure.workspace
    registered = world.assets.version("models", "Cap_Model", "1")
    assert registered is not None
    done = subprocess.run(
        [
            *(sys.executable, "-m", "sandbox.trainer.evaluate"),
            *("--model", locate(world, registered.properties["modelUri"]).folder),
            *("--data", locate(world, f"azureml:{SMALL}:1").folder),
            *("--datastores", world.storage.root),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    measured = json.loads(done.stdout)
    assert 0 < measured["mean_average_precision"] < 1
    for name, figure in (("mAP", "mean_average_precision"), ("Precision", "precision"), ("Recall", "recall")):
        assert f"\n{name:9} | {measured[figure]:.3f}\n" in announced

    [job] = stage.world.azure_faults.log("PUT", "/jobs/")
    assert set(json.loads(job.body)["properties"]["jobs"]) == {"split", "train", "register", "evaluate"}
