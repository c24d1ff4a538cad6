"""Moves every open run one step towards its end. May run at any time, twice, or after a crash.

requested → submitting → queued → running → completed → registered, or failed, canceled, lost. The job's name is the
run's id and its PUT creates it once, so a step whose outcome was lost is simply taken again.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from commands.kit.command import COURIER
from commands.kit.health import AZURE
from commands.kit.services import Services
from commands.kit.words import duration
from commands.models.follow import FOLLOWER, run_of
from commands.train.command import RUNS, train
from commands.train.show import show_run
from commands.train.watch import failure_of, progress_of, waiting_of
from infra.azureml.errors import AzureError, Denied, NameTaken, NotFound, Refused, Throttled
from infra.azureml.jobs import NOT_STARTED, Job, Training
from infra.failures.explain import explain
from infra.training.component import graph, register_component_name
from storage import audit, catalog, runs
from storage.runs import TrainingRun

log = structlog.get_logger("train")
SUBMIT = "submit"
ASKED = ("requested", "submitting")
SHORTEST, LONGEST = timedelta(seconds=2), timedelta(minutes=2)
REGISTER_GRACE = timedelta(minutes=10)
CLOCKS_DIFFER = timedelta(hours=1)
SETTLING_POLLS = 4
NO_SIGN_IN = 401
STATES = {"Completed": "completed", "Failed": "failed", "Canceled": "canceled"}


@train.follow(RUNS, every=lambda policy: policy.pace.runs_seconds)
def follow_runs(services: Services) -> None:
    """One list call serves every submitted run; a running one costs a few more for its trials."""
    with services.store.read() as tx:
        open_runs = runs.open_runs(tx)
    asked = [run for run in open_runs if run.state in ASKED]
    submitted = [run for run in open_runs if run.state not in ASKED]
    if not asked:
        services.health.well(AZURE, about=SUBMIT)
    try:
        troubles = _each(lambda run: _submit(run, services), asked)
        if submitted:
            jobs = _jobs(submitted, services)
            troubles += _each(lambda run: _observe(run, jobs.get(run.id), services), submitted)
        if troubles:
            raise troubles[0]
    finally:
        if open_runs:
            services.wake(COURIER)


def _each(step: Callable[[TrainingRun], None], open_runs: list[TrainingRun]) -> list[Exception]:
    """Take the step for every run: trouble with one keeps no other waiting. Returns the troubles."""
    troubles: list[Exception] = []
    for run in open_runs:
        try:
            step(run)
        except Exception as trouble:
            known = isinstance(trouble, AzureError)
            log.warning("run_step_failed", run=run.id, error=str(trouble), exc_info=not known)
            troubles.append(trouble)
    return troubles


def _submit(run: TrainingRun, services: Services) -> None:
    now = services.clock.now()
    if run.next_try_at and now < run.next_try_at:
        return
    if run.cancel_by and not _made(run, services):
        _end(run, "canceled", services)
        return
    run = _change(run, services, state="submitting")
    try:
        job = services.azure.submit(_training(run, services))
    except NameTaken as taken:
        failure = {"cause": taken.message, "remedy": "Train again: the new job gets another name."}
        _end(run, "failed", services, failure=failure)
        return
    except (Refused, Denied) as refused:
        if refused.status == NO_SIGN_IN:
            _try_later(run, refused, services)
            return
        told = explain([refused.message], refused.codes)
        raw = told.raw if told.is_known else ""
        failure = {"cause": told.cause, "remedy": told.remedy, "raw": raw, "where": "Azure"}
        _end(run, "failed", services, failure=failure)
        return
    except NotPublished as missing:
        failure = {
            "cause": str(missing),
            "remedy": "Publish it with spotter publish-pipeline, then train again.",
        }
        _end(run, "failed", services, failure=failure)
        return
    except AzureError as trouble:
        _try_later(run, trouble, services)
        return
    services.health.well(AZURE, about=SUBMIT)
    _change(
        run,
        services,
        action="train.submit",
        state="queued",
        status=job.status,
        studio_url=job.studio_url or None,
        submitted_at=services.clock.now(),
        trouble=None,
        tries=0,
        next_try_at=None,
    )


def _made(run: TrainingRun, services: Services) -> bool:
    """Whether an earlier attempt made the job after all."""
    if run.state == "requested":
        return False
    try:
        services.azure.job(run.id)
    except NotFound:
        return False
    return True


class NotPublished(Exception):
    """There is no training pipeline in the workspace."""


def _training(run: TrainingRun, services: Services) -> Training:
    definition = services.policy.training
    inline = definition.submit_as == "inline"
    name = register_component_name(definition) if inline else definition.component
    published = services.azure.published(name)
    if published is None:
        raise NotPublished(f"The training pipeline ({name}) is not published in this workspace.")
    return Training(
        name=run.id,
        request_id=run.request_id,
        model_name=run.model_name,
        export_name=run.dataset,
        export_version=run.dataset_version,
        cluster=run.cluster,
        experiment=run.experiment,
        requested_by=run.requested_by_name,
        component=None if inline else published,
        graph=graph(definition, published.id) if inline else None,
        display_name=f"{run.model_name} on {run.dataset}",
    )


def _try_later(run: TrainingRun, trouble: AzureError, services: Services) -> None:
    wait = min(LONGEST, SHORTEST * 2 ** min(run.tries, 10))
    if isinstance(trouble, Throttled):
        wait = max(wait, timedelta(seconds=trouble.retry_after))
    services.health.trouble(AZURE, str(trouble), about=SUBMIT)
    log.warning("submit_later", run=run.id, error=str(trouble), tries=run.tries + 1)
    _change(
        run,
        services,
        tries=run.tries + 1,
        next_try_at=services.clock.now() + wait,
        trouble=f"{_in_short(trouble)} Your request is kept, and Spotter tries again by itself.",
    )


def _in_short(trouble: AzureError) -> str:
    if isinstance(trouble, Throttled):
        return "Azure asks Spotter to slow down."
    if isinstance(trouble, Denied):
        return "Azure does not accept Spotter's sign-in."
    return "Azure is not answering."


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


def _observe(run: TrainingRun, job: Job | None, services: Services) -> None:
    if run.state == "completed":  # whatever a stale list or a tidy person makes of its job
        _register(run, run.status, services)
        return
    if job is None:
        if not _gone_for_long(run, services):
            return
        failure = {
            "cause": "The job is not in Azure any more: someone deleted it.",
            "remedy": "Nothing was registered. Train again if the model is still wanted.",
        }
        _end(run, "lost", services, failure=failure)
        return
    if run.cancel_by and not job.has_ended and job.status != "CancelRequested":
        run = _cancel(run, services)
    state = STATES.get(job.status) or ("queued" if job.status in NOT_STARTED else "running")
    if state == "failed":
        _end(
            run,
            "failed",
            services,
            progress=progress_of(run, services),
            failure=failure_of(run, services),
            status=job.status,
        )
    elif state == "canceled":
        _end(run, "canceled", services, status=job.status)
    elif state == "completed":
        _register(run, job.status, services)
    else:
        progress = progress_of(run, services)
        started = run.started_at or (services.clock.now() if state == "running" else None)
        seen = replace(run, progress=progress, state=state)
        _change(
            run,
            services,
            state=state,
            status=job.status,
            studio_url=job.studio_url or run.studio_url,
            progress=progress,
            waiting=waiting_of(seen, job, services),
            started_at=started,
            missing_since=None,
            trouble=None,
        )


def _gone_for_long(run: TrainingRun, services: Services) -> bool:
    """A job that is missing now and then is not lost: lists lag, and a 404 may be a fault of the moment."""
    now = services.clock.now()
    if run.missing_since is None:
        _change(run, services, missing_since=now)
        return False
    return now - run.missing_since > timedelta(seconds=SETTLING_POLLS * services.policy.pace.runs_seconds)


def _cancel(run: TrainingRun, services: Services) -> TrainingRun:
    try:
        services.azure.cancel(run.id)
    except (Refused, NotFound) as ended:
        log.info("cancel_refused", run=run.id, error=str(ended))
        return run
    return _change(run, services, cancel_sent_at=services.clock.now())


def _register(run: TrainingRun, status: str | None, services: Services) -> None:
    """The pipeline has ended well: find the version that it registered."""
    with services.store.read() as tx:
        model = catalog.model_of_run(tx, run.id)
    if model is not None:
        _end(run, "registered", services, registered_version=model.version, status=status)
        return
    now = services.clock.now()
    if run.state != "completed":
        _change(
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
        _end(run, "failed", services, failure=failure)
        return
    services.wake(FOLLOWER)


def _in_registry(run: TrainingRun, services: Services) -> bool:
    """Whether Azure has a version of this run that has only not been read yet, as after a night without Spotter."""
    return any(run_of(version) == run.id for version in services.azure.versions(run.model_name))


def _end(run: TrainingRun, state: str, services: Services, **columns: Any) -> None:
    ended = {"ended_at": run.ended_at or services.clock.now(), "waiting": None, "trouble": None}
    _change(run, services, action=f"train.{state}", state=state, **{**ended, **columns})


def _change(
    run: TrainingRun, services: Services, *, action: str | None = None, **columns: Any
) -> TrainingRun:
    """Change the record; its message and its audit row go into the same transaction."""
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
