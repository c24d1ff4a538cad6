"""What stories about models on lines share."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.claim import free_port
from sandbox.edge.pipeline import ask_first, connect
from sandbox.people import Message, Person
from sandbox.world import World
from tests.sandbox.edge.brightness import write_model
from tests.stories.registry import registers
from tests.stories.stage import Stage

MODEL = "Cap_Detection_Model"
DATASET = "caps_20261120_093011"
LINE_1 = {"line-1": 2}
POLICY = Path(__file__).with_name("spotter.toml")
SECRET = "only-azure-devops-knows"


def two_versions(world: World) -> None:
    """Both versions were measured on the same pictures; the first one misses its floor of 0.5."""
    registers(world, MODEL, DATASET, 0.41, 0.83)


def asks(
    stage: Stage, version: int = 2, reason: str = "fewer missed caps", by: Person | None = None
) -> Message:
    """The card, once it asks the approvers."""
    (by or stage.trainer).types(f"/deploy {MODEL}:{version} line-1 '{reason}'")
    return stage.line.shows(rf"Put {MODEL} v{version} on line-1\?[\s\S]*{reason}")


def a_line_with_a_model(folder: Path, port: int) -> Callable[[World], None]:
    """The devices run the first of two versions, and the edge pipeline asks Spotter before it does anything.

    Both are real small detectors, told apart by what they call the bright places of a picture.
    """

    def prepare(world: World) -> None:
        for version, (label, figure) in enumerate((("old", 0.61), ("new", 0.83)), start=1):
            files = write_model(folder / str(version) / "outputs", label)
            tags = {
                "Mean Average Precision": str(figure),
                "Precision": "1.0",
                "Recall": "1.0",
                "Dataset": DATASET,
            }
            world.azure.studio.register_by_hand(MODEL, files, tags=tags)
        world.ship(MODEL, 1, folder / "1", "line-1")
        world.push(POLICY)
        connect(world.devops, world.azure.workspace, ["line-1"])
        url = f"http://127.0.0.1:{port}"
        ask_first(world.devops, ["line-1"], url, "/checks/deployment", {"X-Spotter-Secret": SECRET})

    return prepare


@pytest.fixture
def shipping(new_stage: Callable[..., Stage], tmp_path: Path) -> Callable[..., Stage]:
    """Makes a stage on which models are shipped to line-1; its arguments are those of `new_stage`."""

    def make(**wanted: Any) -> Stage:
        port = free_port()
        before = a_line_with_a_model(tmp_path / "models", port)
        return new_stage(lines=LINE_1, before=before, PORT=str(port), HOOKS_SECRET=SECRET, **wanted)

    return make


def approved(stage: Stage, card: Message) -> Message:
    for who in ("first_approver", "second_approver"):
        stage.people[who].clicks("Approve v2", on=card)
    return card


def sees(stage: Stage, device: str) -> str:
    """The model and the labels of the boxes that a device last saw."""
    seen = stage.world.edge.plant[device].view().seen
    return f"{seen.model} {sorted({box['label'] for box in seen.boxes})}" if seen else ""


def looks_anew(stage: Stage, device: str) -> str:
    """As `sees`, of the next picture that the device takes."""
    now, plant = time.time(), stage.world.edge.plant

    def has_looked() -> bool:
        seen = plant[device].view().seen
        return seen is not None and seen.at > now

    stage.until(has_looked, f"{device} takes another picture")
    return sees(stage, device)


def starts_with_another_policy(stage: Stage, old: str, new: str) -> None:
    """Power cut, change a line of the policy file, start again."""
    stage.bot.kill()
    policy = Path(stage.bot.environment["SPOTTER_CONFIG"])
    text = policy.read_text()
    assert old in text
    policy.write_text(text.replace(old, new))
    stage.bot.start()
