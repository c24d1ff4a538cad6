"""The crash matrix: wherever the power is cut, each thing is there exactly once when all is over."""

from collections.abc import Callable

import pytest

from tests.stories.deploying import shipping
from tests.stories.reliability.conftest import Kept
from tests.stories.reliability.flows import FLOWS, SHIPPING, Flow, furnish
from tests.stories.reliability.matrix import Matrix
from tests.stories.stage import Stage

__all__ = ["shipping"]

# A device has its time although the bot that waits for it is down again and again.
PATIENT = {"deadline_minutes = 0.5": "deadline_minutes = 10"}


@pytest.mark.soak
@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: str(flow.name))
def test_power_cuts_at_each_call(
    new_stage: Callable[..., Stage], flow: Flow, kept: Kept, tell: Callable[[object], None]
) -> None:
    judge(new_stage(before=furnish, policy=kept.policy, **kept.settings), flow, tell)


@pytest.mark.soak
@pytest.mark.parametrize("flow", SHIPPING, ids=lambda flow: str(flow.name))
def test_power_cuts_at_each_call_on_the_way_to_devices(
    shipping: Callable[..., Stage], flow: Flow, kept: Kept, tell: Callable[[object], None]
) -> None:
    judge(shipping(policy={**PATIENT, **kept.policy}, **kept.settings), flow, tell)


def judge(stage: Stage, flow: Flow, tell: Callable[[object], None]) -> None:
    stage.world.slack.limits.enabled = False
    matrix = Matrix(stage)
    undisturbed = matrix.undisturbed(flow)
    rows = list(matrix.rows(flow, undisturbed.calls, undisturbed.effects))
    tell("\n".join(["", *undisturbed.calls, *sorted(undisturbed.effects), *map(str, rows)]))
    assert not any(row.lost or row.doubled for row in rows), [(row.lost, row.doubled) for row in rows]
