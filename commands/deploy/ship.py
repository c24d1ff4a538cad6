"""Ships an approved request ring by ring: queue the edge pipeline, watch the devices, wait, go on.

A ring goes wanted → queueing → queued → rolling → baking → done, or failed. Each transition is committed before the
next effect, and every effect has an id of ours: the ring's correlation id, the deployment's id in IoT Hub. So a step
whose outcome was lost is looked for, and only then taken again.
"""

from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from commands.deploy.authority import objection
from commands.deploy.command import DEPLOYMENTS
from commands.deploy.messages import shipped_aloud
from commands.deploy.record import change, tell
from commands.deploy.rollback import begin_rollback
from commands.deploy.standing import make_stale
from commands.deploy.truth import Look
from commands.kit.policy import Target
from commands.kit.services import Services
from commands.kit.words import duration
from infra.devops.pipelines import Pipeline
from infra.devops.project import Project
from infra.devops.runs import GRACE_SECONDS, ParametersDropped, Run
from infra.failures.stages import explain_run
from infra.http.errors import AzureError, Denied, NotFound, Refused, Throttled, Unclear
from infra.provision.edge.shipment import Shipment
from storage import deployments
from storage.deployments import Deployment

log = structlog.get_logger("deploy")
UNDER_WAY = ("shipping", "rolling_back")


def ship(deployment: Deployment, services: Services, look: Look) -> None:
    """One step of an approved or shipping request."""
    target = services.policy.targets.get(deployment.target)
    if deployment.state == "approved":
        _begin(deployment, target, services)
        return
    ring = next((each for each in deployment.rings or [] if each["state"] != "done"), None)
    if ring is None:
        _finish(deployment, services, look)
        return
    if ring["state"] in ASKING:
        ASKING[ring["state"]](deployment, ring, services)
    elif ring["state"] in WATCHING:
        WATCHING[ring["state"]](deployment, ring, target, services, look)


def _begin(deployment: Deployment, target: Target | None, services: Services) -> None:
    """Start when the target is neither frozen nor busy, and the approvals are in force."""
    reason = _reason_to_wait(deployment, target, services)
    against = None if reason else objection(deployment, services)
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is None or now.state != "approved":
            return
        if against:
            make_stale(tx, now, against, services)
        elif reason:
            if now.waiting != reason:
                change(tx, now, services, waiting=reason)
        elif not _is_busy(tx, now):
            rings = [_ring(now, name) for name in (now.evidence or {})["rings"]]
            change(tx, now, services, action="deploy.ship", state="shipping", waiting=None, rings=rings)


def _reason_to_wait(deployment: Deployment, target: Target | None, services: Services) -> str | None:
    if target is not None and target.is_frozen(services.clock.now()):
        return f"Approved. {deployment.target} is frozen now ({', '.join(target.freeze)}); it is shipped afterwards."
    with services.store.read() as tx:
        busy = _is_busy(tx, deployment)
    return (
        f"Approved. Another rollout on {deployment.target} is under way; this one follows." if busy else None
    )


def _is_busy(tx: Connection, deployment: Deployment) -> bool:
    return bool(deployments.in_states(tx, UNDER_WAY, deployment.target))


def _ring(deployment: Deployment, name: str) -> dict[str, Any]:
    return {"name": name, "state": "wanted", "correlation_id": f"{deployment.request_id}-{name}"}


def _claim(deployment: Deployment, ring: dict[str, Any], services: Services) -> None:
    """Write down that this ring is about to be queued; from now on it is looked for before it is queued again."""
    at = services.clock.now().isoformat()
    if _change_ring(deployment, ring, services, "deploy.queue", state="queueing", queued_at=at):
        with services.store.read() as tx:
            claimed = deployments.get(tx, deployment.id)
        if claimed is not None:
            _queue(claimed, _of(claimed, ring["name"]), services, is_new=True)


