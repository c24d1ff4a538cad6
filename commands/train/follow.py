"""Moves every open run one step towards its end. May run at any time, twice, or after a crash.

requested → submitting → queued → running → completed → registered, or failed, canceled, lost. The job's name is the
run's id and its PUT creates it once, so a step whose outcome was lost is simply taken again.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from commands.kit.command import COURIER
from commands.kit.health import AZURE
from commands.kit.services import Services
from commands.kit.trying import take_each
from commands.kit.words import duration
from commands.models.follow import FOLLOWER, run_of
from commands.train.command import RUNS, train
from commands.train.kept import progress_of
from commands.train.look import Look
from commands.train.record import change, end, gone_for_long
from commands.train.submit import SUBMIT, submit
from commands.train.watch import failure_of, waiting_of
from infra.azureml.errors import NotFound, Refused
from infra.azureml.jobs import NOT_STARTED, Job
from storage import catalog, runs
from storage.runs import TrainingRun

log = structlog.get_logger("train")
ASKED = ("requested", "submitting")
REGISTER_GRACE = timedelta(minutes=10)
CLOCKS_DIFFER = timedelta(hours=1)
STATES = {"Completed": "completed", "Failed": "failed", "Canceled": "canceled"}


@train.follow(RUNS, every=lambda policy: policy.pace.runs_seconds, hinted=True, rests=True)
def follow_runs(services: Services) -> None:
    """One list call serves every submitted run, and one what is below those of a page; see `Look` for the rest."""
    with services.store.read() as tx:
        open_runs = runs.open_runs(tx)
    asked = [run for run in open_runs if run.state in ASKED]
    submitted = [run for run in open_runs if run.state not in ASKED]
    look = Look(services, open_runs)
    if not asked:
        services.health.well(AZURE, about=SUBMIT)
    try:
        troubles = take_each(lambda run: submit(run, look, services), asked, log)
        if submitted:
            jobs = _jobs(submitted, services)
            look.begin([(run, jobs[run.id]) for run in submitted if _is_under_way(run, jobs)])
            troubles += take_each(lambda run: _observe(run, jobs.get(run.id), look, services), submitted, log)
        if troubles:
            raise troubles[0]
    finally:
        if open_runs:
            services.wake(COURIER)


def _jobs(wanted: list[TrainingRun], services: Services) -> dict[str, Job]:
    """The jobs of these runs: from the list, and one by one where the list does not have them (yet, or any more)."""
    names = {run.id for run in wanted}
    oldest = min(run.requested_at for run in wanted) - CLOCKS_DIFFER
    found: dict[str, Job] = {}
    for job in services.azure.training_jobs():
        if job.name in names:
            found[job.name] = job
        if len(found) == len(names) or (job.created_at and job.created_at < oldest):
            break
    for name in names - found.keys():
        try:
            found[name] = services.azure.job(name)
        except NotFound:
            continue
    return found


def _is_under_way(run: TrainingRun, jobs: dict[str, Job]) -> bool:
    return run.state != "completed" and run.id in jobs and jobs[run.id].status not in STATES


def _observe(run: TrainingRun, job: Job | None, look: Look, services: Services) -> None:
    if run.state == "completed":  # whatever a stale list or a tidy person makes of its job
        _register(run, run.status, services)
        return
    if job is None:
        if not gone_for_long(run, services):
            return
        failure = {
            "cause": "The job is not in Azure any more: someone deleted it.",
            "remedy": "Nothing was registered. Train again if the model is still wanted.",
        }
        end(run, "lost", services, failure=failure)
        return
    if run.cancel_by and not job.has_ended and job.status != "CancelRequested":
        run = _cancel(run, services)
    state = STATES.get(job.status) or ("queued" if job.status in NOT_STARTED else "running")
    if state in ("failed", "canceled"):
        progress = progress_of(run, services)
        reason = failure_of(run, services) if state == "failed" else None
        end(
            run,
            state,
            services,
            progress=progress,
            failure=reason,
            status=job.status,
            node_seconds=_used(progress),
        )
    elif state == "completed":
        _register(run, job.status, services)
    else:
        _go_on(run, job, state, look, services)


def _go_on(run: TrainingRun, job: Job, state: str, look: Look, services: Services) -> None:
    """It waits or runs."""
    progress = look.progress(run, job)
    started = run.started_at or (services.clock.now() if state == "running" else None)
    seen = replace(run, progress=progress, state=state)
    look.note(seen)
    change(
        run,
        services,
        state=state,
        status=job.status,
        studio_url=job.studio_url or run.studio_url,
        progress=progress,
        waiting=waiting_of(seen, job, look, services),
        started_at=started,
        missing_since=None,
        trouble=None,
    )


def _cancel(run: TrainingRun, services: Services) -> TrainingRun:
    try:
        services.azure.cancel(run.id)
    except (Refused, NotFound) as ended:
        log.info("cancel_refused", run=run.id, error=str(ended))
        return run
    return change(run, services, cancel_sent_at=services.clock.now())


def _register(run: TrainingRun, status: str | None, services: Services) -> None:
    """The pipeline has ended well: find the version that it registered."""
    with services.store.read() as tx:
        model = catalog.model_of_run(tx, run.id)
    if model is not None:
        # a run that was not seen while it trained has no figures yet
        progress = run.progress if run.state == "completed" else progress_of(run, services)
        end(
            run,
            "registered",
            services,
            registered_version=model.version,
            status=status,
            progress=progress,
            node_seconds=_used(progress),
        )
        return
    now = services.clock.now()
    if run.state != "completed":
        change(
            run,
            services,
            state="completed",
            status=status,
            ended_at=now,
            progress=progress_of(run, services),
            waiting=None,
        )
    elif run.ended_at and now - run.ended_at > REGISTER_GRACE and not _in_registry(run, services):
        failure = {
            "cause": f"The job ended well, but no model version of it showed up in {duration(REGISTER_GRACE)}.",
            "remedy": "Look at its register step in the studio.",
        }
        end(run, "failed", services, failure=failure)
        return
    services.wake(FOLLOWER)


def _used(progress: dict[str, Any] | None) -> int | None:
    """Seconds that its nodes have worked."""
    return (progress or {}).get("node_seconds")


def _in_registry(run: TrainingRun, services: Services) -> bool:
    """Whether Azure has a version of this run that has only not been read yet, as after a night without Spotter."""
    return any(run_of(version) == run.id for version in services.azure.versions(run.model_name))
