"""Power cuts at every step of a rollout and of the way back: each thing outside is done once all the same."""

from collections.abc import Callable

import pytest
from inline_snapshot import snapshot

from tests.stories.deploying import approved, asks, looks_anew, sees, shipping
from tests.stories.rollouts import QUEUE, SHIPPED, acts, was_shipped_once, was_there_and_back_once
from tests.stories.stage import Stage, steady
from tests.stories.trouble import arm, power_cut

__all__ = ["shipping"]

RUN = r"/build/builds/\d+\?"


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

    card.thread_shows("runs again")
    was_there_and_back_once(stage)
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


@pytest.mark.soak
def test_power_cuts_while_others_are_at_work(shipping: Callable[..., Stage]) -> None:
    stage = shipping(policy={"deadline_minutes = 0.5": "deadline_minutes = 20"})
    devops, hub = stage.world.devops_faults, stage.world.edge_faults
    canary, other = (stage.world.edge.plant[f"line-1-cam-{number}"] for number in (1, 2))
    stage.until(lambda: sees(stage, canary.id).endswith("['old']"), "the old model runs")

    # The canary's run is in progress; then the canary has not told yet that it runs the new model.
    follow = arm(devops, "GET", RUN, "hang_before")
    card = approved(stage, asks(stage))
    power_cut(stage, follow)
    canary.go_silent()
    stage.bot.start()
    card.becomes("canary is rolling out")
    stage.bot.restart()
    canary.recover()

    # All devices run it; what is of no more use in IoT Hub is about to be deleted, then just was.
    tidied = arm(hub, "DELETE", SHIPPED, "hang_before")
    power_cut(stage, tidied)
    tidied = arm(hub, "DELETE", SHIPPED, "hang_after")
    stage.bot.start(ready=False)
    power_cut(stage, tidied)
    stage.bot.start()
    card.becomes("on all devices")
    assert looks_anew(stage, other.id) == "Cap_Detection_Model:2 ['new']"

    # On the way back one device has not told yet that the old model is there again.
    other.go_silent()
    stage.trainer.clicks("Roll back", on=card)
    card.becomes("Back: 1 of 2, waiting for line-1-cam-2")
    stage.bot.restart()
    other.recover()
    card.becomes(": rolled back")
    assert looks_anew(stage, other.id) == "Cap_Detection_Model:1 ['old']"

    was_shipped_once(stage)
    assert set(acts(stage).values()) == {1, 2}
    assert acts(stage)["spotter deploy.shipped"] == acts(stage)["spotter deploy.rolled_back"] == 1
