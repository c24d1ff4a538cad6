"""Two versions beside each other: metrics, classes, and what they were trained and measured on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from commands.exports import readiness
from commands.exports.readiness import Counted
from commands.kit.blocks import Block, Message, actions, button, context, header, section, table
from commands.kit.errors import UserError
from commands.kit.words import code, count, delta, esc, metric, shorten
from commands.models.curves import CURVES, curves
from commands.models.measured import Figures, evaluation_of, figures, missing_because, together
from infra.training.register import model_tags
from storage import catalog
from storage.catalog import ModelRow

MOST_CLASSES, LONGEST_CLASS = 30, 60
EXPLAINED = "A box counts as found where it covers the true one by half. AP is average precision."
METRICS = (("mAP", "mean_average_precision"), ("Precision", "precision"), ("Recall", "recall"))


@dataclass(frozen=True)
class Side:
    """One version: its figures on held-out pictures, None where it was not measured there; its export's content."""

    model: ModelRow
    measured: Figures | None
    missing: str
    counted: Counted | None
    has_curves: bool

    @property
    def dataset(self) -> str:
        return self.model.tags.get(model_tags.DATASET, "")


@dataclass(frozen=True)
class Pair:
    """`comparable` is whether both figures are of the same pictures; without `measured` they are those of the tags."""

    left: Side
    right: Side
    comparable: bool

    def name(self, side: Side) -> str:
        """ "v7", with its name where the other has another one."""
        version = f"v{side.model.version}"
        same = self.left.model.name == self.right.model.name
        return version if same else f"{side.model.name} {version}"


def pair(tx: Connection, left: str, right: str) -> Pair:
    """From "Cap_Model:4" and "Cap_Model:3", or "v3" for another version of the same model. Raises UserError."""
    one = _named(tx, left, "")
    other = _named(tx, right, one.name)
    if (one.name, one.version) == (other.name, other.version):
        raise UserError(f"{esc(one.name)} v{one.version} is the same as itself.", "Name two versions.")
    both = together(tx, one, other)
    by_tags = both is None and None in [figures(evaluation_of(tx, each), each) for each in (one, other)]
    if by_tags and _same_export(one, other):
        return Pair(_side(tx, one, None), _side(tx, other, None), comparable=True)
    ours, theirs = (
        _side(tx, model, figures(both or evaluation_of(tx, model), model)) for model in (one, other)
    )
    return Pair(ours, theirs, comparable=_same_pictures(ours.measured, theirs.measured))


def shown(found: Pair) -> Message:
    left, right = found.left, found.right
    title = f"{left.model.name} {_against(found)}"
    blocks: list[Block] = [header(title), section(_measured_on(found)), _table(found)]
    if (left.measured or {}).get("classes") or (right.measured or {}).get("classes"):
        blocks.append(context(EXPLAINED))
    blocks.append(section(_datasets(found)))
    drawn = next((side for side in (left, right) if side.has_curves), None)
    if drawn:
        named = f"{drawn.model.name}:{drawn.model.version}"
        blocks.append(actions(button(f"Precision and recall of {found.name(drawn)}", CURVES, named)))
    return Message(f"{esc(title)}.", blocks)


def _named(tx: Connection, said: str, otherwise: str) -> ModelRow:
    name, _, version = said.rpartition(":")
    number = catalog.number_of(version)
    found = catalog.get_model(tx, name or otherwise, number) if number else None
    if found is None:
        raise UserError(
            f"No registered version is called “{esc(said[:80])}”.",
            "Write two of them: `/models compare Cap_Model:4 Cap_Model:3`.",
        )
    return found


def _side(tx: Connection, model: ModelRow, measured: Figures | None) -> Side:
    export = catalog.get_export(tx, model.tags.get(model_tags.DATASET, ""))
    counted = readiness.counted(export) if export else None
    return Side(model, measured, missing_because(tx, model), counted, curves(tx, model) is not None)


def _same_export(one: ModelRow, other: ModelRow) -> bool:
    """Whether their trainings measured them on the held-out pictures of the same export."""
    told = [
        (each.tags.get(model_tags.DATASET), each.tags.get(model_tags.DATASET_VERSION))
        for each in (one, other)
    ]
    return told[0] == told[1] and all(told[0])


def _same_pictures(one: Figures | None, other: Figures | None) -> bool:
    return bool(one and other and one["evaluated_on"] == other["evaluated_on"])


