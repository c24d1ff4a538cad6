"""The crash matrix: wherever the power is cut, each thing is there exactly once when all is over."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.stories.deploying import shipping
from tests.stories.reliability.conftest import Kept
from tests.stories.reliability.effects import Effects
from tests.stories.reliability.flows import FLOWS, Flow, furnish
from tests.stories.reliability.matrix import Matrix, Row
from tests.stories.reliability.power import Boundary
from tests.stories.reliability.shipping import SHIPPING
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
    assert undisturbed.calls, "the flow has made no call at which power could be cut"
    assert undisturbed.effects, "the flow has left nothing behind that could be lost"
    rows = list(matrix.rows(flow, undisturbed.calls, undisturbed.effects))
    tell("\n".join(["", *undisturbed.calls, *sorted(undisturbed.effects), *map(str, rows)]))
    assert {row.boundary for row in rows} == {*Boundary}
    assert not (faults := {str(row): row.faults() for row in rows if row.faults()}), faults


def test_a_row_without_cuts_proves_nothing() -> None:
    announces = "Slack POST /api/chat.postMessage model:<model>:<n>"
    looks = "Azure GET /subscriptions/<id>/providers/Microsoft.MachineLearningServices/locations/westeurope/usages"
    row = Row("train", Boundary.LOST, struck=[announces], cuts=1)
    assert row.faults() == []
    assert "1/1 calls" in str(row)
    assert Row("train", Boundary.LOST).faults() == ["less than most calls were struck"]
    assert replace(row, struck=["a call", announces], missed=[looks]).faults() == []
    assert replace(row, struck=[looks, "a call"], missed=[announces]).faults() == [
        f"never struck: {announces}"
    ]
    assert replace(row, struck=[], missed=[looks]).faults() == ["less than most calls were struck"]
    assert replace(row, lost=Effects(["a job"]), doubled=Effects(["a row"])).faults() == [
        "lost: a job",
        "doubled: a row",
    ]
