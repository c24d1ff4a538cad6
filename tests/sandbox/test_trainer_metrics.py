"""The trainer's figures: one worked by hand, and the average precision against an independent implementation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from faster_coco_eval import COCO, COCOeval_faster

from sandbox.trainer.dataset import Labelled
from sandbox.trainer.metrics import Detection, envelope, measure, ranked_hits

LABELS = ("cap_missing", "cap_on")
HERE, THERE = (0.1, 0.1, 0.3, 0.3), (0.6, 0.6, 0.8, 0.8)


def test_worked_by_hand() -> None:
    truth = [[Labelled("cap_on", HERE), Labelled("cap_on", THERE)], []]
    found = [
        [
            Detection("cap_on", 0.9, HERE),
            Detection("cap_on", 0.8, (0.11, 0.1, 0.31, 0.3)),  # the same bottle again: wrong
            Detection("cap_on", 0.7, THERE),
        ],
        [Detection("cap_on", 0.2, HERE)],
    ]
    figures = measure(truth, found, 0.5)
    assert figures.mean_average_precision == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert (figures.precision, figures.recall) == (0.5, 1.0)
    assert figures.labels["cap_on"].boxes == 2


def test_a_class_that_is_never_found_counts_as_nothing() -> None:
    truth = [[Labelled("cap_on", HERE), Labelled("cap_missing", THERE)]]
    figures = measure(truth, [[Detection("cap_on", 0.9, HERE)]], 0.5)
    assert (figures.mean_average_precision, figures.precision, figures.recall) == (0.5, 0.5, 0.5)


def test_average_precision_agrees_with_coco() -> None:
    truth, found = _noisy_pictures(60)
    coco = _coco(truth, found)
    for place, label in enumerate(LABELS):
        boxes = sum(box.label == label for picture in truth for box in picture)
        recall, precision = envelope(ranked_hits(label, truth, found, 0.5), boxes)
        at = np.searchsorted(recall, np.linspace(0, 1, 101) - 1e-9)
        sampled = np.append(precision, 0.0)[np.minimum(at, len(precision))]
        theirs = coco.eval["precision"][0, :, place, 0, -1]
        assert 0.3 < sampled.mean() < 0.97
        assert sampled.mean() == pytest.approx(float(theirs.mean()), abs=1e-6)
        assert measure(truth, found, 0.5).labels[label].average_precision == pytest.approx(
            sampled.mean(), abs=0.01
        )


def _noisy_pictures(count: int) -> tuple[list[list[Labelled]], list[list[Detection]]]:
    """Bottles in four separate places; detections that shift, miss, confuse the classes or invent."""
    random = np.random.default_rng(3)
    truth, found = [], []
    for _ in range(count):
        boxes, detections = [], []
        for place in range(4):
            left, top = 0.05 + 0.24 * place, random.uniform(0.1, 0.5)
            corners = (left, top, left + 0.15, top + 0.3)
            label = LABELS[random.integers(2)]
            if random.random() < 0.8:
                boxes.append(Labelled(label, corners))
            if random.random() < 0.85:
                moved = tuple(float(value + random.normal(0, 0.02)) for value in corners)
                seen = label if random.random() < 0.85 else LABELS[random.integers(2)]
                detections.append(Detection(seen, float(random.random()), moved))  # type: ignore[arg-type]  # four
        truth.append(boxes)
        found.append(detections)
    return truth, found


def _coco(truth: list[list[Labelled]], found: list[list[Detection]]) -> Any:
    """The same boxes in COCO's shape, evaluated at IoU 0.5."""
    size = 1000

    def row(number: int, image: int, label: str, corners: tuple[float, ...]) -> dict[str, Any]:
        left, top, right, bottom = (value * size for value in corners)
        box = [left, top, right - left, bottom - top]
        return {
            "id": number, "image_id": image, "category_id": LABELS.index(label) + 1, "bbox": box,
            "area": box[2] * box[3], "iscrowd": 0,
        }  # fmt: skip

    boxes = [(image, box) for image, picture in enumerate(truth, 1) for box in picture]
    answers = [(image, box) for image, picture in enumerate(found, 1) for box in picture]
    annotations = [row(n, image, box.label, box.corners) for n, (image, box) in enumerate(boxes, 1)]
    results = [
        {**row(n, image, box.label, box.corners), "score": box.score}
        for n, (image, box) in enumerate(answers, 1)
    ]
    images = [{"id": n, "width": size, "height": size} for n in range(1, len(truth) + 1)]
    categories = [{"id": n, "name": label} for n, label in enumerate(LABELS, 1)]
    target = COCO({"images": images, "annotations": annotations, "categories": categories})
    evaluation = COCOeval_faster(target, target.loadRes(results), "bbox")
    evaluation.params.iouThrs = np.array([0.5])
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation
