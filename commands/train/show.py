"""Puts a run's live message where Slack should show it."""

from sqlalchemy import Connection

from commands.exports import readiness
from commands.kit.services import Services
from commands.train.messages import live, log_tail
from storage import catalog, messages
from storage.runs import TrainingRun

WORTH_A_PING = {"failed", "lost"}


def show_run(tx: Connection, run: TrainingRun, services: Services) -> None:
    """One live message for each run, updated in place; the log of a failure goes into its thread."""
    now = services.clock.now()
    export = catalog.get_export(tx, run.dataset)
    counted = readiness.counted(export) if export else None
    thin = readiness.thin_classes(counted, services.policy.exports) if counted else []
    key = live_key(run)
    card = messages.get(tx, key)
    if card and card.state == "gone" and not run.is_open:
        key = f"{key}:end"  # people deleted the live message, but the end is news of its own
    messages.want(
        tx,
        key,
        channel=run.channel,
        content=live(run, thin, now).content(),
        at=now,
        urgency=messages.PROGRESS
        if run.state in ("queued", "running") and not run.cancel_by
        else messages.RESULT,
        fallback=run.requested_by,
    )
    tail = log_tail(run)
    if tail is not None:
        messages.want(
            tx,
            f"run:{run.id}:log",
            channel=run.channel,
            content=tail.content(),
            at=now,
            parent_key=key,
            fallback=run.requested_by,
        )


def live_key(run: TrainingRun) -> str:
    return f"run:{run.id}"
