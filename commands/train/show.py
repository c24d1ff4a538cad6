"""Puts a run's live message where Slack should show it."""

from sqlalchemy import Connection

from commands.exports import readiness
from commands.kit.failures import log_tail
from commands.kit.services import Services
from commands.train.estimate import cost_of, recorded
from commands.train.messages import Spent, live
from storage import catalog, messages
from storage.runs import TrainingRun


def show_run(tx: Connection, run: TrainingRun, services: Services) -> None:
    """One live message for each run, updated in place; the log of a failure goes into its thread."""
    now = services.clock.now()
    export = catalog.get_export(tx, run.dataset)
    counted = readiness.counted(export) if export else None
    thin = readiness.thin_classes(counted, services.policy.exports) if counted else []
    messages.want(
        tx,
        live_key(run),
        channel=run.channel,
        content=live(run, thin, now, _spent(run, services)).content(),
        at=now,
        urgency=messages.PROGRESS
        if run.state in ("queued", "running") and not run.cancel_by
        else messages.RESULT,
        fallback=run.requested_by,
    )
    tail = log_tail(run.failure)
    if tail is not None:
        messages.want(
            tx,
            f"run:{run.id}:log",
            channel=run.channel,
            content=tail.content(),
            at=now,
            parent_key=live_key(run),
            fallback=run.requested_by,
        )


def _spent(run: TrainingRun, services: Services) -> Spent:
    cost = cost_of(run.node_seconds, run.vm_size, services.policy)
    return Spent(recorded(run.estimate), cost, services.policy.prices.currency)


def live_key(run: TrainingRun) -> str:
    return f"run:{run.id}"
