"""Hands a ring to the edge pipeline, once, and follows that run to its end.

Azure DevOps makes two runs of two requests. So that a ring is handed over is committed first, its correlation id
travels with it, and after a lost answer or a crash the run is looked for, and only then asked for again.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from commands.deploy.authority import objection
from commands.deploy.command import DEPLOYMENTS
from commands.deploy.frozen import freeze
from commands.deploy.rings import (
    Ring,
    change_ring,
    gone_for_long,
    has_settled,
    later,
    past_runs,
    ring_of,
    wait,
)
from commands.deploy.rollback import undo
from commands.deploy.standing import files_changed
from commands.deploy.truth import Look
from commands.kit.errors import UserError
from commands.kit.services import Services
from commands.kit.words import listing
from infra.azureml.errors import Unreadable
from infra.devops.project import Project
from infra.devops.runs import ParametersDropped, Run
from infra.failures.stages import explain_run
from infra.http.errors import AzureError, Denied, NotFound, Refused, Throttled, Unclear
from infra.provision.edge.shipment import Shipment
from storage import deployments
from storage.deployments import Deployment

Attempt = Callable[[Deployment, Ring, Services], Run | None]


def claim(deployment: Deployment, ring: Ring, services: Services) -> None:
    """Write down that this ring is about to be queued; from now on it is looked for before it is queued again."""
    if _is_frozen(deployment, ring, services):
        return
    at = services.clock.now().isoformat()
    if change_ring(deployment, ring, services, "deploy.queue", clear=True, state="queueing", queued_at=at):
        with services.store.read() as tx:
            claimed = deployments.get(tx, deployment.id)
        if claimed is not None:
            queue(claimed, ring_of(claimed, ring["name"]), services, is_new=True)


def queue(deployment: Deployment, ring: Ring, services: Services, *, is_new: bool = False) -> None:
    run = None if is_new else _tried(_found, deployment, ring, services)
    if run is None:
        if not is_new and not has_settled(ring, services):
            return
        if _is_frozen(deployment, ring, services):
            return
        if against := known_objection(deployment, services):
            undo(deployment, ring, f"{_so_far(deployment)}: {against}.", services)
            return
        if not is_new and not _tries_again(deployment, ring, services):
            return
        run = _tried(_start, deployment, ring, services)
    if run is not None:
        found = {"state": "queued", "run_id": run.id, "url": run.web_url}
        change_ring(deployment, ring, services, "deploy.queued", clear=True, **found)


def _so_far(deployment: Deployment) -> str:
    done = [each["name"] for each in deployment.rings or [] if each["state"] == "done"]
    return f"It went no further than {listing(done)}" if done else "It was not shipped"


def _tried(attempt: Attempt, deployment: Deployment, ring: Ring, services: Services) -> Run | None:
    """What Azure DevOps answers. Where it refuses for good the request is undone; other trouble is told, and raised."""
    try:
        return attempt(deployment, ring, services)
    except ParametersDropped as wrong:  # the way back cancels the run, and waits for its end
        there = {**ring, "run_id": wrong.run.id, "url": wrong.run.web_url}
        undo(deployment, there, f"{wrong.message} Its YAML on the branch is not Spotter's.", services)
    except Denied:
        later(deployment, "Azure DevOps does not accept Spotter's sign-in.", services)
        raise
    except (Refused, NotFound) as refused:
        undo(deployment, ring, f"Azure DevOps refused to run the edge pipeline: {refused.message}", services)
    except AzureError as trouble:
        later(deployment, _in_short(trouble), services)
        raise
    return None


def known_objection(deployment: Deployment, services: Services) -> str | None:
    """As `objection`; where that cannot be found out, the card says so and it is asked again later."""
    return _known(objection, deployment, services, "whether the approvals are still in force")


def _known(
    ask: Callable[[Deployment, Services], str | None], deployment: Deployment, services: Services, what: str
) -> str | None:
    try:
        return ask(deployment, services)
    except (AzureError, UserError, Unreadable) as trouble:
        who = "Slack does" if isinstance(trouble, UserError) else "Azure Machine Learning does"
        if isinstance(trouble, Unreadable):
            who = f"{trouble.reason.rstrip('.')}. So the model's files do"
        later(deployment, f"{who} not say {what}.", services)
        raise


def _found(deployment: Deployment, ring: Ring, services: Services) -> Run | None:
    devops = _devops(services)
    pipeline = devops.pipeline(services.policy.pipelines.edge)
    run = devops.find(pipeline, ring["correlation_id"], datetime.fromisoformat(ring["queued_at"]))
    if run and run.id in past_runs(ring):
        return None
    if run and (dropped := differing(run, deployment, ring["name"])):
        raise ParametersDropped(run, dropped)
    return run


def _is_frozen(deployment: Deployment, ring: Ring, services: Services) -> bool:
    """Whether the ring has to wait, which the card then says."""
    frozen = freeze(deployment, services)
    if frozen:
        wait(deployment, f"{frozen} The ring {ring['name']} follows afterwards.", services)
    return frozen is not None


def _tries_again(deployment: Deployment, ring: Ring, services: Services) -> bool:
    """Notes the new try, so that its run has its time to turn up as well."""
    return change_ring(deployment, ring, services, None, tried_at=services.clock.now().isoformat())


def _start(deployment: Deployment, ring: Ring, services: Services) -> Run:
    devops, wanted = _devops(services), services.policy.pipelines
    parameters = _parameters(deployment, ring["name"])
    return devops.queue(devops.pipeline(wanted.edge), wanted.branch, parameters, ring["correlation_id"])


def _parameters(deployment: Deployment, ring: str) -> dict[str, str]:
    return {
        "modelName": deployment.model_name,
        "modelVersion": str(deployment.model_version),
        "target": deployment.target,
        "ring": ring,
    }


def differing(run: Run, deployment: Deployment, ring: str) -> tuple[str, ...]:
    """The parameters of a run that are not those with which this ring is shipped."""
    told = run.parameters or {}
    return tuple(name for name, value in _parameters(deployment, ring).items() if told.get(name) != value)


def observe(deployment: Deployment, ring: Ring, services: Services, look: Look) -> None:
    """Follow the pipeline's run to its end; a green one only means that IoT Hub took the deployment."""
    try:
        run = look.edge_run(ring["run_id"])
    except NotFound:
        if gone_for_long(deployment, ring, services):
            gone = f"The edge pipeline's run for {ring['name']} is not there any more."
            undo(deployment, ring, gone, services)
        return
    if ring.get("missing_since"):
        change_ring(deployment, ring, services, None, missing_since=None)
    if not run.has_ended:
        return
    if ring.get("put_off") and run.result != "canceled":
        _puts_off(deployment, ring, run, services)
        return
    configuration = shipment(deployment, ring["name"], run.id).deployment_id
    if run.result in ("succeeded", "partiallySucceeded"):
        _has_shipped(deployment, ring, configuration, services)
        return
    ring = {**ring, "configuration": configuration}
    undo(
        deployment,
        ring,
        f"The edge pipeline's run for {ring['name']} {_end(run, ring, look.devops)}",
        services,
    )


