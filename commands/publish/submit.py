"""Queues a run, once.

Azure DevOps makes two runs of two requests. So after every unclear outcome it is searched for the run with our
correlation id, and only when it surely has none is it asked again.
"""

import structlog

from commands.kit.health import DEVOPS
from commands.kit.services import Services
from commands.kit.trying import next_try
from commands.publish.record import adopt, change, end
from infra.devops.pipelines import Pipeline
from infra.devops.project import Project
from infra.devops.runs import CORRELATION, ParametersDropped
from infra.failures.explain import explain
from infra.http.errors import AzureError, Denied, NotFound, Refused, Throttled, Unclear
from storage.publishes import PublishRun

log = structlog.get_logger("publish")
SUBMIT = "publish"
NO_SIGN_IN = 401


def submit(run: PublishRun, devops: Project, services: Services) -> None:
    """One attempt; where Azure DevOps cannot say yes or no, the next one follows later."""
    now = services.clock.now()
    if run.cancel_by and run.sent_at is None:
        end(run, "canceled", services)
        return
    if run.next_try_at and now < run.next_try_at:
        return
    try:
        pipeline = devops.pipeline(run.pipeline)
        if run.sent_at is not None and not _surely_not_queued(run, pipeline, devops, services):
            return
        _must_take_correlation(run, pipeline, devops)
    except (Undeclared, AzureError) as trouble:
        known = isinstance(trouble, Undeclared | NotFound) and _has_settled(run, services)
        if _is_final(trouble) and (run.sent_at is None or known):
            _give_up(run, trouble, services)
        else:
            _try_later(run, trouble, services)
        return
    if run.cancel_by:
        end(run, "canceled", services)
        return
    _queue(run, pipeline, devops, services)


def _queue(run: PublishRun, pipeline: Pipeline, devops: Project, services: Services) -> None:
    run = change(run, services, state="queueing", sent_at=services.clock.now())
    try:
        there = devops.queue(pipeline, run.branch, {}, run.id)
    except ParametersDropped as dropped:
        log.warning("parameters_dropped", run=run.id, names=dropped.names)
        there = dropped.run
    except AzureError as trouble:
        if _is_final(trouble):
            _give_up(run, trouble, services)
        else:
            _try_later(run, trouble, services)
        return
    services.health.well(DEVOPS, about=SUBMIT)
    adopt(run, there, services)


def _surely_not_queued(run: PublishRun, pipeline: Pipeline, devops: Project, services: Services) -> bool:
    """False where the run is there after all, and is followed from now on, or may still turn up."""
    there = devops.find(pipeline, run.id, run.requested_at)
    if there is not None:
        services.health.well(DEVOPS, about=SUBMIT)
        adopt(run, there, services)
        return False
    return _has_settled(run, services)


def _has_settled(run: PublishRun, services: Services) -> bool:
    """Whether what was sent has had its time to turn up."""
    return run.sent_at is None or services.clock.now() - run.sent_at > services.policy.pace.settling


class Undeclared(Exception):
    """The pipeline's file on this branch does not take the correlation id."""


def _must_take_correlation(run: PublishRun, pipeline: Pipeline, devops: Project) -> None:
    declared = devops.parameters(pipeline, run.branch)
    if declared is not None and CORRELATION not in {parameter.name for parameter in declared}:
        raise Undeclared(
            f"{pipeline.yaml_path.lstrip('/')} on {run.branch} does not declare the parameter {CORRELATION},"
            " by which Spotter knows its run."
        )


def _give_up(run: PublishRun, trouble: Exception, services: Services) -> None:
    services.health.well(DEVOPS, about=SUBMIT)
    end(run, "failed", services, failure=_failure(trouble))


def _try_later(run: PublishRun, trouble: Exception, services: Services) -> None:
    services.health.trouble(DEVOPS, str(trouble), about=SUBMIT)
    log.warning("submit_later", run=run.id, error=str(trouble), tries=run.tries + 1)
    change(
        run,
        services,
        **next_try(run.tries, trouble, services),
        trouble=f"{in_short(trouble)} Your request is kept, and Spotter goes on by itself.",
    )


def _is_final(trouble: Exception) -> bool:
    """Nothing was queued, and nothing will be until a person changes something."""
    if isinstance(trouble, Undeclared | NotFound):
        return True
    return isinstance(trouble, Refused | Denied) and trouble.status != NO_SIGN_IN


def _failure(refused: Exception) -> dict[str, str]:
    if not isinstance(refused, AzureError):
        return {"cause": str(refused), "remedy": "Bring that branch up to date, then publish again."}
    told = explain([refused.message], refused.codes)
    if not told.is_known:
        return {"cause": refused.message, "remedy": "Nothing was started."}
    return {"cause": told.cause, "remedy": told.remedy, "raw": told.raw, "where": "its answer"}


def in_short(trouble: Exception) -> str:
    if isinstance(trouble, Throttled):
        return "Azure DevOps asks Spotter to slow down."
    if isinstance(trouble, Denied):
        return "Azure DevOps does not accept Spotter's sign-in."
    if isinstance(trouble, Unclear):
        return "Azure DevOps gave no clear answer; Spotter looks whether the run was started."
    return "Azure DevOps is not answering."
