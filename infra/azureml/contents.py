"""What is in a labeling export: images and boxes, counted as the trainer will count them.

The checks are those of AutoML for Images: boxes lie within 0…1 with top-left before bottom-right,
a label is a list of objects, class names are of one type. An image whose boxes are all ill-formed
is left out by the trainer without a word, so such images are counted here.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.azureml.errors import Unreadable
from infra.azureml.exports import Export
from infra.azureml.storage import Place, Storage
from infra.http.answers import NOT_JSON
from infra.http.fields import mapping, sequence, text
from infra.training.job.addresses import name_of

PROBLEMS_SHOWN = 5
_EDGES = ("topX", "topY", "bottomX", "bottomY")
_STREAM_MISSING = "The MLTable does not turn image_url into a stream (convert_column_types to stream_info)."


@dataclass(frozen=True)
class ExportContents:
    """Counts of one export. `boxes` holds well-formed boxes per class, most frequent first.

    `blockers` are faults that make the trainer stop; `problems` the first of all faults found; `pictures` the names of
    the images as `addresses.name_of` gives them.
    """

    images: int
    boxes: Mapping[str, int]
    images_without_boxes: int
    images_left_out: int
    ill_formed_boxes: int
    problems: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()
    pictures: frozenset[str] = frozenset()


@dataclass
class _Count:
    images: int = 0
    pictures: set[str] = field(default_factory=set)
    without: int = 0
    left_out: int = 0
    ill_formed: int = 0
    boxes: Counter[str] = field(default_factory=Counter)
    class_types: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    blockers: list[str] = field(default_factory=list)

    def image(self, where: str, boxes: Iterable[tuple[Any, str]]) -> None:
        """Counts one image; each box is its class and what is wrong with it, if anything."""
        self.images += 1
        good = bad = 0
        for name, fault in boxes:
            if fault:
                bad += 1
                self.problems.append(f"{where}: {fault}")
            else:
                good += 1
                self.boxes[str(name)] += 1
                self.class_types.add(type(name).__name__)
        self.ill_formed += bad
        self.without += not good and not bad
        self.left_out += bool(bad and not good)

    def result(self) -> ExportContents:
        if len(self.class_types) > 1:
            self.blockers.append(
                "Some class names are text and some are numbers; the trainer wants one kind."
            )
        return ExportContents(
            images=self.images,
            boxes=dict(self.boxes.most_common()),
            images_without_boxes=self.without,
            images_left_out=self.left_out,
            ill_formed_boxes=self.ill_formed,
            problems=tuple((self.blockers + self.problems)[:PROBLEMS_SHOWN]),
            blockers=tuple(self.blockers[:PROBLEMS_SHOWN]),
            pictures=frozenset(self.pictures),
        )


def read(storage: Storage, export: Export) -> ExportContents:
    """Reads and counts an export. Raises Unreadable with the reason."""
    place = storage.locate(export.uri)
    if export.kind == "mltable":
        return _read_mltable(storage, place)
    if export.kind == "coco":
        return _read_coco(storage, place)
    raise Unreadable(f"{export.name} is neither an MLTable nor a COCO file.")


def count_jsonl(lines: Iterable[str], *blockers: str) -> ExportContents:
    """Counts lines of AutoML's JSONL for object detection; `blockers` are those found before."""
    count = _Count(blockers=list(blockers))
    for number, line in enumerate(lines, 1):
        if line.strip():
            _count_line(count, number, line)
    return count.result()


def count_coco(document: Any) -> ExportContents:
    """Counts a COCO file as Data Labeling writes it. Boxes may be in pixels or, as there, within 0…1.

    Classes without any box are in `boxes` with 0.
    """
    names = {
        _id(category, "id"): text(category, "name")
        for category in map(mapping, sequence(document, "categories"))
    }
    boxes: dict[Any, list[Mapping[str, Any]]] = {}
    for annotation in map(mapping, sequence(document, "annotations")):
        boxes.setdefault(_id(annotation, "image_id"), []).append(annotation)
    count = _Count()
    for image in map(mapping, sequence(document, "images")):
        where = text(image, "file_name") or f"image {text(image, 'id')}"
        count.pictures.add(name_of(text(image, "coco_url")) or where)
        found = boxes.get(_id(image, "id"), [])
        count.image(where, ((_coco_class(names, box), _coco_fault(image, box)) for box in found))
    counted = count.result()
    empty = {name: 0 for name in names.values() if name not in counted.boxes}
    return ExportContents(**{**vars(counted), "boxes": {**counted.boxes, **empty}})


