"""The split and evaluate steps as real processes, on real ONNX models and pictures of bright places."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from pydantic import ValidationError

import infra
from infra.azureml.evaluations import Evaluation
from infra.training.evaluate.contestants import Contestant
from infra.training.evaluate.document import describe
from infra.training.evaluate.metrics import Box, measure, surest
from infra.training.evaluate.pictures import Picture
from infra.training.split.held_out import RULE, SHARE, held_out, place_of
from sandbox.azure.engine.environment import job_environment
from sandbox.azure.runs import Run
from sandbox.azure.twin import AzureTwin
from tests.sandbox.edge.brightness import CELL, SIZE, write_model

SOURCES = Path(infra.__path__[0]).parent
PICTURES = 30
STORE = "azureml://datastores/workspaceblobstore/paths"


@dataclass
class Line:
    """Pictures in a workspace: `bright` says which cells of a picture are lit, `export` is their MLTable."""

    twin: AzureTwin
    export: Path
    folder: Path

    def runs(self, step: str, **options: Path | str) -> str:
        """A step in the environment of a job; what it printed."""
        run = Run("caps-9", "command", "spotter")
        network = {name: entry for name, entry in self.twin.env().items() if not name.startswith("IDENTITY")}
        given = [
            part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))
        ]
        done = subprocess.run(
            [sys.executable, "-m", f"infra.training.{step}.{step}", *given],
            cwd=self.folder,
            env={
                **job_environment(self.twin.workspace, run, network, Path("nowhere")),
                "PYTHONPATH": str(SOURCES),
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def registers(self, label: str, **tags: str) -> int:
        """A model that calls bright places by this label; its version."""
        model = write_model(self.folder / f"model-{label}", label)
        return int(self.twin.studio.register_by_hand("Caps", model, tags=tags))

    def evaluates(self, version: int, compared_with: str = "none") -> Evaluation:
        registered = self.folder / "registered"
        registered.mkdir(exist_ok=True)
        (registered / "model.json").write_text(json.dumps({"name": "Caps", "version": version}))
        held = self.folder / "held-out"
        self.runs("split", export=self.export, training=self.folder / "training", held_out=held)
        self.runs(
            "evaluate", registered=registered, held_out=held, dataset="caps:1", compared_with=compared_with
        )
        return Evaluation.model_validate_json((self.folder / "outputs" / "evaluation.json").read_bytes())


@pytest.fixture
def line(twin: AzureTwin, tmp_path: Path) -> Line:
    export, folder = tmp_path / "caps", tmp_path / "work"
    export.mkdir()
    folder.mkdir()
    pictures = twin.workspace.storage.stores["workspaceblobstore"].folder / "line"
    pictures.mkdir()
    rows = [_picture(pictures, number) for number in range(PICTURES)]
    (export / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (export / "MLTable").write_text("paths:\n- file: ./rows.jsonl\ntransformations: []\n")
    return Line(twin, export, folder)


def _picture(folder: Path, number: int) -> dict[str, Any]:
    """One bright cell, and in each third picture another that people call something else."""
    picture = Image.new("RGB", (SIZE, SIZE))
    draw = ImageDraw.Draw(picture)
    labels = []
    for at, label in [
        (number % 4, "cap_on"),
        *([(5 + number % 4, "cap_missing")] if number % 3 == 0 else []),
    ]:
        column, row = at % 4, at // 4
        draw.rectangle((column * CELL, row * CELL, (column + 1) * CELL - 1, (row + 1) * CELL - 1), "white")
        x, y = (column + 0.5) / 4, (row + 0.5) / 4
        corners = {"topX": max(0, x - 0.1), "topY": max(0, y - 0.1), "bottomX": x + 0.1, "bottomY": y + 0.1}
        labels.append({"label": label, **corners})
    picture.save(folder / f"{number}.png")
    return {"image_url": f"{STORE}/line/{number}.png", "label": labels}


def test_versions_are_measured_on_the_same_pictures_that_none_learned_from(line: Line) -> None:
    old = line.registers("cap_missing", **{"Held Out": RULE})
    (line.folder / "empty").mkdir()
    (line.folder / "empty" / "readme.txt").write_text("no model")
    broken = line.twin.studio.register_by_hand("Lids", line.folder / "empty")
    new = line.registers("cap_on", **{"Held Out": RULE})
    found = line.evaluates(new, f"Lids:{broken},Caps:{old},Caps:77")

    names = [f"workspaceblobstore/line/{number}.png" for number in range(PICTURES)]
    expected = [name for name in names if place_of(name) < SHARE]
    assert found.set and (found.set.pictures, found.set.left_out) == (len(expected), 0)
    trained = (line.folder / "training" / "annotations.jsonl").read_text()
    assert len(trained.splitlines()) == PICTURES - len(expected)
    assert not any(f'{name.removeprefix("workspaceblobstore")}"' in trained for name in expected)

    candidate, incumbent, other = found.models
    assert [(each.name, each.version, each.held_out) for each in found.models] == [
        ("Caps", new, True),
        ("Caps", old, True),
        ("Lids", int(broken), False),
    ]
    assert "no scoring file" in other.trouble
    boxes = candidate.classes["cap_on"].boxes
    assert boxes == len(expected)
    # Every bright place is a cap to the new model, so that it finds all caps and calls the rest caps too.
    assert candidate.classes["cap_on"].recall == 1
    assert candidate.classes["cap_missing"].recall == 0
    assert incumbent.classes["cap_on"].recall == 0
    assert incumbent.classes["cap_missing"].recall == 1
    assert candidate.recall == incumbent.recall == 0.5
    assert candidate.mean_average_precision and incumbent.mean_average_precision
    assert candidate.mean_average_precision > incumbent.mean_average_precision

    disputed = found.pictures[0]
    assert disputed.name in expected
    assert disputed.disagreement[f"Caps:{old}"] >= found.pictures[-1].disagreement[f"Caps:{old}"] > 0
    assert {box.label for box in disputed.answers[f"Caps:{new}"]} == {"cap_on"}

    again = line.evaluates(new)
    assert again.set == found.set, "the same pictures every time"


def test_what_cannot_be_measured_is_said_and_fails_no_training(line: Line) -> None:
    new = line.registers("cap_on")
    pictures = line.twin.workspace.storage.stores["workspaceblobstore"].folder / "line"
    for file in pictures.iterdir():
        file.unlink()
    found = line.evaluates(new)
    assert found.trouble == "No held-out picture with boxes could be read."
    assert not found.models


def test_held_out_pictures_stay_so_however_the_exports_grow() -> None:
    names = [f"cam/line/{number}.jpg" for number in range(500)]
    few = {names[number] for number in held_out(names[:200], [True] * 200)}
    turned = names[::-1]
    many = {turned[number] for number in held_out(turned, [True] * 500)}
    assert few < many
    assert 0.15 < len(many) / 500 < 0.25
    learned = next(number for number, name in enumerate(names) if place_of(name) > SHARE)
    assert learned in held_out(names, [number == learned for number in range(500)]), "something to measure"
    assert held_out([], []) == set()


def box(label: str, left: float, score: float = 1.0) -> Box:
    return Box(label, (left, 0.1, left + 0.1, 0.2), score)


def test_figures_are_those_of_the_pascal_challenge() -> None:
    truth = [[box("cap", 0.1), box("cap", 0.5)], [box("lid", 0.3)], []]
    answers = [
        [box("cap", 0.1, 0.9), box("cap", 0.11, 0.8), box("cap", 0.5, 0.3)],
        [box("cap", 0.3, 0.6)],
        [box("lid", 0.3, 0.2)],
    ]
    found = measure(truth, answers)
    cap, lid = found.classes["cap"], found.classes["lid"]
    # Right, twice wrong, right: the envelope is 1 up to half of the boxes and 2/4 from there.
    assert (cap.average_precision, cap.precision, cap.recall) == (0.75, 0.5, 1.0)
    assert (lid.average_precision, lid.precision, lid.recall, lid.boxes) == (0.0, 0.0, 0.0, 1)
    assert found.mean_average_precision == 0.375
    assert surest(truth, answers) == 0.3


def test_pictures_on_which_a_model_errs_most_are_kept_also_where_it_is_alone() -> None:
    pictures = [
        Picture(f"{number}", f"at/{number}", [box("cap", 0.1), box("cap", 0.5)]) for number in range(5)
    ]
    both = [box("cap", 0.1, 0.9), box("cap", 0.5, 0.8)]
    answers = [both, both[:1], both, [], both]
    alone = [Contestant("Caps", 1, "", True, answers)]
    found = Evaluation.model_validate(describe("caps:1", alone, pictures, 0))
    assert [picture.name for picture in found.pictures] == ["3", "1", "0"]
    assert len(found.pictures[1].truth) == 2 and len(found.pictures[1].answers["Caps:1"]) == 1

    lost = [
        Contestant("Caps", 1, "", True, trouble="no scoring file"),
        Contestant("Caps", 0, "", True, answers),
    ]
    assert describe("caps:1", lost, pictures, 0)["pictures"] == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda told: told["models"][0].update(recall=1.5),
        lambda told: told["models"][0].pop("precision"),
        lambda told: told["pictures"][0]["truth"][0].update(corners=[0, 0, 2, 2]),
        lambda told: told["set"].update(digest="x"),
        lambda told: told["models"][0].update(classes={"c" * 300: {}}),
        lambda told: told.update(models=told["models"] * 11),
    ],
)
def test_a_document_that_is_not_sound_is_not_believed(spoil: Callable[[dict[str, Any]], object]) -> None:
    told: dict[str, Any] = {
        "dataset": "caps:1",
        "set": {"digest": "a" * 64, "pictures": 3, "boxes": 4},
        "models": [
            {
                "name": "Caps",
                "version": 1,
                "held_out": True,
                "mean_average_precision": 0.5,
                "precision": 0.5,
                "recall": 0.5,
            }
        ],
        "pictures": [
            {
                "name": "a",
                "address": "b",
                "truth": [{"label": "c", "corners": [0, 0, 1, 1]}],
                "answers": {},
            }
        ],
    }
    Evaluation.model_validate(told)
    spoil(told)
    with pytest.raises(ValidationError):
        Evaluation.model_validate(told)
