"""Whether an export is fit to train on, and what is in it, from what was counted in its annotations."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from commands.kit.blocks import Block
from commands.kit.errors import UserError
from commands.kit.policy import Exports
from commands.kit.words import code, count, esc, listing, shorten
from storage import catalog
from storage.catalog import ExportRow

DATASET = "dataset"
MANY_WITHOUT = 0.1
MOST_BARS, LONGEST_BAR, LONGEST_CHART_TITLE = 20, 20, 50
UNEVEN = 3


@dataclass(frozen=True)
class Counted:
    """Images, boxes per class, images without a box, and faults that would stop the trainer."""

    images: int
    boxes: dict[str, int]
    images_without_boxes: int
    blockers: tuple[str, ...]

    @property
    def all_boxes(self) -> int:
        return sum(self.boxes.values())


def counted(export: ExportRow) -> Counted | None:
    """What was counted; None while nothing could be read."""
    found = export.contents
    if found is None:
        return None
    return Counted(
        found["images"], dict(found["boxes"]), found["images_without_boxes"], tuple(found["blockers"])
    )


def project(name: str) -> str:
    """The labeling project of an export called NAME_DATE_TIME."""
    return name.rsplit("_", 2)[0]


def before(tx: Connection, export: ExportRow) -> ExportRow | None:
    """The previous export of the same project."""
    return previous_of(export, catalog.list_exports(tx, containing=project(export.name)))


def previous_of(export: ExportRow, newest_first: Sequence[ExportRow]) -> ExportRow | None:
    """The same, of exports that were read before."""
    if export.created_at is None:
        return None
    for older in newest_first:
        if (
            older.created_at
            and older.created_at < export.created_at
            and project(older.name) == project(export.name)
        ):
            return older
    return None


def must_be_trainable(export: ExportRow, previous: ExportRow | None, policy: Exports) -> None:
    """Raises UserError on the dataset field where a training would fail or be pointless."""
    if export.kind == "coco":
        raise UserError(
            f"{export.name} is a COCO export, and AutoML reads MLTable.",
            "Prepare it for training with its button in /exports.",
            field=DATASET,
        )
    if export.kind != "mltable":
        raise UserError(
            f"{export.name} is not a labeling export (its type is not mltable).",
            "Choose one from /exports.",
            field=DATASET,
        )
    must_hold_enough(export, previous, policy)


def must_hold_enough(export: ExportRow, previous: ExportRow | None, policy: Exports) -> None:
    """Raises UserError where there is too little in an export of any kind, or something wrong with it."""
    found = counted(export)
    if found is None:
        return
    if found.blockers:
        raise UserError(
            f"{export.name} cannot be trained on: {found.blockers[0]}", "Export it again.", field=DATASET
        )
    if found.images < policy.fewest_images:
        raise UserError(
            f"{export.name} has {count(found.images, 'image')}; at least {policy.fewest_images} are needed.",
            "Label more pictures and export again.",
            field=DATASET,
        )
    if found.all_boxes == 0:
        raise UserError(
            f"{export.name} has no boxes on its {count(found.images, 'image')}.",
            "Draw boxes in the labeling project and export again.",
            field=DATASET,
        )
    if empty := unlabelled(found, previous):
        raise UserError(
            f"{export.name} has no boxes of {listing(empty)}.",
            "Label some in the labeling project and export again.",
            field=DATASET,
        )


def short_problem(export: ExportRow, previous: ExportRow | None, policy: Exports) -> str:
    """Why an export cannot be trained on as it is, in one short sentence; empty where it can."""
    try:
        must_be_trainable(export, previous, policy)
    except UserError as wrong:
        return f"It {wrong.problem.removeprefix(export.name).strip()}"
    return ""


def problem(export: ExportRow, previous: ExportRow | None, policy: Exports) -> str:
    """Why an export cannot be trained on, or, if it is COCO, not even prepared for that; empty where it can."""
    try:
        (must_hold_enough if export.kind == "coco" else must_be_trainable)(export, previous, policy)
    except UserError as wrong:
        return f"{wrong.problem} {wrong.next_step}"
    return ""


def unlabelled(found: Counted, previous: ExportRow | None) -> list[str]:
    """Classes without a box, though the export names them or the project's previous export had them."""
    known = dict(found.boxes)
    earlier = counted(previous) if previous else None
    for label in earlier.boxes if earlier else ():
        known.setdefault(label, 0)
    return sorted(label for label, boxes in known.items() if boxes == 0)


