"""Hands a request to Azure, once: the job's name is the run's id, and its PUT creates it."""

import structlog

from commands.kit.health import AZURE
from commands.kit.services import Services
from commands.kit.trying import next_try
from commands.train.look import Look
from commands.train.record import change, end, gone_for_long
from infra.azureml.errors import AzureError, Denied, NameTaken, NotFound, Refused, Throttled
from infra.azureml.jobs import Job, Training
from infra.azureml.names import MODEL_NAME, MODEL_VERSION
from infra.failures.explain import explain
from infra.training.component import graph, needed_component
from storage import devices
from storage.runs import TrainingRun

log = structlog.get_logger("train")
SUBMIT = "submit"
IN_USE = 3
NO_SIGN_IN = 401


def submit(run: TrainingRun, look: Look, services: Services) -> None:
    """One attempt; where Azure cannot say yes or no, the next one follows later."""
    now = services.clock.now()
    if run.next_try_at and now < run.next_try_at:
        return
    if run.cancel_by and _found(run, services) is None:
        if run.state == "requested" or gone_for_long(run, services):
            end(run, "canceled", services)
        return
    run = change(run, services, state="submitting")
    try:
        job = services.azure.submit(_training(run, look, services))
    except (NotPublished, AzureError) as trouble:
        if not _is_final(trouble):
            _try_later(run, trouble, services)
            return
        made = _found(run, services)
        if made is None:
            end(run, "failed", services, failure=_failure(trouble))
            return
        job = made
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


def _is_final(trouble: Exception) -> bool:
    if isinstance(trouble, NotPublished | NameTaken):
        return True
    return isinstance(trouble, Refused | Denied) and trouble.status != NO_SIGN_IN


def _failure(refused: Exception) -> dict[str, str]:
    if isinstance(refused, NotPublished):
        remedy = "Publish it with /publish, then train again."
        return {"cause": str(refused), "remedy": remedy}
    if isinstance(refused, NameTaken):
        return {"cause": refused.message, "remedy": "Train again: the new job gets another name."}
    assert isinstance(refused, AzureError)  # noqa: S101  nothing else is final
    told = explain([refused.message], refused.codes)
    raw = told.raw if told.is_known else ""
    return {"cause": told.cause, "remedy": told.remedy, "raw": raw, "where": "Azure"}


def _found(run: TrainingRun, services: Services) -> Job | None:
    """The job that an earlier attempt made after all."""
    if run.state == "requested":
        return None
    try:
        job = services.azure.job(run.id)
    except NotFound:
        return None
    return job if job.request_id == run.request_id else None


class NotPublished(Exception):
    """There is no training pipeline in the workspace."""


def _training(run: TrainingRun, look: Look, services: Services) -> Training:
    definition = services.policy.training
    inline = definition.submit_as == "inline"
    name = needed_component(definition)
    published = look.published(name)
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
        compared_with=in_use(services),
        component=None if inline else published,
        graph=graph(definition, published.id) if inline else None,
        display_name=f"{run.model_name} on {run.dataset}",
    )


def in_use(services: Services) -> list[str]:
    """The model versions that devices run, which the new one may be asked to replace; the most used first.

    A device may say anything, and this becomes part of a command line on the cluster: names and numbers only."""
    with services.store.read() as tx:
        shares = sorted(devices.shares(tx), key=lambda share: -share.devices)
    told = [each for each in shares if MODEL_NAME.allows(each.model) and MODEL_VERSION.allows(each.version)]
    return list(dict.fromkeys(f"{share.model}:{share.version}" for share in told))[:IN_USE]


def _try_later(run: TrainingRun, trouble: Exception, services: Services) -> None:
    services.health.trouble(AZURE, str(trouble), about=SUBMIT)
    log.warning("submit_later", run=run.id, error=str(trouble), tries=run.tries + 1)
    change(
        run,
        services,
        **next_try(run.tries, trouble, services),
        trouble=f"{_in_short(trouble)} Your request is kept, and Spotter tries again by itself.",
    )


def _in_short(trouble: Exception) -> str:
    if isinstance(trouble, Throttled):
        return "Azure asks Spotter to slow down."
    if isinstance(trouble, Denied):
        return "Azure does not accept Spotter's sign-in."
    return "Azure is not answering."
