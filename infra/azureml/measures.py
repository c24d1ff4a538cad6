"""What trials have measured: the last figures of all that run in one call, and the whole history of one."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.azureml.connection import Connection
from infra.azureml.errors import NotFound, Refused
from infra.http.answers import MOST_PAGES, endless
from infra.http.fields import decimal, sequence, text, whole
from infra.training.register.best_epoch import (
    MEAN_AVERAGE_PRECISION,
    PRECISION,
    RECALL,
    Figures,
    best_epoch,
    by_epoch,
    figures_at,
)

LONGEST_HISTORY = 999  # the service refuses 1000 and more in one answer
RUNS_AT_ONCE = 200
MEASURING = f"attributes.status = 'RUNNING' and metrics.{MEAN_AVERAGE_PRECISION} >= 0"


@dataclass(frozen=True)
class Moment:
    """Which point of a metric was logged last: its step, and when in milliseconds."""

    step: int
    at: int


@dataclass(frozen=True)
class Measured:
    """What one trial has measured so far. `figures` are those of its best epoch, None before the first; `epochs` is how
    many were measured; `last` is None where that is not known."""

    figures: Figures | None = None
    epochs: int = 0
    last: Moment | None = None


Latest = Mapping[str, tuple[Moment, float]]
"""A run's metrics as logged last, by name."""


class Measures:
    """With `latest`, the last figures of all runs that measure, most of what a trial has new needs no call of its own.
    Of the rest only histories `to_read` are read now, all where it is None."""

    def __init__(
        self,
        connection: Connection,
        latest: Mapping[str, Latest] | None = None,
        to_read: Collection[str] | None = None,
    ) -> None:
        self._connection = connection
        self._latest = latest
        self._to_read = to_read

    def running(self, run_id: str, before: Measured) -> Measured:
        """Of a trial at work; `before` is what was known of it."""
        told = self.followed(run_id, before)
        return told or self.ended(run_id, before)

    def ended(self, run_id: str, before: Measured) -> Measured:
        """By its history; as before where that is not to be read now."""
        return self._read(run_id, before) if self.is_read(run_id) else before

    def is_read(self, run_id: str) -> bool:
        return self._to_read is None or run_id in self._to_read

    def followed(self, run_id: str, before: Measured) -> Measured | None:
        """Without a call of its own; None where its history has to tell, as after epochs that nobody saw."""
        if self._latest is None:
            return None
        latest = self._latest.get(run_id, {})
        last, score = latest.get(MEAN_AVERAGE_PRECISION, (before.last, 0.0))
        if last == before.last:
            return before
        if last is None or before.last is None or last.step != before.last.step + 1:
            return None
        best, epochs = before.figures, before.epochs + 1
        if best and best.mean_average_precision >= score:
            return Measured(best, epochs, last)
        figures = self._latest_figures(run_id, last.step, score)
        return Measured(figures, epochs, last) if figures else None

    def epochs_missed(self, run_id: str, before: Measured) -> int:
        """How far behind `before` is, as far as is known."""
        last, _ = (self._latest or {}).get(run_id, {}).get(MEAN_AVERAGE_PRECISION, (before.last, 0.0))
        return last.step - before.last.step if last and before.last else 0

    def _latest_figures(self, run_id: str, epoch: int, score: float) -> Figures | None:
        """None where what was logged last is not all of this epoch, which the step alone does not tell: a trainer may
        log none."""
        latest = (self._latest or {}).get(run_id, {})
        _, newest = latest.get(MEAN_AVERAGE_PRECISION, (None, None))
        if newest != score:
            return None
        others = [latest.get(metric) for metric in (PRECISION, RECALL)]
        values = [told[1] for told in others if told and told[0].step == epoch]
        return Figures(epoch, score, *values) if len(values) == len(others) else None

    def _read(self, run_id: str, before: Measured) -> Measured:
        scores, last = history(self._connection, run_id, MEAN_AVERAGE_PRECISION)
        best = best_epoch(scores)
        if best is None:
            return Measured(None, len(scores), last)
        known = before.figures
        if known and known.epoch == best and known.mean_average_precision == scores[best]:
            return Measured(known, len(scores), last)
        if figures := self._latest_figures(run_id, best, scores[best]):
            return Measured(figures, len(scores), last)
        precision, _ = history(self._connection, run_id, PRECISION)
        recall, _ = history(self._connection, run_id, RECALL)
        return Measured(figures_at(best, scores, precision, recall), len(scores), last)


def latest(connection: Connection, experiment_ids: Iterable[str]) -> dict[str, Latest]:
    """What all runs of these experiments that measure logged last, by run, some hundreds to a call."""
    found: dict[str, Latest] = {}
    body: dict[str, Any] = {
        "experiment_ids": sorted(experiment_ids),
        "filter": MEASURING,
        "max_results": RUNS_AT_ONCE,
    }
    for _ in range(MOST_PAGES):
        told = connection.ask(connection.mlflow("runs/search"), body)
        for run in sequence(told, "runs"):
            found[text(run, "info", "run_id")] = dict(_points(run))
        following = text(told, "next_page_token")
        if not following or following == body.get("page_token"):
            return found
        body["page_token"] = following
    raise endless()


def history(connection: Connection, run_id: str, metric: str) -> tuple[dict[int, float], Moment | None]:
    """A metric by epoch, and its last point; empty where the run has not logged it."""
    points, token = [], ""
    for _ in range(MOST_PAGES):
        query: dict[str, str | int] = {"run_id": run_id, "metric_key": metric, "max_results": LONGEST_HISTORY}
        if token:
            query["page_token"] = token
        try:
            told = connection.get(connection.mlflow("metrics/get-history"), api="", **query)
        except (NotFound, Refused):
            return {}, None
        points += [_point(point) for point in sequence(told, "metrics")]
        following = text(told, "next_page_token")
        if not following or following == token:
            return by_epoch(points), _last(points)
        token = following
    raise endless()


def _points(run: Any) -> Iterable[tuple[str, tuple[Moment, float]]]:
    for told in sequence(run, "data", "metrics"):
        point = _point(told)
        moment = _last([point])
        if moment and point["value"] is not None:
            yield text(told, "key"), (moment, point["value"])


def _last(points: Iterable[Mapping[str, int | float | None]]) -> Moment | None:
    moments = [(int(point["timestamp"] or 0), int(point["step"] or 0)) for point in points]
    return Moment(max(moments)[1], max(moments)[0]) if moments else None


def _point(told: Any) -> dict[str, int | float | None]:
    return {
        "step": whole(told, "step"),
        "value": decimal(told, "value"),
        "timestamp": decimal(told, "timestamp"),
    }