def _against(found: Pair) -> str:
    left, right = found.left, found.right
    versions = f"v{left.model.version} against {found.name(right)}"
    if not found.comparable:
        return f"{versions}: not comparable"
    ours, theirs = (_figures(side)["mean_average_precision"] for side in (left, right))
    return f"{versions}: mAP {delta(ours, theirs)}"


def _measured_on(found: Pair) -> str:
    left, right = found.left, found.right
    if found.comparable and left.measured and right.measured:
        told = f"Both on the same {_set(left.measured)}."
        learned = [
            found.name(side) for side in (left, right) if side.measured and not side.measured["held_out"]
        ]
        if learned:
            told += f" {esc(' and '.join(learned))} may have learned from some of them."
        return told
    if found.comparable:
        return f"Both as their trainings measured them, on held-out pictures of {code(left.dataset)}."
    lines = [
        "They were not measured on the same pictures, so no change is shown. A training measures its model "
        "beside the version before and those that devices run."
    ]
    lines += [f"{esc(found.name(side))}: {_own_set(side)}" for side in (left, right)]
    return "\n".join(lines)


def _own_set(side: Side) -> str:
    if side.measured:
        return f"{_set(side.measured)}."
    if side.model.mean_average_precision is None:
        return "not measured; its tags carry no figures."
    why = f" {esc(side.missing)}" if side.missing else ""
    return (
        f"the figures of its tags, measured on pictures of {code(side.dataset or 'an unknown export')}.{why}"
    )


def _set(measured: Figures) -> str:
    return f"{count(measured['pictures'], 'held-out picture')} of {code(measured['dataset'])}"


def _table(found: Pair) -> Block:
    left, right = _figures(found.left), _figures(found.right)
    rows = [["Metric", found.name(found.left), found.name(found.right), "Change"]]
    for label, key in METRICS:
        rows.append([label, *_row(left.get(key), right.get(key), found)])
    ours, theirs = left.get("classes") or {}, right.get("classes") or {}
    labels = sorted({*ours, *theirs}, key=lambda label: _moved(ours.get(label), theirs.get(label)))
    for label in labels[:MOST_CLASSES]:
        now, before = (each.get(label, {}).get("average_precision") for each in (ours, theirs))
        rows.append([f"{shorten(label, LONGEST_CLASS)}, AP", *_row(now, before, found)])
    return table(rows)


def _row(now: float | None, before: float | None, found: Pair) -> list[str]:
    return [metric(now), metric(before), delta(now, before) if found.comparable else "–"]


def _figures(side: Side) -> Mapping[str, Any]:
    return side.measured or {key: getattr(side.model, key) for _, key in METRICS}


def _moved(now: Mapping[str, Any] | None, before: Mapping[str, Any] | None) -> float:
    """Those that got worst first."""
    return float((now or {}).get("average_precision", 0)) - float((before or {}).get("average_precision", 0))


def _datasets(found: Pair) -> str:
    left, right = found.left, found.right
    if not left.dataset or not right.dataset:
        unknown = " and ".join(found.name(side) for side in (left, right) if not side.dataset)
        return f"*Trained on*\nThe tags of {esc(unknown)} do not say on which export."
    if left.dataset == right.dataset:
        return f"*Trained on*\nThe same export, {code(left.dataset)}."
    lines = [f"{esc(found.name(side))}: {code(side.dataset)}{_content(side)}" for side in (left, right)]
    if left.counted and right.counted:
        lines.append(_difference(found, left.counted, right.counted))
    return "*Trained on*\n" + "\n".join(line for line in lines if line)


def _content(side: Side) -> str:
    if side.counted is None:
        return ", which is not in the workspace any more"
    return f", {count(side.counted.images, 'image')}, {count(side.counted.all_boxes, 'box', 'boxes')}"


def _difference(found: Pair, ours: Counted, theirs: Counted) -> str:
    """ "v4 had +16 images; boxes: `cap_on` +40, `cap_missing` new (12), `lid` gone" """
    told = []
    for label in sorted({*ours.boxes, *theirs.boxes}):
        now, before = ours.boxes.get(label, 0), theirs.boxes.get(label, 0)
        if now != before:
            moved = f"new ({now:,})" if not before else "gone" if not now else f"{now - before:+,}"
            told.append(f"{code(label)} {moved}")
    images = ours.images - theirs.images
    parts = [f"{images:+,} images"] if images else []
    parts += [f"boxes: {', '.join(told[:MOST_CLASSES])}"] if told else []
    return (
        f"{esc(found.name(found.left))} against {esc(found.name(found.right))}: {'; '.join(parts)}"
        if parts
        else ""
    )
