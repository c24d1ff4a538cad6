"""What AutoML for images refuses, the sandbox's trainer refuses in the same words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.line.formats import MLTABLE
from sandbox.line.picture import camera
from sandbox.trainer.dataset import hold_out, load
from sandbox.trainer.errors import TrainingError

BOX = {"label": "cap_on", "topX": 0.1, "topY": 0.2, "bottomX": 0.3, "bottomY": 0.4, "isCrowd": 0}
Rows = list[dict[str, Any]]


class Asset:
    """A data asset of twelve pictures that can be spoiled before it is read."""

    def __init__(self, root: Path) -> None:
        self.data, self.datastores = root / "data", root / "datastores"
        self.data.mkdir()
        (self.datastores / "lake").mkdir(parents=True)
        jpeg, _ = camera(1)
        for number in range(12):
            (self.datastores / "lake" / f"{number}.jpg").write_bytes(jpeg)
        self.mltable = MLTABLE
        root_address = "azureml://subscriptions/s/resourcegroups/r/workspaces/w/datastores/lake/paths/"
        self.rows: Rows = [{"image_url": f"{root_address}{n}.jpg", "label": [dict(BOX)]} for n in range(12)]
        self.more = ""

    def write(self) -> None:
        (self.data / "MLTable").write_text(self.mltable, encoding="utf-8")
        lines = "".join(json.dumps(row) + "\n" for row in self.rows)
        (self.data / "train_annotations.jsonl").write_text(lines + self.more, encoding="utf-8")


@pytest.fixture
def asset(tmp_path: Path) -> Asset:
    return Asset(tmp_path)


def every_box(**changes: Any) -> Callable[[Asset], object]:
    def spoil(asset: Asset) -> None:
        for row in asset.rows:
            row["label"][0].update(changes)

    return spoil


def first_row(**changes: Any) -> Callable[[Asset], object]:
    return lambda asset: asset.rows[0].update(changes)


def set_mltable(text: str) -> Callable[[Asset], object]:
    return lambda asset: setattr(asset, "mltable", text)


def first_box_without(field: str) -> Callable[[Asset], object]:
    return lambda asset: asset.rows[0]["label"][0].pop(field)


LABELLESS = [{"label": 3, **{k: v for k, v in BOX.items() if k != "label"}}]
REFUSALS: list[tuple[Callable[[Asset], object], str]] = [
    (first_row(image_url="azureml://x/datastores/lake/paths/no.jpg"), "File not found. lake/no.jpg"),
    (first_row(image_url="azureml://x/datastores/../paths/data/MLTable"), "File not found."),
    (first_row(image_url="https://example.com/a.jpg"), "contained in an AML datastore"),
    (lambda asset: asset.rows[3].pop("image_url"), "Image URL column 'image_url' is not present"),
    (set_mltable(MLTABLE.replace("stream_info", "string")), "it should be STREAM"),
    (set_mltable("paths: ["), "MLTable yaml schema is invalid"),
    (set_mltable(MLTABLE.replace("./train", "./other")), "uri path is not a valid datastore uri path"),
    (every_box(bottomX=260), "All annotations provided are ill-formed."),
    (every_box(topX=0.5), "All annotations provided are ill-formed."),
    (every_box(topX="0.1"), "Expected int or float types for box coordinates"),
    (first_row(label=dict(BOX)), "The provided annotations are not in valid format"),
    (first_row(label=["cap_on"]), "should be a dictionary. Found type str"),
    (first_row(label=LABELLESS), "More than one type found for the class field"),
    (every_box(label=None), "Expected a string or an integer for the class field"),
    (first_box_without("bottomY"), "Missing required fields in annotation: bottomY"),
    (lambda asset: setattr(asset, "more", '{"image_url": \n'), "Json decoding error in line no: 13"),
    (lambda asset: [row.update(label=[]) for row in asset.rows], "No objects in dataset."),
    (lambda asset: asset.rows.clear(), "No objects in dataset."),
    (lambda asset: asset.rows.__delitem__(slice(9, None)), "at least 10 images; the dataset has 9"),
]


@pytest.mark.parametrize(("spoil", "sentence"), REFUSALS, ids=[sentence for _, sentence in REFUSALS])
def test_refusals(asset: Asset, spoil: Callable[[Asset], object], sentence: str) -> None:
    asset.write()
    assert len(load(asset.data, asset.datastores)) == 12
    spoil(asset)
    asset.write()
    with pytest.raises(TrainingError) as refused:
        load(asset.data, asset.datastores)
    assert sentence in str(refused.value)


def test_without_mltable(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="Not able to find MLTable file"):
        load(tmp_path, tmp_path)


def test_pictures_with_only_bad_boxes_and_broken_files_are_left_out_aloud(
    asset: Asset, caplog: pytest.LogCaptureFixture
) -> None:
    asset.rows[4]["label"][0]["bottomY"] = 170
    asset.write()
    broken = asset.datastores / "lake" / "7.jpg"
    broken.write_bytes(broken.read_bytes()[:3000])
    examples = load(asset.data, asset.datastores)
    assert {example.name for example in examples} == {f"lake/{n}.jpg" for n in range(12) if n not in (4, 7)}
    assert "No valid annotations. Skipping image at index 4" in caplog.text
    assert "lake/7.jpg cannot be read" in caplog.text


def test_a_fifth_is_held_out_whatever_the_order(asset: Asset) -> None:
    asset.write()
    training, held_out = hold_out(load(asset.data, asset.datastores))
    assert (len(training), len(held_out)) == (10, 2)
    asset.rows.reverse()
    asset.write()
    _, again = hold_out(load(asset.data, asset.datastores))
    assert {example.name for example in again} == {example.name for example in held_out}


def test_held_out_pictures_without_boxes_are_useless(asset: Asset) -> None:
    asset.write()
    _, held_out = hold_out(load(asset.data, asset.datastores))
    names = {example.name.removeprefix("lake/") for example in held_out}
    for row in asset.rows:
        if row["image_url"].rsplit("/", 1)[1] in names:
            row["label"] = []
    asset.write()
    with pytest.raises(TrainingError, match="No non-crowd evaluation ground truth bounding boxes found"):
        hold_out(load(asset.data, asset.datastores))
