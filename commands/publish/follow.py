"""Moves every open publish run one step towards its end. May run at any time, twice, or after a crash.

requested → queueing → queued → running → completed → published, or failed, canceled, lost. Queueing is not idempotent
at Azure DevOps: `submit` tells how one click stays one run. From completed on, `verify` looks into the workspace.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache

import structlog

from commands.kit.command import COURIER
from commands.kit.health import DEVOPS
from commands.kit.services import Services
from commands.kit.trying import take_each
from commands.publish.branches import PUBLISHES, known_pipeline
from commands.publish.command import publish
from commands.publish.elsewhere import take_in
from commands.publish.record import change, end, facts_of, gone_for_long
from commands.publish.submit import SUBMIT, in_short, submit
from commands.publish.verify import VERIFY
from commands.publish.watch import failure_of, stages_of, waiting_of
from infra.devops.approvals import Approval
from infra.devops.project import Project
from infra.devops.runs import Run
from infra.http.errors import AzureError, NotFound, Refused
from storage import publishes
from storage.publishes import PublishRun

log = structlog.get_logger("publish")
ASKED, FOLLOWED = ("requested", "queueing"), ("queued", "running")
LOOK_BACK = timedelta(days=1)
CLOCKS_DIFFER = timedelta(hours=1)
WELL = ("succeeded", "partiallySucceeded")


@publish.follow(
    PUBLISHES, every=lambda policy: policy.pace.runs_seconds, service=DEVOPS, hinted=True, rests=True
)
def follow_publishes(services: Services) -> None:
    """One list call serves every run and finds those started elsewhere; one that runs costs another for its stages."""
    devops = services.devops
    if devops is None:
        return
    asked = _open(services, ASKED)
    if not asked:
        services.health.well(DEVOPS, about=SUBMIT)
    try:
        troubles = take_each(lambda run: submit(run, devops, services), asked, log)
        try:
            listed = _listed(devops, services)
        except AzureError as trouble:
            _tell(trouble, services)
            raise
        pending = cache(devops.pending_approvals)
        troubles += take_each(
            lambda run: _observe(run, listed.get(run.run_id or 0), devops, pending, services),
            _open(services, FOLLOWED),
            log,
        )
        if troubles:
            raise troubles[0]
    finally:
        if _open(services, publishes.OPEN) or asked:
            services.wake(COURIER)


def _open(services: Services, states: Sequence[str]) -> list[PublishRun]:
    with services.store.read() as tx:
        return [run for run in publishes.open_runs(tx) if run.state in states]


def _listed(devops: Project, services: Services) -> Mapping[int, Run]:
    """The pipeline's runs of late by number, after those started elsewhere were taken in."""
    now = services.clock.now()
    with services.store.read() as tx:
        pipeline = known_pipeline(tx, services)
        since = min([now - LOOK_BACK, *(_asked(run) for run in publishes.open_runs(tx))])
    if pipeline is None:
        return {}
    listed = {run.id: run for run in devops.runs(pipeline, since - CLOCKS_DIFFER)}
    take_in(pipeline, list(listed.values()), devops, services)
    return listed


def _asked(run: PublishRun) -> datetime:
    return min(run.requested_at, run.queued_at or run.requested_at)


def _tell(trouble: AzureError, services: Services) -> None:
    """A run goes on while nobody can look at it; its message says so, and catches up later."""
    for run in _open(services, FOLLOWED):
        words = f"{in_short(trouble)} The run goes on there, and this message catches up once Spotter can look again."
        change(run, services, trouble=words)


def _observe(
    run: PublishRun,
    there: Run | None,
    devops: Project,
    pending: Callable[[], Sequence[Approval]],
    services: Services,
) -> None:
    there = there or _one(run, devops)
    if there is None:
        if gone_for_long(run, services):
            failure = {
                "cause": "The run is not in Azure DevOps any more: someone deleted it.",
                "remedy": "Publish again if the version is still wanted.",
            }
            end(run, "lost", services, failure=failure)
        return
    if there.has_ended:
        _ended(run, there, devops, services)
        return
    if run.cancel_by and there.status != "cancelling":
        _cancel(run, there, devops, services)
    stages = devops.stages(there.id)
    runs_now = any(stage.state == "inProgress" for stage in stages)  # read later than the run itself
    started = there.started_at or run.started_at or (services.clock.now() if runs_now else None)
    change(
        run,
        services,
        state="running" if started else "queued",
        started_at=started,
        stages=stages_of(stages),
        waiting=waiting_of(stages, pending),
        missing_since=None,
        trouble=None,
        **facts_of(there, run, services),
    )


def _one(run: PublishRun, devops: Project) -> Run | None:
    """A run that the list does not have (yet, or any more)."""
    try:
        return devops.run(run.run_id or 0)
    except NotFound:
        return None


def _ended(run: PublishRun, there: Run, devops: Project, services: Services) -> None:
    facts = {
        **facts_of(there, run, services),
        "started_at": there.started_at or run.started_at,
        "stages": stages_of(devops.stages(there.id)),
    }
    if there.result in WELL:
        ended = {"ended_at": services.clock.now(), "waiting": None, "trouble": None}
        change(run, services, state="completed", version=str(there.id), **{**facts, **ended})
        services.wake(VERIFY)
    elif there.result == "canceled":
        end(run, "canceled", services, **facts)
    else:
        end(run, "failed", services, failure=failure_of(there, devops), **facts)


def _cancel(run: PublishRun, there: Run, devops: Project, services: Services) -> None:
    try:
        devops.cancel(there.id)
    except (Refused, NotFound) as ended:
        log.info("cancel_refused", run=run.id, error=str(ended))
        return
    change(run, services, cancel_sent_at=services.clock.now())
