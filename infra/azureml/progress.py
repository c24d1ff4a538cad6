"""How far a training is: its steps, its trials, and the best figures so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from infra.azureml import runs
from infra.azureml.connection import Connection
from infra.azureml.errors import NotFound
from infra.azureml.jobs import NOT_STARTED, TERMINAL
from infra.azureml.measures import Measured, Measures
from infra.azureml.runs import Run, Tree
from infra.http.fields import whole
from infra.training.register.best_epoch import Figures


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
    """One trial. `number` counts from 1; of one that `is_final` nothing is read again; one that
    `is_empty` has ended and was read, and had no figures: they may come late, or never."""

    run_id: str
    number: int
    status: str
    params: Mapping[str, str] = field(default_factory=dict)
    measured: Measured = field(default_factory=Measured)
    is_final: bool = False
    is_empty: bool = False
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        return self.status in TERMINAL

    @property
    def figures(self) -> Figures | None:
        return self.measured.figures

    @property
    def epochs(self) -> int:
        return self.measured.epochs


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
    """Where a training stands, found out for it alone. A job that history does not know yet has no steps."""
    known = known if known and known.job_name == job_name else Progress(job_name)
    try:
        tree = runs.tree(connection, job_name, known.sweep_id)
    except NotFound:
        return known
    return progress_from(tree, known, Measures(connection))


def progress_from(tree: Tree, known: Progress, measures: Measures) -> Progress:
    """Where a training stands, by the runs below its job and what their trials have measured."""
    before = {trial.run_id: trial for trial in known.trials}
    return Progress(
        job_name=known.job_name,
        steps=tuple(Step(run.name, run.id, run.status, run.started_at, run.ended_at) for run in tree.steps),
        trials=tuple(
            _trial(measures, run, number, before.get(run.id)) for number, run in enumerate(tree.trials, 1)
        ),
        sweep_id=tree.sweep.id if tree.sweep else known.sweep_id,
        planned=_planned(tree.sweep) or known.planned,
    )


def _trial(measures: Measures, run: Run, place: int, before: Trial | None) -> Trial:
    if before and before.is_final:
        return before
    has_ended = run.status in TERMINAL
    known = before.measured if before else Measured()
    if run.status in NOT_STARTED:
        measured = known
    else:
        measured = (measures.ended if has_ended else measures.running)(run.id, known)
    was_read = has_ended and measures.is_read(run.id)
    return Trial(
        run_id=run.id,
        number=place if run.number is None else run.number + 1,
        status=run.status,
        params=run.parameters,
        measured=measured,
        # one that ended well has figures, though they may come late
        is_final=was_read and bool(measured.figures or run.status != "Completed"),
        is_empty=not measured.figures and (was_read or bool(before and before.is_empty)),
        started_at=run.started_at,
        ended_at=run.ended_at,
    )


def _planned(sweep: Run | None) -> int | None:
    tags = sweep.tags if sweep else {}
    return whole(tags, "_aml_system_max_total_jobs") or whole(tags, "max_total_jobs")
