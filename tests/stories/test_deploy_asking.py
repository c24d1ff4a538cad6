"""Asking for a model on a line, and who decides."""

from collections.abc import Callable

from tests.stories.registry import registers
from tests.stories.stage import Stage

MODEL = "Cap_Detection_Model"
DATASET = "caps_20261120_093011"


def test_two_people_approve(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(lines={"line-1": 2}, before=lambda world: registers(world, MODEL, DATASET, 0.81, 0.83))
    stage.trainer.types(f"/deploy {MODEL}:2 line-1 'fewer missed caps'", stage.line)
    stage.until(lambda: "Put Cap" in stage.line.transcript(), "asked")
    print(stage.line.transcript())
