"""Ships an approved request ring by ring: queue the edge pipeline, watch the devices, wait, go on.

A ring goes wanted → queueing → queued → rolling → baking → done, or failed. Each transition is committed before the
next effect, and every effect has an id of ours: the ring's correlation id, the deployment's id in IoT Hub. So a step
whose outcome was lost is looked for, and only then taken again.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from commands.deploy.authority import objection
from commands.deploy.command import DEPLOYMENTS
from commands.deploy.messages import shipped_aloud
from commands.deploy.record import change, tell
from commands.deploy.rollback import begin_rollback
from commands.deploy.standing import make_stale
from commands.deploy.truth import Look
from commands.kit.errors import UserError
from commands.kit.policy import Target
from commands.kit.services import Services
from commands.kit.words import duration
from infra.devops.project import Project
from infra.devops.runs import GRACE_SECONDS, ParametersDropped, Run
from infra.failures.stages import explain_run
from infra.http.errors import AzureError, Denied, NotFound, Refused, Throttled, Unclear
from infra.provision.edge.shipment import Shipment
from storage import deployments
from storage.deployments import Deployment

NO_TROUBLE: dict[str, Any] = {"waiting": None, "trouble": None, "tries": 0, "next_try_at": None}


Attempt = Callable[[Deployment, dict[str, Any], Services], Run | None]


def ship(deployment: Deployment, services: Services, look: Look) -> None:
    """One step of an approved or shipping request."""
    if deployment.next_try_at and services.clock.now() < deployment.next_try_at:
        return
    target = services.policy.targets.get(deployment.target)
    if deployment.state == "approved":
        _begin(deployment, services)
        return
    ring = next((each for each in deployment.rings or [] if each["state"] != "done"), None)
    if ring is None:
        _finish(deployment, services, look)
        return
    if ring["state"] in ASKING:
        ASKING[ring["state"]](deployment, ring, services)
    elif ring["state"] in WATCHING:
        WATCHING[ring["state"]](deployment, ring, target, services, look)


def _begin(deployment: Deployment, services: Services) -> None:
    """Start when the target is neither frozen nor busy, and the approvals are in force."""
    if reason := _reason_to_wait(deployment, services):
        _wait(deployment, reason, services)
        return
    against = _objection(deployment, services)
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is None or now.state != "approved":
            return
        if against:
            make_stale(tx, now, against, services)
        elif not _is_busy(tx, now):
            rings = [_ring(now, name) for name in (now.evidence or {})["rings"]]
            change(tx, now, services, action="deploy.ship", state="shipping", rings=rings, **NO_TROUBLE)


def _reason_to_wait(deployment: Deployment, services: Services) -> str | None:
    if frozen := _freeze(deployment, services):
        return f"Approved. {frozen} It is shipped afterwards."
    with services.store.read() as tx:
        busy = _is_busy(tx, deployment)
    return (
        f"Approved. Another rollout on {deployment.target} is under way; this one follows." if busy else None
    )


def _freeze(deployment: Deployment, services: Services) -> str | None:
    target = services.policy.targets.get(deployment.target)
    if target is None or not target.is_frozen(services.clock.now()):
        return None
    return f"{deployment.target} is frozen now ({', '.join(target.freeze)}, {target.time_zone})."


def _wait(deployment: Deployment, reason: str, services: Services) -> None:
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is not None and now.state == deployment.state and now.waiting != reason:
            change(tx, now, services, waiting=reason)


def _is_busy(tx: Connection, deployment: Deployment) -> bool:
    return bool(deployments.in_states(tx, deployments.UNDER_WAY, deployment.target))


def _ring(deployment: Deployment, name: str) -> dict[str, Any]:
    return {"name": name, "state": "wanted", "correlation_id": f"{deployment.request_id}-{name}"}


def _claim(deployment: Deployment, ring: dict[str, Any], services: Services) -> None:
    """Write down that this ring is about to be queued; from now on it is looked for before it is queued again."""
    if frozen := _freeze(deployment, services):
        _wait(deployment, f"{frozen} The ring {ring['name']} follows afterwards.", services)
        return
    at = services.clock.now().isoformat()
    if _change_ring(deployment, ring, services, "deploy.queue", clear=True, state="queueing", queued_at=at):
        with services.store.read() as tx:
            claimed = deployments.get(tx, deployment.id)
        if claimed is not None:
            _queue(claimed, _of(claimed, ring["name"]), services, is_new=True)


def _queue(deployment: Deployment, ring: dict[str, Any], services: Services, *, is_new: bool = False) -> None:
    run = None if is_new else _tried(_found, deployment, ring, services)
    if run is None:
        if not is_new and not _may_try_again(deployment, ring, services):
            return
        if against := _objection(deployment, services):
            _undo(deployment, ring, f"It was not shipped: {against}.", services)
            return
        run = _tried(_start, deployment, ring, services)
    if run is not None:
        found = {"state": "queued", "run_id": run.id, "url": run.web_url}
        _change_ring(deployment, ring, services, "deploy.queued", clear=True, **found)


def _tried(attempt: Attempt, deployment: Deployment, ring: dict[str, Any], services: Services) -> Run | None:
    """What Azure DevOps answers. Where it refuses for good the request is undone; other trouble is told, and raised."""
    try:
        return attempt(deployment, ring, services)
    except ParametersDropped as wrong:
        _devops(services).cancel(wrong.run.id)
        _undo(deployment, ring, f"{wrong.message} Its YAML on the branch is not Spotter's.", services)
    except Denied:
        _later(deployment, "Azure DevOps does not accept Spotter's sign-in.", services)
        raise
    except (Refused, NotFound) as refused:
        _undo(deployment, ring, f"Azure DevOps refused to run the edge pipeline: {refused.message}", services)
    except AzureError as trouble:
        _later(deployment, _in_short(trouble), services)
        raise
    return None


def _objection(deployment: Deployment, services: Services) -> str | None:
    """As `objection`; where that cannot be found out, the card says so and it is asked again later."""
    try:
        return objection(deployment, services)
    except (AzureError, UserError) as trouble:
        who = "Slack" if isinstance(trouble, UserError) else "Azure Machine Learning"
        _later(deployment, f"{who} does not say whether the approvals are still in force.", services)
        raise


def _found(deployment: Deployment, ring: dict[str, Any], services: Services) -> Run | None:
    devops = _devops(services)
    pipeline = devops.pipeline(services.policy.pipelines.edge)
    return devops.find(pipeline, ring["correlation_id"], datetime.fromisoformat(ring["queued_at"]))


def _may_try_again(deployment: Deployment, ring: dict[str, Any], services: Services) -> bool:
    """A run that was asked for a moment ago may not be listed yet. Notes the new try where it is long enough ago."""
    now = services.clock.now()
    tried = datetime.fromisoformat(ring.get("tried_at") or ring["queued_at"])
    if now - tried < timedelta(seconds=GRACE_SECONDS):
        return False
    return _change_ring(deployment, ring, services, None, tried_at=now.isoformat())


def _start(deployment: Deployment, ring: dict[str, Any], services: Services) -> Run:
    parameters = {
        "modelName": deployment.model_name,
        "modelVersion": deployment.model_version,
        "target": deployment.target,
        "ring": ring["name"],
    }
    devops, wanted = _devops(services), services.policy.pipelines
    return devops.queue(devops.pipeline(wanted.edge), wanted.branch, parameters, ring["correlation_id"])


def _observe(deployment: Deployment, ring: dict[str, Any], services: Services) -> None:
    """Follow the pipeline's run to its end; a green one only means that IoT Hub took the deployment."""
    devops = _devops(services)
    try:
        run = devops.run(ring["run_id"])
    except NotFound:
        _undo(
            deployment, ring, f"The edge pipeline's run for {ring['name']} is not there any more.", services
        )
        return
    if not run.has_ended:
        return
    configuration = shipment(deployment, ring["name"], run.id).deployment_id
    if run.result in ("succeeded", "partiallySucceeded"):
        at = services.clock.now().isoformat()
        _change_ring(
            deployment,
            ring,
            services,
            "deploy.applied",
            state="rolling",
            configuration=configuration,
            applied_at=at,
        )
        return
    cause = explain_run(devops.fault(run))
    who = (
        "was canceled in Azure DevOps"
        if run.result == "canceled"
        else f"failed: {cause.cause} {cause.remedy}"
    )
    ring = {**ring, "configuration": configuration}
    _undo(deployment, ring, f"The edge pipeline's run for {ring['name']} {who}".strip(), services)


def _watch(
    deployment: Deployment, ring: dict[str, Any], target: Target | None, services: Services, look: Look
) -> None:
    """Until every device of the ring reports the new model and that it works."""
    now, late = services.clock.now(), _late(target)
    since = datetime.fromisoformat(ring["applied_at"])
    truth = look.truth(ring, deployment.target, now=now, deadline=since + late)
    if problem := _problem(truth, ring, late, now, since):
        _undo(deployment, {**ring, "truth": truth}, problem, services)
    elif truth["targeted"] and truth["healthy"] == truth["targeted"]:
        at = now.isoformat()
        _change_ring(deployment, ring, services, "deploy.healthy", state="baking", healthy_at=at, truth=truth)
    elif truth != ring.get("truth"):
        _change_ring(deployment, ring, services, None, truth=truth)


def _bake(
    deployment: Deployment, ring: dict[str, Any], target: Target | None, services: Services, look: Look
) -> None:
    """Watch a healthy ring for a while before the next one follows; the last one has nothing to wait for."""
    is_last = ring["name"] == (deployment.rings or [])[-1]["name"]
    bake = timedelta(minutes=target.bake_minutes if target and not is_last else 0)
    now, late = services.clock.now(), _late(target)
    baked_at = datetime.fromisoformat(ring["healthy_at"]) + bake
    truth = look.truth(ring, deployment.target, now=now, deadline=baked_at + late)
    if problem := _problem(truth, ring, late, now, baked_at):
        _undo(deployment, {**ring, "truth": truth}, problem, services)
    elif now >= baked_at and truth["targeted"] and truth["healthy"] == truth["targeted"]:
        _change_ring(deployment, ring, services, "deploy.ring_done", state="done", truth=truth)
        services.wake(DEPLOYMENTS)
    elif truth != ring.get("truth"):
        _change_ring(deployment, ring, services, None, truth=truth)


