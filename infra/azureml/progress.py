"""How far a training is: its steps, its trials, and the best figures so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from infra.azureml import runs
from infra.azureml.connection import Connection
from infra.azureml.errors import NotFound, Refused
from infra.azureml.jobs import NOT_STARTED, TERMINAL
from infra.azureml.runs import Run
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


@dataclass(frozen=True)
class Step:
    """A node of the pipeline."""

    name: str
    run_id: str
    status: str
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class Trial:
    """One trial. `number` counts from 1; `figures` are those of its best epoch so far, None before the first;
    `epochs` is how many epochs were measured so far.
    """

    run_id: str
    number: int
    status: str
    params: Mapping[str, str] = field(default_factory=dict)
    figures: Figures | None = None
    epochs: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        return self.status in TERMINAL


@dataclass(frozen=True)
class Progress:
    """A training at one moment. Hand it back for the next look: what cannot change is not read again.

    `planned` is how many trials the sweep may have in all, None where it does not say.
    """

    job_name: str
    steps: tuple[Step, ...] = ()
    trials: tuple[Trial, ...] = ()
    sweep_id: str = ""
    planned: int | None = None

    @property
    def current_step(self) -> Step | None:
        """The first step that has not ended."""
        return next((step for step in self.steps if step.status not in TERMINAL), None)

    @property
    def waiting_run_id(self) -> str:
        """The run whose waiting holds everything up; empty while something runs."""
        waiting = [trial.run_id for trial in self.trials if trial.status in NOT_STARTED]
        if len(waiting) < len(self.trials) - self.trials_ended:
            return ""
        if waiting:
            return waiting[0]
        step = self.current_step
        return step.run_id if step and step.status in NOT_STARTED else ""

    @property
    def trials_ended(self) -> int:
        return sum(trial.has_ended for trial in self.trials)

    @property
    def best(self) -> Trial | None:
        """The trial with the highest mean average precision, the earlier of equals."""
        measured = [trial for trial in self.trials if trial.figures]
        return max(
            measured,
            key=lambda t: (t.figures.mean_average_precision if t.figures else 0, -t.number),
            default=None,
        )


def look(connection: Connection, job_name: str, known: Progress | None = None) -> Progress:
    """Where a training stands. A job that history does not know yet has no steps."""
    known = known if known and known.job_name == job_name else Progress(job_name)
    try:
        tree = runs.tree(connection, job_name, known.sweep_id)
    except NotFound:
        return known
    before = {trial.run_id: trial for trial in known.trials}
    return Progress(
        job_name=job_name,
        steps=tuple(Step(run.name, run.id, run.status, run.started_at, run.ended_at) for run in tree.steps),
        trials=tuple(
            _trial(connection, run, number, before.get(run.id)) for number, run in enumerate(tree.trials, 1)
        ),
        sweep_id=tree.sweep.id if tree.sweep else known.sweep_id,
        planned=_planned(tree.sweep) or known.planned,
    )


def _trial(connection: Connection, run: Run, place: int, before: Trial | None) -> Trial:
    if before and before.has_ended and (before.figures or before.status != "Completed"):
        return before
    waits = run.status in NOT_STARTED
    scores = {} if waits else _history(connection, run.id, MEAN_AVERAGE_PRECISION)
    return Trial(
        run_id=run.id,
        number=place if run.number is None else run.number + 1,
        status=run.status,
        params=run.parameters,
        figures=_figures(connection, run, scores, before.figures if before else None),
        epochs=len(scores),
        started_at=run.started_at,
        ended_at=run.ended_at,
    )


def _planned(sweep: Run | None) -> int | None:
    tags = sweep.tags if sweep else {}
    return whole(tags, "_aml_system_max_total_jobs") or whole(tags, "max_total_jobs")


def _figures(
    connection: Connection, run: Run, scores: Mapping[int, float], before: Figures | None
) -> Figures | None:
    best = best_epoch(scores)
    if best is None:
        return None
    if before and before.epoch == best and before.mean_average_precision == scores[best]:
        return before
    precision = _history(connection, run.id, PRECISION)
    return figures_at(best, scores, precision, _history(connection, run.id, RECALL))


def _history(connection: Connection, run_id: str, metric: str) -> dict[int, float]:
    """A metric by epoch; empty where the run has not logged it."""
    points, token = [], ""
    for _ in range(MOST_PAGES):
        query: dict[str, str | int] = {"run_id": run_id, "metric_key": metric, "max_results": LONGEST_HISTORY}
        if token:
            query["page_token"] = token
        try:
            told = connection.get(connection.mlflow("metrics/get-history"), api="", **query)
        except (NotFound, Refused):
            return {}
        points += [_point(point) for point in sequence(told, "metrics")]
        following = text(told, "next_page_token")
        if not following or following == token:
            return by_epoch(points)
        token = following
    raise endless()


def _point(told: Any) -> dict[str, int | float | None]:
    return {
        "step": whole(told, "step"),
        "value": decimal(told, "value"),
        "timestamp": decimal(told, "timestamp"),
    }
