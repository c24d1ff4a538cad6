"""When the twin is stopped, everything of it ends."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sandbox.faults import Fault

from .conftest import SLOW, DevOps


def test_a_run_that_was_asked_for_but_held_back_does_not_outlive_the_twin(tmp_path: Path) -> None:
    devops = DevOps(tmp_path, None)
    devops.push(slow_yml=SLOW)
    devops.start()
    slow = devops.create("slow", "slow.yml")
    held = devops.twin.faults.arm(Fault("POST", rf"/pipelines/{slow}/runs", "hang_before"))
    with ThreadPoolExecutor(1) as somebody:
        somebody.submit(devops.run, slow)
        assert held.reached.wait(60)
        assert devops.stop() == []
