"""Pascal VOC figures: average precision as the area under the monotone precision envelope, at one IoU threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.trainer.dataset import Labelled
from sandbox.trainer.scoring import overlap

Corners = tuple[float, float, float, float]
Floats = NDArray[np.float64]
DEFINITION = (
    "VOC at IoU 0.5 over held-out pictures: mean_average_precision is the area under the monotone precision"
    " envelope, precision and recall are those of all detections above box_score_threshold; means over classes"
)


@dataclass(frozen=True)
class Detection:
    """One answer of a detector: class, score 0..1 and corners in fractions of the picture."""

    label: str
    score: float
    corners: Corners

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> Detection:
        """One box as online scoring answers it."""
        box = answer["box"]
        corners = (box["topX"], box["topY"], box["bottomX"], box["bottomY"])
        return cls(answer["label"], answer["score"], corners)


@dataclass(frozen=True)
class LabelFigures:
    """Figures of one class over `boxes` true boxes."""

    average_precision: float
    precision: float
    recall: float
    boxes: int


@dataclass(frozen=True)
class Figures:
    """Means over the classes that have true boxes, and the classes themselves."""

    mean_average_precision: float
    precision: float
    recall: float
    labels: dict[str, LabelFigures]


def measure(
    truth: Sequence[Sequence[Labelled]], found: Sequence[Sequence[Detection]], iou_threshold: float
) -> Figures:
    """Compare a picture's true boxes with its detections, for all pictures in the same order."""
    names = sorted({box.label for picture in truth for box in picture})
    labels = {name: _measure_label(name, truth, found, iou_threshold) for name in names}
    means = np.mean([(f.average_precision, f.precision, f.recall) for f in labels.values()], axis=0)
    return Figures(float(means[0]), float(means[1]), float(means[2]), labels)


def envelope(hits: NDArray[np.bool_], boxes: int) -> tuple[Floats, Floats]:
    """Recall and the monotone precision envelope, after each detection in falling order of score."""
    right = np.cumsum(hits)
    precision = right / np.arange(1, len(hits) + 1)
    return right / boxes, np.maximum.accumulate(precision[::-1])[::-1]


def ranked_hits(
    label: str,
    truth: Sequence[Sequence[Labelled]],
    found: Sequence[Sequence[Detection]],
    iou_threshold: float,
) -> NDArray[np.bool_]:
    """Of a class's detections in falling order of score, which are right; a true box is found only once."""
    ranked = [(d.score, n, d.corners) for n, picture in enumerate(found) for d in picture if d.label == label]
    ranked.sort(key=lambda entry: -entry[0])
    open_boxes = [[box.corners for box in picture if box.label == label] for picture in truth]
    taken: set[tuple[int, int]] = set()
    hits = []
    for _, picture, corners in ranked:
        overlaps = [overlap(corners, box) for box in open_boxes[picture]]
        best = int(np.argmax(overlaps)) if overlaps else -1
        hit = best >= 0 and overlaps[best] >= iou_threshold and (picture, best) not in taken
        if hit:
            taken.add((picture, best))
        hits.append(hit)
    return np.array(hits, bool)


def _measure_label(
    label: str,
    truth: Sequence[Sequence[Labelled]],
    found: Sequence[Sequence[Detection]],
    iou_threshold: float,
) -> LabelFigures:
    boxes = sum(box.label == label for picture in truth for box in picture)
    hits = ranked_hits(label, truth, found, iou_threshold)
    if not len(hits):
        return LabelFigures(0.0, 0.0, 0.0, boxes)
    recall, precision = envelope(hits, boxes)
    area = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    return LabelFigures(area, float(hits.mean()), float(hits.sum() / boxes), boxes)