def _has_shipped(deployment: Deployment, ring: Ring, configuration: str, services: Services) -> None:
    """The run took the model's files after its check had let it in, so they are looked at once more."""
    what = "whether what was built are the files that were approved"
    if changed := _known(files_changed, deployment, services, what):
        how = _not_let_in(ring) or f"may have built other files than those that were approved: {changed}."
        ring = {**ring, "configuration": configuration}
        undo(deployment, ring, f"The edge pipeline's run for {ring['name']} {how}", services)
        return
    at = services.clock.now().isoformat()
    shipped = {"state": "rolling", "configuration": configuration, "applied_at": at}
    change_ring(deployment, ring, services, "deploy.applied", clear=True, **shipped)


def _puts_off(deployment: Deployment, ring: Ring, run: Run, services: Services) -> None:
    """The run was not let in for something that passes: the ring waits, and is handed over anew afterwards."""
    gone: dict[str, Any] = dict.fromkeys(("run_id", "url", "queued_at", "tried_at", "refused", "put_off"))
    past = [*past_runs(ring), run.id]
    change_ring(deployment, ring, services, "deploy.put_off", state="wanted", past_runs=past, **gone)
    services.wake(DEPLOYMENTS)


def _end(run: Run, ring: Ring, devops: Project) -> str:
    if run.result == "canceled":
        return "was canceled in Azure DevOps."
    if refused := _not_let_in(ring):
        return refused
    cause = explain_run(devops.fault(run))
    return f"failed: {cause.cause} {cause.remedy}".strip()


def _not_let_in(ring: Ring) -> str:
    return f"was not let in. {ring['refused']}" if ring.get("refused") else ""


def shipment(deployment: Deployment, ring: str, build: int) -> Shipment:
    """As the edge pipeline names it."""
    return Shipment(
        deployment.model_name,
        deployment.model_version,
        deployment.target,
        ring,
        f"{deployment.request_id}-{ring}",
        build,
    )


def _devops(services: Services) -> Project:
    assert services.devops is not None  # noqa: S101  the command refuses to start without one
    return services.devops


def _in_short(trouble: AzureError) -> str:
    if isinstance(trouble, Throttled):
        return "Azure DevOps asks Spotter to slow down."
    if isinstance(trouble, Unclear):
        return "Azure DevOps did not say whether it started the edge pipeline."
    return "Azure DevOps is not answering."
