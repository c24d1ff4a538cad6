"""Runs of the publish pipeline that Spotter did not start: by a push, a schedule or a hand in Azure DevOps.

At the first look ever, what is there already is taken as known, silently.
"""

from collections.abc import Sequence
from dataclasses import replace

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
    run = _record(there, services)
    with services.store.write() as tx:
        if publishes.add(tx, run):
            audit.record(
                tx,
                at=services.clock.now(),
                actor="spotter",
                action="publish.found",
                subject=run.id,
                run=there.id,
                branch=run.branch,
                commit=run.commit_id,
                started_by=run.requested_by_name,
            )
            show_publish(tx, run, services)


def _record(there: Run, services: Services) -> PublishRun:
    run = PublishRun(
        id=f"run-{there.id}",
        request_id=f"devops:{there.id}",
        state="queued",
        elsewhere=True,
        pipeline=services.policy.pipelines.publish,
        branch=there.branch,
        requested_by_name=there.requested_by,
        channel=services.policy.channels.models or "",
        requested_at=there.queued_at or services.clock.now(),
    )
    return replace(run, **facts_of(there, run, services))
