"""Reads a labelled data asset as AutoML for images does, and refuses what it refuses, in its words."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from sandbox.trainer.errors import TrainingError

log = logging.getLogger(__name__)

FEWEST_PICTURES = 10
HELD_OUT_SHARE = 0.2
DATASTORE_ADDRESS = re.compile(r"azureml://.*/?datastores/(?P<datastore>[^/]+)/paths/(?P<path>.+)")
CORNERS = ("topX", "topY", "bottomX", "bottomY")


@dataclass(frozen=True)
class Labelled:
    """A box that somebody drew: class and corners (left, top, right, bottom) in fractions of the picture."""

    label: str
    corners: tuple[float, float, float, float]


@dataclass(frozen=True)
class Example:
    """A picture with its boxes; `name` is `<datastore>/<path>`."""

    name: str
    file: Path
    boxes: tuple[Labelled, ...]


def load(data: Path, datastores: Path) -> list[Example]:
    """All usable pictures of the MLTable in `data`. TrainingError with AutoML's sentence for what it would not take."""
    examples = _check(_examples(data, datastores))
    if len(examples) < FEWEST_PICTURES:
        raise TrainingError(
            f"AutoML for images needs at least {FEWEST_PICTURES} images; the dataset has {len(examples)}."
        )
    return examples


def load_measured(data: Path, datastores: Path) -> list[Example]:
    """The same for validation data, which may be few."""
    return _check(_examples(data, datastores))


def hold_out(examples: list[Example]) -> tuple[list[Example], list[Example]]:
    """Training and held-out pictures: a fifth is held out, by a hash of the name, so that it stays the same."""
    ranked = sorted(examples, key=lambda example: hashlib.sha256(example.name.encode()).digest())
    count = max(1, round(HELD_OUT_SHARE * len(ranked)))
    if not any(example.boxes for example in ranked[:count]):
        raise TrainingError(
            "No non-crowd evaluation ground truth bounding boxes found, check input jsonl"
            f" (none of the {count} held-out images has a box)."
        )
    return ranked[count:], ranked[:count]


def fingerprint(examples: list[Example]) -> str:
    """A hash over the names, the pictures' bytes and the boxes, whatever their order."""
    total = hashlib.sha256()
    for example in sorted(examples, key=lambda example: example.name):
        total.update(example.name.encode() + hashlib.sha256(example.file.read_bytes()).digest())
        total.update(repr(example.boxes).encode())
    return total.hexdigest()


def _examples(data: Path, datastores: Path) -> list[Example]:
    records = list(_records(data))
    examples = []
    for index, record in enumerate(records):
        if "image_url" not in record:
            raise TrainingError("Image URL column 'image_url' is not present in the dataset.")
        name, file = _locate(record["image_url"], datastores)
        boxes = _boxes(record, index)
        if boxes is not None:
            examples.append(Example(name, file, boxes))
    if records and not examples:
        raise TrainingError("All annotations provided are ill-formed.")
    _check_classes(records)
    return examples


def _records(data: Path) -> Iterator[dict[str, Any]]:
    """The rows of every JSON lines file that the MLTable names."""
    for file in _annotation_files(data):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError:
                raise TrainingError(f"Json decoding error in line no: {number}") from None
            if not isinstance(record, dict):
                raise TrainingError(f"Json decoding error in line no: {number}")
            yield record


def _annotation_files(data: Path) -> list[Path]:
    path = data / "MLTable"
    if not path.exists():
        raise TrainingError(f"MLTable input is invalid. Not able to find MLTable file in {data.name}.")
    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
        paths = [entry["file"] for entry in table["paths"]]
        steps = {name: step for entry in table.get("transformations", []) for name, step in entry.items()}
        conversions = steps.get("convert_column_types", [])
        types = {column["columns"]: column["column_type"] for column in conversions}
    except (yaml.YAMLError, TypeError, KeyError, AttributeError) as error:
        raise TrainingError(f"MLTable yaml schema is invalid: {error!r}") from None
    if types.get("image_url") != "stream_info":
        raise TrainingError(
            "The data type of image URL column 'image_url' is String, but it should be STREAM."
        )
    files = [data / str(entry) for entry in paths]
    for entry, file in zip(paths, files, strict=True):
        if not file.is_file() or not file.resolve().is_relative_to(data.resolve()):
            raise TrainingError(
                f"MLTable input is invalid. uri path is not a valid datastore uri path: {entry}"
            )
    return files


def _locate(address: object, datastores: Path) -> tuple[str, Path]:
    found = DATASTORE_ADDRESS.fullmatch(str(address))
    if found is None:
        raise TrainingError(
            "AutoML for images is only supported if all image files are contained in an AML datastore,"
            f" which {address} is not."
        )
    name = f"{found['datastore']}/{found['path']}"
    file = datastores / name
    if not file.resolve().is_relative_to(datastores.resolve()) or not file.is_file():
        raise TrainingError(f"File not found. {name}")
    return name, file


def _boxes(record: dict[str, Any], index: int) -> tuple[Labelled, ...] | None:
    """The row's sound boxes; None if it has boxes and none of them is sound: AutoML skips such a picture."""
    rows = record.get("label", [])
    if not isinstance(rows, list):
        raise TrainingError(
            f"The provided annotations are not in valid format. Found type {type(rows).__name__}."
        )
    boxes = [box for box in (_box(row) for row in rows) if box is not None]
    if rows and not boxes:
        log.warning("No valid annotations. Skipping image at index %d", index)
        return None
    if len(boxes) < len(rows):
        log.warning(
            "Image at index %d: %d of %d annotations left out", index, len(rows) - len(boxes), len(rows)
        )
    return tuple(boxes)


def _box(row: Any) -> Labelled | None:
    """One annotation; None if it is ill-formed or a crowd."""
    if not isinstance(row, dict):
        raise TrainingError(f"Annotation should be a dictionary. Found type {type(row).__name__}.")
    missing = [field for field in ("label", *CORNERS) if field not in row]
    if missing:
        raise TrainingError(f"Missing required fields in annotation: {', '.join(missing)}")
    if not isinstance(row["label"], str | int):
        raise TrainingError("Expected a string or an integer for the class field.")
    left, top, right, bottom = (row[corner] for corner in CORNERS)
    for value in (left, top, right, bottom):
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise TrainingError(f"Expected int or float types for box coordinates. Found {value!r}.")
    sound = 0 <= left < right <= 1 and 0 <= top < bottom <= 1
    if not sound or row.get("isCrowd", 0):
        return None
    return Labelled(str(row["label"]), (float(left), float(top), float(right), float(bottom)))


def _check_classes(records: list[dict[str, Any]]) -> None:
    kinds = {type(row["label"]) for record in records for row in record.get("label", [])}
    if len(kinds) > 1:
        raise TrainingError("More than one type found for the class field.")


def _check(examples: list[Example]) -> list[Example]:
    """The readable pictures, if they show anything."""
    readable = [example for example in examples if _readable(example)]
    if examples and not readable:
        raise TrainingError("No images left in batch after removing None values.")
    if not any(example.boxes for example in readable):
        raise TrainingError(
            "No objects in dataset. Please ensure that at least one image has one or more objects."
        )
    return readable


def _readable(example: Example) -> bool:
    """Whether the picture decodes to its end; tried at an eighth of its size, which is quick for a JPEG."""
    try:
        with Image.open(example.file) as picture:
            picture.draft("RGB", (picture.width // 8, picture.height // 8))
            picture.load()
    except OSError as error:
        log.warning("Image %s cannot be read and is left out: %s", example.name, error)
        return False
    return True
