"""The command: what would be published is shown first; the click that follows is what starts it."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection

from commands.kit.blocks import note
from commands.kit.command import COURIER, Answer, Asked, Command, OpenForm, Reply, choice
from commands.kit.errors import UserError
from commands.kit.health import DEVOPS
from commands.kit.services import Services
from commands.kit.words import esc
from commands.publish.branches import (
    BRANCHES,
    PUBLISHES,
    branches_newest_first,
    follow_branches,
    must_be_publishable,
)
from commands.publish.confirm import confirmation
from commands.publish.show import show_publish
from storage import audit, publishes
from storage.publishes import BranchRow, PublishRun


@dataclass(frozen=True)
class PublishArgs:
    branch: str = choice(
        "Branch", hint="Its newest commit is published", from_=branches_newest_first, default=""
    )


publish = Command(
    "/publish",
    PublishArgs,
    role="publish",
    summary="Publish the training pipeline from a branch",
    title="Publish a branch",
    submit="Look at it",
)
publish.follow(BRANCHES, every=lambda policy: policy.pace.catalog_seconds, service=DEVOPS, rests=True)(
    follow_branches
)


@publish.check
def branch_is_there(args: PublishArgs, services: Services) -> None:
    must_be_publishable(args.branch or services.policy.pipelines.branch, services)


@publish.run
def show(args: PublishArgs, asked: Asked, services: Services) -> Reply:
    branch = args.branch or services.policy.pipelines.branch
    return Reply(confirmation(branch, must_be_publishable(branch, services), services))


@publish.action("other")
def choose_another(_value: str, asked: Asked, services: Services) -> Answer:
    services.wake(BRANCHES)
    return OpenForm(publish, {})


@publish.action("again")
def publish_again(publish_id: str, asked: Asked, services: Services) -> Answer:
    """Shows what is there now: that may be more than what failed."""
    with services.store.read() as tx:
        run = publishes.get(tx, publish_id)
    if run is None:
        raise UserError("That run is not in Spotter's records any more.", "Type /publish to start a new one.")
    return show(PublishArgs(run.branch), asked, services)


@publish.action("start", changes=True)
def start(commit_and_branch: str, asked: Asked, services: Services) -> Answer:
    """Commit the intent, its audit row and the live message; the follower queues the run."""
    commit_id, _, branch = commit_and_branch.partition(" ")
    request_id = hashlib.sha256(asked.key.encode()).hexdigest()[:16]
    row = must_be_publishable(branch, services)
    with services.store.write() as tx:
        if publishes.by_request(tx, request_id) is not None:
            return Reply(note("You have started this already; its message tells how it goes."))
        if row is not None and row.commit_id != commit_id:
            return Reply(confirmation(branch, row, services, moved=True))
        _must_not_run_already(tx, branch, row)
        run = _wish(branch, row, request_id, asked, services)
        publishes.add(tx, run)
        audit.record(
            tx,
            at=run.requested_at,
            actor=asked.person.id,
            action="publish.request",
            subject=run.id,
            branch=run.branch,
            commit=run.commit_id,
            pipeline=run.pipeline,
        )
        show_publish(tx, run, services)
    services.wake(COURIER)
    services.wake(PUBLISHES)
    return None


def _wish(
    branch: str, row: BranchRow | None, request_id: str, asked: Asked, services: Services
) -> PublishRun:
    now = services.clock.now()
    return PublishRun(
        id=f"{now:%Y%m%d}-{request_id[:6]}",
        request_id=request_id,
        state="requested",
        elsewhere=False,
        pipeline=services.policy.pipelines.publish,
        branch=branch,
        commit_id=row.commit_id if row else None,
        commit_title=row.commit_title if row else None,
        commit_author=row.commit_author if row else None,
        commit_at=row.commit_at if row else None,
        requested_by=asked.person.id,
        requested_by_name=asked.person.name,
        channel=asked.channel,
        requested_at=now,
    )


def _must_not_run_already(tx: Connection, branch: str, row: BranchRow | None) -> None:
    """Two people who click at the same time want one version, not two."""
    commit = row.commit_id if row else None
    for run in publishes.open_runs(tx):
        if run.branch == branch and run.commit_id == commit and not run.cancel_by:
            raise UserError(
                f"{esc(run.requested_by_name)} is publishing this very commit of {esc(branch)} already.",
                "Its message tells how it goes; /runs shows it too.",
            )


@publish.action("cancel", changes=True)
def cancel(publish_id: str, asked: Asked, services: Services) -> Answer:
    """Commit the wish; the follower asks Azure DevOps, and asks again until the run has ended."""
    with services.store.write() as tx:
        run = publishes.get(tx, publish_id)
        if run is None:
            raise UserError("That run is not in Spotter's records any more.", "/runs shows the others.")
        if not run.is_open or run.state == "completed":
            ended = "its pipeline has ended" if run.is_open else f"it is {run.state}"
            raise UserError(
                f"Publishing {esc(run.branch)} does not run any more: {ended}.", "There is nothing to cancel."
            )
        if run.cancel_by:
            raise UserError(
                f"{esc(run.cancel_by)} has canceled it already.",
                "It stops as soon as Azure DevOps has ended it.",
            )
        run = publishes.change(tx, publish_id, cancel_by=asked.person.name)
        audit.record(
            tx,
            at=services.clock.now(),
            actor=asked.person.id,
            action="publish.cancel",
            subject=publish_id,
        )
        show_publish(tx, run, services)
    services.wake(COURIER)
    services.wake(PUBLISHES)
    return None
