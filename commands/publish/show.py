"""Puts the live message of a publish run where Slack should show it."""

from sqlalchemy import Connection

from commands.kit.failures import log_tail
from commands.kit.services import Services
from commands.publish.messages import live
from commands.train.command import NOT_PUBLISHED, PUBLISHED
from storage import marks, messages
from storage.publishes import PublishRun


def show_publish(tx: Connection, run: PublishRun, services: Services) -> None:
    """One live message for each run, updated in place; the log of a failure goes into its thread."""
    if not run.channel:
        return
    now = services.clock.now()
    quiet = run.state in ("queued", "running", "completed") and not run.cancel_by
    messages.want(
        tx,
        live_key(run),
        channel=run.channel,
        content=live(run, used_version(tx)).content(),
        at=now,
        urgency=messages.PROGRESS if quiet else messages.RESULT,
        fallback=run.requested_by,
    )
    tail = log_tail(run.failure)
    if tail is not None:
        messages.want(
            tx,
            f"publish:{run.id}:log",
            channel=run.channel,
            content=tail.content(),
            at=now,
            parent_key=live_key(run),
            fallback=run.requested_by,
        )


def live_key(run: PublishRun) -> str:
    return f"publish:{run.id}"


def used_version(tx: Connection) -> str | None:
    """The version that trainings use, None where nothing is published or known to be."""
    version = marks.get(tx, PUBLISHED)
    return None if version == NOT_PUBLISHED else version
