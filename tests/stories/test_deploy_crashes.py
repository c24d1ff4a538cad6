"""Power cuts at every step of a rollout and of the way back: each thing outside is done once all the same."""

from collections import Counter
from collections.abc import Callable

from inline_snapshot import snapshot

from tests.stories.deploying import approved, asks, looks_anew, sees, shipping
from tests.stories.stage import Stage, steady
from tests.stories.trouble import arm, power_cut, said, trail

__all__ = ["shipping"]

QUEUE = r"/pipelines/\d+/runs\?"
SHIPPED = r"/configurations/line-1-"


def test_seven_power_cuts_and_still_one_run_for_each_ring_and_one_way_back(
    shipping: Callable[..., Stage],
) -> None:
    stage = shipping()
    devops, hub = stage.world.devops_faults, stage.world.edge_faults
    before = len(stage.world.devops.portal.builds())
    stage.until(lambda: sees(stage, "line-1-cam-1").endswith("['old']"), "the old model runs")

    # Approved, but the run is not asked for yet; then asked for, with the answer lost.
    queue = arm(devops, "POST", QUEUE, "hang_before")
    card = approved(stage, asks(stage))
    power_cut(stage, queue)
    assert len(stage.world.devops.portal.builds()) == before
    queue = arm(devops, "POST", QUEUE, "hang_after")
    stage.bot.start(ready=False)
    power_cut(stage, queue)

    # The canary is being watched; then between the rings, before and after the second run is asked for.
    second = arm(devops, "POST", QUEUE, "hang_before")
    stage.bot.start()
    card.becomes("canary is being watched|all is")
    stage.bot.restart()
    power_cut(stage, second)
    second = arm(devops, "POST", QUEUE, "hang_after")
    stage.bot.start(ready=False)
    power_cut(stage, second)
    stage.bot.start()
    card.becomes("on all devices")
    assert looks_anew(stage, "line-1-cam-2") == "Cap_Detection_Model:2 ['new']"

    # On the way back: before a deployment is deleted, and after that.
    delete = arm(hub, "DELETE", SHIPPED, "hang_before")
    stage.trainer.clicks("Roll back", on=card)
    power_cut(stage, delete)
    delete = arm(hub, "DELETE", SHIPPED, "hang_after")
    stage.bot.start(ready=False)
    power_cut(stage, delete)
    stage.bot.start()
    card.becomes(": rolled back")
    assert looks_anew(stage, "line-1-cam-2") == "Cap_Detection_Model:1 ['old']"

    runs = [build.given["correlationId"] for build in stage.world.devops.portal.builds()][::-1]
    assert [run.rpartition("-")[2] for run in runs] == ["canary", "all"]
    made = [entry.path.split("?")[0] for entry in hub.log("PUT", SHIPPED) if entry.status < 300]
    assert len(made) == len(set(made)) == 2
    assert said(stage, "v2 on line-1") == 1
    assert [steady(reply.text) for reply in card.thread()] == snapshot(
        [
            ":white_check_mark: Cap_Detection_Model v2 on line-1: 2 devices run it and report that it works.",
            """\
:rewind: Cap_Detection_Model v2 on line-1 is being rolled back; Cap_Detection_Model v1 comes back.
trainer rolled it back.\
""",
            ":rewind: line-1: Cap_Detection_Model v1 runs again.",
        ]
    )
    told = Counter(row for row in trail(stage) if " deploy." in row)
    assert (
        told.pop("azure-devops deploy.check") >= 2
    )  # as often as Azure DevOps asks, at least once for a ring
    assert told == snapshot(
        Counter(
            {
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
        )
    )