def _queue(deployment: Deployment, ring: dict[str, Any], services: Services, *, is_new: bool = False) -> None:
    if deployment.next_try_at and services.clock.now() < deployment.next_try_at:
        return
    devops = _devops(services)
    try:
        pipeline = devops.pipeline(services.policy.pipelines.edge)
        asked_at = datetime.fromisoformat(ring["queued_at"])
        run = None if is_new else devops.find(pipeline, ring["correlation_id"], asked_at)
        if run is None:
            if not is_new and not _may_try_again(deployment, ring, services):
                return
            if against := objection(deployment, services):
                _undo(deployment, ring, f"It was not shipped: {against}.", services)
                return
            run = _start(devops, pipeline, deployment, ring, services)
    except ParametersDropped as wrong:
        devops.cancel(wrong.run.id)
        _undo(deployment, ring, f"{wrong.message} Its YAML on the branch is not Spotter's.", services)
        return
    except (Refused, Denied, NotFound) as refused:
        if isinstance(refused, Denied):
            _later(deployment, "Azure DevOps does not accept Spotter's sign-in.", services)
            raise
        _undo(deployment, ring, f"Azure DevOps refused to run the edge pipeline: {refused.message}", services)
        return
    except (Unclear, Throttled) as unclear:
        _later(deployment, _in_short(unclear), services)
        raise
    except AzureError as trouble:
        _later(deployment, "Azure is not answering.", services)
        raise trouble
    _change_ring(
        deployment,
        ring,
        services,
        "deploy.queued",
        state="queued",
        run_id=run.id,
        url=run.web_url,
        clear=True,
    )


def _may_try_again(deployment: Deployment, ring: dict[str, Any], services: Services) -> bool:
    """A run that was asked for a moment ago may not be listed yet. Notes the new try where it is long enough ago."""
    now = services.clock.now()
    tried = datetime.fromisoformat(ring.get("tried_at") or ring["queued_at"])
    if now - tried < timedelta(seconds=GRACE_SECONDS):
        return False
    return _change_ring(deployment, ring, services, None, tried_at=now.isoformat())


def _start(
    devops: Project, pipeline: Pipeline, deployment: Deployment, ring: dict[str, Any], services: Services
) -> Run:
    parameters = {
        "modelName": deployment.model_name,
        "modelVersion": deployment.model_version,
        "target": deployment.target,
        "ring": ring["name"],
    }
    branch = services.policy.pipelines.branch
    return devops.queue(pipeline, branch, parameters, ring["correlation_id"])


def _observe(deployment: Deployment, ring: dict[str, Any], services: Services) -> None:
    """Follow the pipeline's run to its end; a green one only means that IoT Hub took the deployment."""
    devops = _devops(services)
    run = devops.run(ring["run_id"])
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
    truth = look.truth(
        ring["configuration"], now=now, deadline=datetime.fromisoformat(ring["applied_at"]) + late
    )
    if problem := _problem(truth, ring, late, now, datetime.fromisoformat(ring["applied_at"])):
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
    truth = look.truth(ring["configuration"], now=now, deadline=baked_at + late)
    if problem := _problem(truth, ring, late, now, baked_at):
        _undo(deployment, {**ring, "truth": truth}, problem, services)
    elif now >= baked_at and truth["healthy"] == truth["targeted"]:
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
        cleared: dict[str, Any] = {"trouble": None, "tries": 0, "next_try_at": None} if clear else {}
        details = {"ring": ring["name"], **{k: v for k, v in fields.items() if k not in ("state", "truth")}}
        change(tx, now, services, action=action, details=details, rings=rings, **cleared)
    return True


def _later(deployment: Deployment, trouble: str, services: Services) -> None:
    wait = timedelta(seconds=min(120, 2 * 2 ** min(deployment.tries, 6)))
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is not None and now.state == "shipping":
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
    return (
        "Azure DevOps asks Spotter to slow down."
        if isinstance(trouble, Throttled)
        else ("Azure DevOps did not say whether it started the edge pipeline.")
    )


ASKING = {"wanted": _claim, "queueing": _queue, "queued": _observe}
WATCHING = {"rolling": _watch, "baking": _bake}
