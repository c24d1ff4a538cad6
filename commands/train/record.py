"""Changes a run's record; its message and its audit row go into the same transaction."""

from typing import Any

from commands.kit.services import Services
from commands.train.show import show_run
from storage import audit, runs
from storage.runs import TrainingRun


def end(run: TrainingRun, state: str, services: Services, **columns: Any) -> None:
    ended = {"ended_at": run.ended_at or services.clock.now(), "waiting": None, "trouble": None}
    change(run, services, action=f"train.{state}", state=state, **{**ended, **columns})


def change(run: TrainingRun, services: Services, *, action: str | None = None, **columns: Any) -> TrainingRun:
    """The run as it is after the change; `action` names what the audit trail says of it. Nothing is written where all
    is as it was."""
    if action is None and all(getattr(run, column) == value for column, value in columns.items()):
        return run
    with services.store.write() as tx:
        run = runs.change(tx, run.id, **columns)
        if action:
            audit.record(
                tx,
                at=services.clock.now(),
                actor="spotter",
                action=action,
                subject=run.id,
                status=run.status,
                failure=(run.failure or {}).get("cause"),
                version=run.registered_version,
            )
        show_run(tx, run, services)
    return run


def gone_for_long(run: TrainingRun, services: Services) -> bool:
    """A job that is missing now and then is not lost: lists lag, and a 404 may be a fault of the moment."""
    now = services.clock.now()
    if run.missing_since is None:
        change(run, services, missing_since=now)
        return False
    return now - run.missing_since > services.policy.pace.settling
