"""Which epoch of a trial counts, and its figures. Needs nothing but Python 3.10: it also runs inside the job."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MEAN_AVERAGE_PRECISION = "mean_average_precision"
PRECISION = "precision"
RECALL = "recall"


@dataclass(frozen=True)
class Figures:
    """One epoch's figures, each between 0 and 1. Epochs count as the trainer's steps do."""

    epoch: int
    mean_average_precision: float
    precision: float | None = None
    recall: float | None = None


def by_epoch(history: Iterable[Mapping[str, Any]]) -> dict[int, float]:
    """The finite values of an MLflow metric history by epoch; of several for an epoch the last logged.

    Where a trainer gave no steps, so that all are the same, the order of logging is the epoch.
    """
    points = sorted(
        (
            (int(point.get("timestamp") or 0), int(point.get("step") or 0), _number(point))
            for point in history
        ),
        key=lambda point: point[:2],
    )
    without_steps = len(points) > 1 and len({step for _, step, _ in points}) == 1
    numbered = ((place if without_steps else step, value) for place, (_, step, value) in enumerate(points))
    return {epoch: value for epoch, value in numbered if math.isfinite(value)}


def best_epoch(mean_average_precision: Mapping[int, float]) -> int | None:
    """The first epoch with the highest value: later equal ones only repeat it. None where there is no value."""
    if not mean_average_precision:
        return None
    return max(sorted(mean_average_precision), key=mean_average_precision.__getitem__)


def figures_at(
    epoch: int,
    mean_average_precision: Mapping[int, float],
    precision: Mapping[int, float],
    recall: Mapping[int, float],
) -> Figures:
    """That epoch's figures; precision and recall as last logged up to it, None where never."""
    return Figures(epoch, mean_average_precision[epoch], _as_of(epoch, precision), _as_of(epoch, recall))


def _as_of(epoch: int, values: Mapping[int, float]) -> float | None:
    known = [at for at in values if at <= epoch]
    return values[max(known)] if known else None


def _number(point: Mapping[str, Any]) -> float:
    try:
        return float(point["value"])
    except (KeyError, TypeError, ValueError):
        return math.nan
