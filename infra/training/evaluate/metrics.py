"""Pascal VOC figures: average precision as the area under the monotone precision envelope, at one overlap.

A class's precision and recall are those of all boxes that the model answers with, as a device gets them; a model's
figures are the means over the classes that have true boxes. Needs nothing but Python 3.10.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

OVERLAP = 0.5
MOST_POINTS = 40

Corners = tuple[float, float, float, float]


@dataclass(frozen=True)
class Box:
    """A class, its corners (left, top, right, bottom) in fractions of the picture, and how sure a model is of it."""

    label: str
    corners: Corners
    score: float = 1.0


@dataclass(frozen=True)
class ClassFigures:
    """`points` are score, precision and recall after each answered box in falling order of score, thinned out."""

    average_precision: float
    precision: float
    recall: float
    boxes: int
    points: list[tuple[float, float, float]]


@dataclass(frozen=True)
class Figures:
    mean_average_precision: float
    precision: float
    recall: float
    classes: Mapping[str, ClassFigures]


@dataclass(frozen=True)
class Outcome:
    """One picture: which of its true boxes were found, by their places, and how many answers are wrong."""

    found: frozenset[int] = frozenset()
    wrong: int = 0


@dataclass(frozen=True)
class _Ranked:
    score: float
    hit: bool


@dataclass
class _Judged:
    """Every answered box of a class in falling order of score."""

    boxes: int = 0
    ranked: list[_Ranked] = field(default_factory=list)


def measure(truth: Sequence[Sequence[Box]], answers: Sequence[Sequence[Box]]) -> Figures:
    """Figures over pictures, true and answered boxes in the same order. There is at least one true box."""
    judged: dict[str, _Judged] = {box.label: _Judged() for boxes in truth for box in boxes}
    for boxes in truth:
        for box in boxes:
            judged[box.label].boxes += 1
    for boxes, answered in zip(truth, answers, strict=True):
        for box, hit in matches(boxes, answered):
            if box.label in judged:
                judged[box.label].ranked.append(_Ranked(box.score, hit is not None))
    classes = {label: _figures(judged[label]) for label in sorted(judged)}
    count = len(classes)
    return Figures(
        sum(each.average_precision for each in classes.values()) / count,
        sum(each.precision for each in classes.values()) / count,
        sum(each.recall for each in classes.values()) / count,
        classes,
    )


def surest(truth: Sequence[Sequence[Box]], answers: Sequence[Sequence[Box]]) -> float:
    """The score from which on a model's answers are best as a whole: the highest F1 over all classes."""
    total = sum(map(len, truth))
    ranked = sorted(
        (
            (box.score, hit is not None)
            for boxes, answered in zip(truth, answers, strict=True)
            for box, hit in matches(boxes, answered)
        ),
        reverse=True,
    )
    best, at, right = 0.0, 0.0, 0
    for number, (score, hit) in enumerate(ranked, 1):
        right += hit
        balance = 2 * right / (number + total)
        if balance > best:
            best, at = balance, score
    return at


def outcome(truth: Sequence[Box], answered: Sequence[Box]) -> Outcome:
    matched = [hit for _, hit in matches(truth, answered)]
    return Outcome(frozenset(hit for hit in matched if hit is not None), matched.count(None))


def disagreement(one: Outcome, other: Outcome) -> int:
    """How differently two models see a picture: true boxes that only one found, and wrong answers that one has more."""
    return 2 * len(one.found ^ other.found) + abs(one.wrong - other.wrong)


def matches(truth: Sequence[Box], answered: Sequence[Box]) -> list[tuple[Box, int | None]]:
    """Each answered box, the surest first, with the place of the true box it finds; each of those is found once."""
    taken: set[int] = set()
    found: list[tuple[Box, int | None]] = []
    for box in sorted(answered, key=lambda box: -box.score):
        overlaps = {
            place: overlap(box.corners, true.corners)
            for place, true in enumerate(truth)
            if true.label == box.label
        }
        best = max(overlaps, key=overlaps.__getitem__, default=-1)
        right = best >= 0 and overlaps[best] >= OVERLAP and best not in taken
        taken |= {best} if right else set()
        found.append((box, best if right else None))
    return found


def _figures(judged: _Judged) -> ClassFigures:
    ranked = sorted(judged.ranked, key=lambda each: -each.score)
    if not ranked:
        return ClassFigures(0.0, 0.0, 0.0, judged.boxes, [])
    points: list[tuple[float, float, float]] = []
    right = 0
    for number, each in enumerate(ranked, 1):
        right += each.hit
        points.append((each.score, right / number, right / judged.boxes))
    area, envelope = 0.0, 0.0
    for place in range(len(points) - 1, -1, -1):
        _, precision, recall = points[place]
        envelope = max(envelope, precision)
        area += envelope * (recall - (points[place - 1][2] if place else 0.0))
    _, precision, recall = points[-1]
    return ClassFigures(area, precision, recall, judged.boxes, _thinned(points))


def _thinned(points: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    step = max(1, -(-len(points) // MOST_POINTS))
    kept = points[::step]
    return kept if kept[-1] == points[-1] else [*kept, points[-1]]


def overlap(one: Corners, other: Corners) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (_area(one) + _area(other) - shared)


def _area(corners: Corners) -> float:
    return (corners[2] - corners[0]) * (corners[3] - corners[1])
