"""Runs of the publish pipeline that Spotter did not start: by a push, a schedule or a hand in Azure DevOps.

At the first look ever, what is there already is taken as known, silently.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from commands.kit.services import Services
from commands.publish.record import adopt, facts_of
from commands.publish.show import show_publish
from infra.devops.pipelines import Pipeline
from infra.devops.project import Project
from infra.devops.runs import Run
from storage import audit, marks, publishes
from storage.publishes import PublishRun

SEEN = "publish.seen"


def take_in(pipeline: Pipeline, listed: Sequence[Run], devops: Project, services: Services) -> None:
    """Give every new run a record and a message: its own where somebody asked for it here and the answer was lost."""
    mark = f"{SEEN}:{pipeline.id}"
    with services.store.read() as tx:
        seen = marks.get(tx, mark)
        known = publishes.known_run_ids(tx, [run.id for run in listed])
    newest = max((run.id for run in listed), default=0)
    if seen is None:
        with services.store.write() as tx:
            marks.put(tx, mark, str(newest), services.clock.now())
        return
    for run in sorted(listed, key=lambda run: run.id):
        if run.id > int(seen) and run.id not in known:
            _take(devops.with_parameters(run), services)
    if newest > int(seen):
        with services.store.write() as tx:
            marks.put(tx, mark, str(newest), services.clock.now())


def _take(there: Run, services: Services) -> None:
    with services.store.read() as tx:
        ours = publishes.get(tx, there.correlation_id) if there.correlation_id else None
    if ours is not None and ours.run_id is None:
        adopt(ours, there, services)
        return
    with services.store.write() as tx:
        run = _record(tx, there, services)
        if publishes.add(tx, run):
            now = services.clock.now()
            audit.record(
                tx,
                at=now,
                actor="spotter",
                action="publish.found",
                subject=run.id,
                run=there.id,
                branch=run.branch,
                commit=run.commit_id,
                started_by=run.requested_by_name,
            )
            show_publish(tx, run, services)


def _record(tx: Connection, there: Run, services: Services) -> PublishRun:
    branch = publishes.get_branch(tx, there.branch)
    same = branch if branch and branch.commit_id == there.commit else None
    return PublishRun(
        id=f"run-{there.id}",
        request_id=f"devops:{there.id}",
        state="queued",
        elsewhere=True,
        pipeline=services.policy.pipelines.publish,
        branch=there.branch,
        requested_by_name=there.requested_by,
        channel=services.policy.channels.models or "",
        requested_at=there.queued_at or services.clock.now(),
        commit_title=same.commit_title if same else None,
        commit_author=same.commit_author if same else None,
        commit_at=same.commit_at if same else None,
        **facts_of(there),
    )
