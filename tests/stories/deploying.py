"""What stories about models on lines share."""

from sandbox.people import Message, Person
from sandbox.world import World
from tests.stories.registry import registers
from tests.stories.stage import Stage

MODEL = "Cap_Detection_Model"
DATASET = "caps_20261120_093011"
LINE_1 = {"line-1": 2}


def two_versions(world: World) -> None:
    """Both versions were measured on the same pictures; the first one misses its floor of 0.5."""
    registers(world, MODEL, DATASET, 0.41, 0.83)


def asks(stage: Stage, version: int = 2, reason: str = "fewer missed caps", by: Person | None = None) -> Message:
    """The card, once it asks the approvers."""
    (by or stage.trainer).types(f"/deploy {MODEL}:{version} line-1 '{reason}'")
    return stage.line.shows(rf"Put {MODEL} v{version} on line-1\?[\s\S]*{reason}")
