"""How far a training is, in the form in which its record keeps it."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from commands.kit.services import Services
from infra.azureml.measures import Measured, Moment
from infra.azureml.progress import Progress, Trial
from infra.training.register.best_epoch import Figures
from infra.training.register.run_tree import TRAIN_STEP
from storage.runs import TrainingRun


def progress_of(run: TrainingRun, services: Services) -> dict[str, Any]:
    """Steps and trials now, asked for this training alone; trials that had ended are not read again."""
    return kept(services.azure.progress(run.id, known(run)), services)


def kept(progress: Progress, services: Services) -> dict[str, Any]:
    return {
        "sweep_id": progress.sweep_id,
        "planned": progress.planned,
        "waits": progress.waiting_run_id,
        "steps": [
            {"name": step.name, "run_id": step.run_id, "status": step.status} for step in progress.steps
        ],
        "node_seconds": _node_seconds(progress),
        "trials": [_trial(trial) for trial in progress.trials],
        "max_trials": progress.planned or services.policy.training.max_trials,
        "max_epochs": services.policy.training.training_parameters.get("number_of_epochs"),
    }


def known(run: TrainingRun) -> Progress:
    """What the record keeps; nothing yet where it was never looked at."""
    progress = run.progress or {}
    trials = tuple(_kept_trial(trial) for trial in progress.get("trials", ()))
    return Progress(
        run.id, trials=trials, sweep_id=progress.get("sweep_id", ""), planned=progress.get("planned")
    )


def _node_seconds(progress: Progress) -> int | None:
    """How long nodes worked for trials and steps so far; None before the first has ended."""
    times = [(trial.started_at, trial.ended_at) for trial in progress.trials]
    times += [(step.started_at, step.ended_at) for step in progress.steps if step.name != TRAIN_STEP]
    spans = [ended - started for started, ended in times if started and ended]
    return round(sum(span.total_seconds() for span in spans)) if spans else None


def _trial(trial: Trial) -> dict[str, Any]:
    figures, last = trial.figures, trial.measured.last
    return {
        "run_id": trial.run_id,
        "number": trial.number,
        "status": trial.status,
        "epochs": trial.epochs,
        "last": [last.step, last.at] if last else None,
        "is_final": trial.is_final,
        "is_empty": trial.is_empty,
        "started_at": trial.started_at.isoformat() if trial.started_at else None,
        "ended_at": trial.ended_at.isoformat() if trial.ended_at else None,
        **(asdict(figures) if figures else {}),
    }


def _kept_trial(trial: dict[str, Any]) -> Trial:
    last = trial.get("last")
    return Trial(
        run_id=trial["run_id"],
        number=trial["number"],
        status=trial["status"],
        measured=Measured(_figures(trial), trial.get("epochs", 0), Moment(*last) if last else None),
        is_final=trial.get("is_final", False),
        is_empty=trial.get("is_empty", False),
        started_at=_moment(trial.get("started_at")),
        ended_at=_moment(trial.get("ended_at")),
    )


def _moment(kept: str | None) -> datetime | None:
    return datetime.fromisoformat(kept) if kept else None


def _figures(trial: dict[str, Any]) -> Figures | None:
    if trial.get("mean_average_precision") is None:
        return None
    return Figures(
        trial["epoch"], trial["mean_average_precision"], trial.get("precision"), trial.get("recall")
    )
