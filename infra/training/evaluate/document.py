"""What the evaluate step writes down, for whoever decides about the model."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.training.evaluate.contestants import Contestant
from infra.training.evaluate.metrics import (
    OVERLAP,
    Box,
    Figures,
    Outcome,
    disagreement,
    measure,
    outcome,
    surest,
)
from infra.training.evaluate.pictures import Picture
from infra.training.split.held_out import RULE

FORMAT = 1
MOST_PICTURES = 12
HARDEST = 3
MOST_BOXES = 60
DIGITS = 6


def impossible(dataset: str, trouble: str) -> dict[str, Any]:
    """Nothing could be measured."""
    return {"format": FORMAT, "trouble": trouble[:1000], "dataset": dataset, "models": [], "pictures": []}


def describe(
    dataset: str, measured: Sequence[Contestant], pictures: Sequence[Picture], left_out: int
) -> dict[str, Any]:
    """The whole document.

    `models` has the new version first, each with figures over the same `set`, or with its trouble. `pictures` are
    those on which it disagrees most with another one and those on which it errs most, with the true boxes and the
    answers of all, each from the score at which that model is best (`shown_from`).
    """
    return {
        "format": FORMAT,
        "trouble": "",
        "dataset": dataset,
        "set": {
            "digest": _digest(pictures),
            "rule": RULE,
            "pictures": len(pictures),
            "boxes": sum(len(picture.truth) for picture in pictures),
            "left_out": left_out,
            "overlap": OVERLAP,
        },
        "models": [_model(each, pictures) for each in measured],
        "pictures": _shown(measured, pictures),
    }


def write(file: Path, document: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document), encoding="utf-8")


def _digest(pictures: Sequence[Picture]) -> str:
    """SHA-256 over names and true boxes: the same digest means the same pictures with the same boxes."""
    told = sorted(
        [picture.name, sorted([box.label, *box.corners] for box in picture.truth)] for picture in pictures
    )
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _model(each: Contestant, pictures: Sequence[Picture]) -> dict[str, Any]:
    named = {"name": each.model, "version": each.version, "held_out": each.held_out, "trouble": each.trouble}
    if each.trouble:
        return named
    return {**named, **_figures(measure([picture.truth for picture in pictures], each.answers))}


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "mean_average_precision": round(figures.mean_average_precision, DIGITS),
        "precision": round(figures.precision, DIGITS),
        "recall": round(figures.recall, DIGITS),
        "classes": {
            label: {
                "average_precision": round(each.average_precision, DIGITS),
                "precision": round(each.precision, DIGITS),
                "recall": round(each.recall, DIGITS),
                "boxes": each.boxes,
                "points": [[round(value, 4) for value in point] for point in each.points],
            }
            for label, each in figures.classes.items()
        },
    }


def _shown(measured: Sequence[Contestant], pictures: Sequence[Picture]) -> list[dict[str, Any]]:
    """The pictures on which the first model disagrees most with each of the others, the same number for each; then
    those on which it errs most."""
    answering = [each for each in measured if not each.trouble]
    if not answering or answering[0] is not measured[0]:
        return []
    sure = {each.name: _sure(each, pictures) for each in answering}
    seen = {
        name: [outcome(picture.truth, boxes) for picture, boxes in zip(pictures, shown, strict=True)]
        for name, (shown, _) in sure.items()
    }
    new, *others = seen
    ranked = {other: _ranked(seen[new], seen[other]) for other in others}
    each_has = MOST_PICTURES // max(1, len(others))
    disputed = [place for places in ranked.values() for place in list(places)[:each_has]]
    chosen = dict.fromkeys([*disputed, *_hardest(seen[new], pictures)])
    return [
        {
            "name": pictures[place].name,
            "address": pictures[place].address,
            "truth": [_box(box) for box in pictures[place].truth[:MOST_BOXES]],
            "answers": {
                name: [_box(box) for box in shown[place][:MOST_BOXES]] for name, (shown, _) in sure.items()
            },
            "shown_from": {name: round(score, DIGITS) for name, (_, score) in sure.items()},
            "disagreement": {other: ranked[other][place] for other in others if place in ranked[other]},
        }
        for place in chosen
    ]


def _hardest(seen: Sequence[Outcome], pictures: Sequence[Picture]) -> list[int]:
    """The places of the pictures with the most boxes missed or wrong."""
    mistakes = [
        len(picture.truth) - len(result.found) + result.wrong
        for picture, result in zip(pictures, seen, strict=True)
    ]
    return sorted(range(len(pictures)), key=lambda place: (-mistakes[place], place))[:HARDEST]


def _sure(each: Contestant, pictures: Sequence[Picture]) -> tuple[list[list[Box]], float]:
    score = surest([picture.truth for picture in pictures], each.answers)
    return [[box for box in boxes if box.score >= score] for boxes in each.answers], score


def _ranked(one: Sequence[Outcome], other: Sequence[Outcome]) -> dict[int, int]:
    """Disagreement by the place of the picture, the most first, without those that both see alike."""
    found = {place: disagreement(*pair) for place, pair in enumerate(zip(one, other, strict=True))}
    return {place: much for place, much in sorted(found.items(), key=lambda each: -each[1]) if much}


def _box(box: Box) -> dict[str, Any]:
    return {
        "label": box.label,
        "corners": [round(corner, 4) for corner in box.corners],
        "score": round(box.score, 4),
    }
