"""Power cuts at random moments under a load of everything that people do: nothing is lost, nothing is doubled."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.claim import free_port
from sandbox.world import World
from tests.stories.deploying import LINE_1, SECRET, a_line_with_a_model
from tests.stories.reliability.conftest import Kept
from tests.stories.reliability.flows import FLOWS, furnish
from tests.stories.reliability.random_cuts import UPTIME, Shift
from tests.stories.reliability.shipping import SHIPPING
from tests.stories.reliability.test_matrix import PATIENT
from tests.stories.stage import Stage

SEED = int(os.environ.get("SPOTTER_SEED", "20261122"))
CUTS = int(os.environ.get("SPOTTER_CUTS", "500"))
# With its limits on, Slack refuses that many look-ups and connections, unless the bot is up for a while in between.
LIMITED = os.environ.get("SPOTTER_LIMITS", "off") == "on"


@pytest.mark.timeout(600)
def test_some_power_cuts_at_random_moments(
    new_stage: Callable[..., Stage], tell: Callable[[object], None]
) -> None:
    crews = [[flow] for flow in FLOWS if flow.name in ("train", "publish", "digest")]
    judge(Shift(new_stage(before=furnish), crews), 6, tell)


@pytest.mark.soak
def test_many_power_cuts_at_random_moments(
    new_stage: Callable[..., Stage], kept: Kept, tell: Callable[[object], None]
) -> None:
    stage = new_stage(before=furnish, policy=kept.policy, **kept.settings)
    judge(Shift(stage, ([flow] for flow in FLOWS), uptime=25.0 if LIMITED else UPTIME), CUTS, tell)


@pytest.mark.soak
def test_power_cuts_at_random_moments_of_rollouts(
    new_stage: Callable[..., Stage], tmp_path: Path, kept: Kept, tell: Callable[[object], None]
) -> None:
    """Up for longer, as an environment's check asks ten times at most, and lets nothing in if nobody is there ever."""
    port = free_port()

    def before(world: World) -> None:
        a_line_with_a_model(tmp_path / "models", port)(world)
        furnish(world)

    policy = {**PATIENT, **kept.policy}
    stage = new_stage(
        lines=LINE_1, before=before, policy=policy, PORT=str(port), HOOKS_SECRET=SECRET, **kept.settings
    )
    judge(Shift(stage, [SHIPPING], uptime=25.0 if LIMITED else 8.0), CUTS // 5, tell)


def judge(shift: Shift, cuts: int, tell: Callable[[object], None]) -> None:
    shift.stage.world.slack.limits.enabled = LIMITED
    shift.rehearses()
    toll = shift.works(cuts, SEED)
    tell(f"\nseed {SEED}: {toll}")
    assert not toll.lost
    assert not toll.doubled