def _late(target: Target | None) -> timedelta:
    return timedelta(
        minutes=target.deadline_minutes if target else Target.model_fields["deadline_minutes"].default
    )


def _problem(
    truth: dict[str, Any], ring: dict[str, Any], late: timedelta, now: datetime, since: datetime
) -> str | None:
    if truth["failed"]:
        return f"{', '.join(truth['failed_ids'])} failed with the new model: {truth['why']}"
    if now < since + late:
        return None
    if not truth["targeted"]:
        return f"No device of the ring {ring['name']} was reached within {duration(late)}."
    if truth["silent"]:
        return f"{', '.join(truth['silent_ids'])} did not report the new model within {duration(late)}."
    return None


def _finish(deployment: Deployment, services: Services, look: Look) -> None:
    """All rings are done. What is of no more use in IoT Hub, which takes a hundred deployments, is withdrawn."""
    for ring in deployment.rings or []:
        there = look.survey.deployment(ring["configuration"])
        for old in look.survey.superseded(there) if there else []:
            look.hub.withdraw(old.id)
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is None or now.state != "shipping":
            return
        done = change(tx, now, services, action="deploy.shipped", state="shipped")
        tell(tx, done, services, "shipped", shipped_aloud(done))


def _undo(deployment: Deployment, ring: dict[str, Any], why: str, services: Services) -> None:
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is None or now.state != "shipping":
            return
        begin_rollback(tx, _with_ring(now, {**ring, "state": "failed"}), why, "spotter", services)
    services.wake(DEPLOYMENTS)


def _change_ring(
    deployment: Deployment,
    ring: dict[str, Any],
    services: Services,
    action: str | None,
    *,
    clear: bool = False,
    **fields: Any,
) -> bool:
    """False where the request is not being shipped any more, or the ring has moved on meanwhile."""
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is None or now.state != "shipping" or _of(now, ring["name"])["state"] != ring["state"]:
            return False
        rings = _with_ring(now, {**_of(now, ring["name"]), **fields}).rings
        cleared: dict[str, Any] = NO_TROUBLE if clear else {}
        details = {"ring": ring["name"], **{k: v for k, v in fields.items() if k not in ("state", "truth")}}
        change(tx, now, services, action=action, details=details, rings=rings, **cleared)
    return True


def _later(deployment: Deployment, trouble: str, services: Services) -> None:
    wait = timedelta(seconds=min(120, 2 * 2 ** min(deployment.tries, 6)))
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is not None and now.state == deployment.state:
            change(
                tx,
                now,
                services,
                trouble=f"{trouble} The approval is kept, and Spotter tries again by itself.",
                tries=now.tries + 1,
                next_try_at=services.clock.now() + wait,
            )


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


def _with_ring(deployment: Deployment, changed: dict[str, Any]) -> Deployment:
    rings = [changed if each["name"] == changed["name"] else each for each in deployment.rings or []]
    return Deployment(**{**vars(deployment), "rings": rings})


def _of(deployment: Deployment, name: str) -> dict[str, Any]:
    return next(each for each in deployment.rings or [] if each["name"] == name)


def _devops(services: Services) -> Project:
    assert services.devops is not None  # noqa: S101  the command refuses to start without one
    return services.devops


def _in_short(trouble: AzureError) -> str:
    if isinstance(trouble, Throttled):
        return "Azure DevOps asks Spotter to slow down."
    if isinstance(trouble, Unclear):
        return "Azure DevOps did not say whether it started the edge pipeline."
    return "Azure DevOps is not answering."


ASKING = {"wanted": _claim, "queueing": _queue, "queued": _observe}
WATCHING = {"rolling": _watch, "baking": _bake}
