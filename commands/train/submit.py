"""Hands a request to Azure, once: the job's name is the run's id, and its PUT creates it."""

from datetime import timedelta

import structlog

from commands.kit.health import AZURE
from commands.kit.services import Services
from commands.train.record import change, end
from infra.azureml.errors import AzureError, Denied, NameTaken, NotFound, Refused, Throttled
from infra.azureml.jobs import Training
from infra.failures.explain import explain
from infra.training.component import graph, register_component_name
from storage.runs import TrainingRun

log = structlog.get_logger("train")
SUBMIT = "submit"
SHORTEST, LONGEST = timedelta(seconds=2), timedelta(minutes=2)
NO_SIGN_IN = 401


def submit(run: TrainingRun, services: Services) -> None:
    """One attempt; where Azure cannot say yes or no, the next one follows later."""
    now = services.clock.now()
    if run.next_try_at and now < run.next_try_at:
        return
    if run.cancel_by and not _made(run, services):
        end(run, "canceled", services)
        return
    run = change(run, services, state="submitting")
    try:
        job = services.azure.submit(_training(run, services))
    except NotPublished as missing:
        remedy = "Publish it with spotter publish-pipeline, then train again."
        end(run, "failed", services, failure={"cause": str(missing), "remedy": remedy})
        return
    except AzureError as trouble:
        if isinstance(trouble, NameTaken | Refused | Denied) and trouble.status != NO_SIGN_IN:
            end(run, "failed", services, failure=_failure(trouble))
        else:
            _try_later(run, trouble, services)
        return
    services.health.well(AZURE, about=SUBMIT)
    change(
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


def _failure(refused: AzureError) -> dict[str, str]:
    if isinstance(refused, NameTaken):
        return {"cause": refused.message, "remedy": "Train again: the new job gets another name."}
    told = explain([refused.message], refused.codes)
    raw = told.raw if told.is_known else ""
    return {"cause": told.cause, "remedy": told.remedy, "raw": raw, "where": "Azure"}


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
    change(
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
