"""Whether an export is fit to train on, and what is in it, from what was counted in its annotations."""

from dataclasses import dataclass

from sqlalchemy import Connection

from commands.kit.errors import UserError
from commands.kit.policy import Exports
from commands.kit.words import code, count, esc, listing
from storage import catalog
from storage.catalog import ExportRow

DATASET = "dataset"


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
    if export.created_at is None:
        return None
    for older in catalog.list_exports(tx, containing=project(export.name)):
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
    if not images and not boxes:
        return f"As many images and boxes as {previous.name}"
    return f"{images:+,} images and {boxes:+,} boxes since {previous.name}"


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