def _read_mltable(storage: Storage, folder: Place) -> ExportContents:
    import yaml  # comes with Azure's SDK; only needed here

    place = folder.child("MLTable")
    try:
        table = mapping(yaml.safe_load(storage.read(place)))
    except (yaml.YAMLError, *NOT_JSON) as fault:
        raise Unreadable(f"{place.url} is not YAML.") from fault
    files = [text(entry, "file") for entry in sequence(table, "paths")]
    if not files or not all(files):
        raise Unreadable(f"{place.url} does not name its files one by one.")
    if any(".." in file.split("/") for file in files):
        raise Unreadable(f"{place.url} names files that are not its own.")
    lines: list[str] = []
    for file in files:
        source = storage.locate(file) if "://" in file else folder.child(file)
        lines += _text(storage.read(source), source).splitlines()
    return count_jsonl(lines, *([] if _makes_streams(table) else [_STREAM_MISSING]))


def _read_coco(storage: Storage, place: Place) -> ExportContents:
    if not place.path.lower().endswith(".json"):
        found = storage.files(place, ".json")
        if len(found) != 1:
            raise Unreadable(f"{place.url} holds {len(found)} COCO files instead of one.")
        place = found[0]
    return count_coco(_document(storage.read(place), place))


def _makes_streams(table: Mapping[str, Any]) -> bool:
    for transformation in sequence(table, "transformations"):
        for conversion in sequence(transformation, "convert_column_types"):
            columns = mapping(conversion).get("columns")
            named = columns if isinstance(columns, list) else [columns]
            if "image_url" in named and "stream_info" in str(mapping(conversion).get("column_type")):
                return True
    return False


def _count_line(count: _Count, number: int, line: str) -> None:
    try:
        row = json.loads(line)
    except NOT_JSON:
        count.blockers.append(f"Line {number} is not JSON.")
        return
    url = text(row, "image_url")
    if not url:
        count.blockers.append(f"Line {number} has no image_url.")
        return
    label = mapping(row).get("label")
    if not isinstance(label, list) or not all(isinstance(box, Mapping) for box in label):
        count.blockers.append(f"Line {number}: the label is not a list of objects.")
        label = []
    count.pictures.add(name_of(url))
    count.image(url.rpartition("/")[2], ((box.get("label"), _fault(box)) for box in label))


def _fault(box: Mapping[str, Any]) -> str:
    if not isinstance(box.get("label"), str | int) or box.get("label") == "":
        return "a box has no class"
    edges = [box.get(edge) for edge in _EDGES]
    if any(isinstance(edge, bool) or not isinstance(edge, int | float) for edge in edges):
        return f"a box of {box['label']} has edges that are not numbers"
    return _edge_fault(str(box["label"]), edges)


def _edge_fault(name: str, edges: Sequence[Any]) -> str:
    left, top, right, bottom = edges
    if not all(0 <= edge <= 1 for edge in edges):
        return f"a box of {name} reaches beyond the picture (edges must lie within 0 and 1)"
    if left >= right or top >= bottom:
        return f"a box of {name} is empty or turned around"
    return ""


def _coco_class(names: Mapping[Any, str], box: Mapping[str, Any]) -> str:
    category = _id(box, "category_id")
    named = names.get(category) if category is not None else None
    return named or f"category {text(box, 'category_id')}"


def _id(entry: Mapping[str, Any], key: str) -> int | float | str | None:
    """None for what is not there or names nothing, such as a list."""
    found = entry.get(key)
    return found if isinstance(found, int | float | str) else None


def _coco_fault(image: Mapping[str, Any], box: Mapping[str, Any]) -> str:
    try:
        x, y, width, height = (float(edge) for edge in sequence(box, "bbox"))
        if max(x, y, width, height) >= 1.5:  # pixels, by the rule of Microsoft's own converter
            across, down = float(image["width"]), float(image["height"])
            x, y, width, height = x / across, y / down, width / across, height / down
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return f"a box of category {text(box, 'category_id')} has no usable edges"
    return _edge_fault(
        f"category {text(box, 'category_id')}", (x, y, _within(x + width), _within(y + height))
    )


def _within(edge: float) -> float:
    """An edge on the border, which adding left and width may have put a hair beyond it."""
    return 1.0 if 1 < edge < 1.001 else edge


def _document(content: bytes, place: Place) -> Any:
    try:
        return json.loads(content)
    except NOT_JSON as fault:
        raise Unreadable(f"{place.url} is not JSON.") from fault


def _text(content: bytes, place: Place) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise Unreadable(f"{place.url} is not UTF-8 text.") from fault