def thin_classes(found: Counted, policy: Exports) -> list[str]:
    """Classes with few boxes: "cap_missing (3)"."""
    few = [(boxes, label) for label, boxes in found.boxes.items() if 0 < boxes < policy.few_boxes]
    return [f"{label} ({boxes})" for boxes, label in sorted(few)]


def warnings(found: Counted, policy: Exports) -> list[str]:
    """What to know of an export that can be trained on, before it is: in mrkdwn, the most important first."""
    told = []
    if thin := thin_classes(found, policy):
        told.append(f"Few boxes of {esc(', '.join(thin))}: expect poor results there.")
    if found.images_without_boxes > found.images * MANY_WITHOUT:
        told.append(
            f"{found.images_without_boxes:,} of {count(found.images, 'image')} have no box. If they are not empty on "
            "purpose, finish labeling them."
        )
    return told


def balance(found: Counted) -> Block | None:
    """Boxes per class as a bar chart; None where there is nothing to compare, or their names are too alike."""
    boxes = sorted(found.boxes.items(), key=lambda each: (-each[1], each[0]))[:MOST_BARS]
    labels = [shorten(label.strip() or "?", LONGEST_BAR) for label, _ in boxes]
    if len(boxes) < 2 or len(set(labels)) < len(labels):
        return None
    ratio = boxes[0][1] / max(1, boxes[-1][1])
    spread = f"{ratio:,.0f} to 1 from most to fewest" if ratio >= UNEVEN else "fairly even"
    data = [{"label": label, "value": number} for label, (_, number) in zip(labels, boxes, strict=True)]
    return {
        "type": "data_visualization",
        "title": shorten(f"Boxes per class: {spread}", LONGEST_CHART_TITLE),
        "chart": {
            "type": "bar",
            "series": [{"name": "Boxes", "data": data}],
            "axis_config": {"categories": labels, "x_label": "Class", "y_label": "Boxes"},
        },
    }


def summary(export: ExportRow) -> str:
    """One line of mrkdwn: "240 images, 794 boxes: `cap_on` 520, `cap_missing` 274"."""
    found = counted(export)
    if found is None:
        return esc(export.unreadable or "Not read yet")
    if not found.boxes:
        return f"{count(found.images, 'image')}, no boxes"
    return f"{count(found.images, 'image')}, {count(found.all_boxes, 'box', 'boxes')}: {per_class(found)}"


def per_class(found: Counted) -> str:
    """Boxes per class, as mrkdwn."""
    return ", ".join(f"{code(label)} {boxes:,}" for label, boxes in sorted(found.boxes.items()))


def news(export: ExportRow, previous: ExportRow | None) -> str:
    """What is new since the previous export, or nothing where that cannot be told."""
    now, earlier = counted(export), counted(previous) if previous else None
    if now is None or earlier is None or previous is None:
        return ""
    images, boxes = now.images - earlier.images, now.all_boxes - earlier.all_boxes
    new = sorted(label for label, number in now.boxes.items() if number and label not in earlier.boxes)
    if not images and not boxes and not new:
        return f"As many images and boxes as {previous.name}"
    classes = f"; new {'class' if len(new) == 1 else 'classes'} {listing(new)}" if new else ""
    return f"{images:+,} images and {boxes:+,} boxes since {previous.name}{classes}"


def measured_before(export: ExportRow) -> str:
    """How many of its pictures the project's newest model was measured on, as far as that can be told."""
    measured = (export.contents or {}).get("measured")
    if not measured:
        return ""
    model, again = measured["model"], measured["again"]
    if measured["held_out"] is None:
        return (
            f"{count(again, 'picture')} of it were in {measured['dataset']} as well. "
            f"{model} was measured on some of those; which ones is not known."
        )
    told = f"It has {again:,} of the {count(measured['held_out'], 'picture')} that {model} was measured on"
    if again:
        return f"{told}; no model learns from them, so a new one can be compared with it."
    return f"{told}, so a new model cannot be compared with it on these."
