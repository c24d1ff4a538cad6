"""What stories compare after power cuts in a rollout and on the way back: each thing outside was done once."""

from collections import Counter

from tests.stories.stage import Stage
from tests.stories.trouble import said, trail

QUEUE = r"/pipelines/\d+/runs\?"
SHIPPED = r"/configurations/line-1-"
THERE_AND_BACK = {
    "U0TRAINER1 deploy.request": 1,
    "spotter deploy.ask": 1,
    "U0APPROVE1 deploy.approve": 1,
    "U0APPROVE2 deploy.approve": 1,
    "spotter deploy.ship": 1,
    "spotter deploy.queue": 2,
    "spotter deploy.queued": 2,
    "spotter deploy.applied": 2,
    "spotter deploy.healthy": 2,
    "spotter deploy.ring_done": 2,
    "spotter deploy.shipped": 1,
    "U0TRAINER1 deploy.rollback": 1,
    "spotter deploy.removed": 1,
    "spotter deploy.rolled_back": 1,
}


def acts(stage: Stage) -> Counter[str]:
    """What the trail tells of the request, but for how often Azure DevOps has asked: at least once for each ring."""
    told = Counter(row for row in trail(stage) if " deploy." in row)
    assert told.pop("azure-devops deploy.check") >= 2
    return told


def was_shipped_once(stage: Stage) -> None:
    """A run and a deployment for each ring, in their order."""
    runs = [build.given["correlationId"] for build in stage.world.devops.portal.builds()][::-1]
    assert [run.rpartition("-")[2] for run in runs] == ["canary", "all"]
    log = stage.world.edge_faults.log("PUT", SHIPPED)
    made = [entry.path.split("?")[0] for entry in log if entry.status < 300]
    assert len(made) == len(set(made)) == 2


def was_there_and_back_once(stage: Stage) -> None:
    """And one card, and each act in the trail."""
    was_shipped_once(stage)
    assert said(stage, "v2 on line-1") == 1
    assert acts(stage) == THERE_AND_BACK
