"""Takes a shipment off its devices: its deployments in IoT Hub are deleted, and what was there before applies again.

Nothing is deleted while a run of the edge pipeline may still make it: such a run is canceled first, and waited for.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from commands.deploy.command import DEPLOYMENTS, deploy
from commands.deploy.messages import rolled_back_aloud, rolling_back_aloud
from commands.deploy.record import change, tell
from commands.deploy.truth import Look
from commands.kit.command import COURIER, Answer, Asked
from commands.kit.errors import UserError
from commands.kit.services import Services
from commands.kit.words import duration, esc
from infra.devops.project import Project
from infra.devops.runs import GRACE_SECONDS
from infra.http.errors import NotFound, Refused
from infra.iothub.devices import Device
from storage import deployments
from storage.deployments import Deployment

CAN_BE_UNDONE = ("shipping", "shipped")
UNSENT = ("wanted",)
SETTLING = timedelta(minutes=10)


@deploy.action("rollback", changes=True)
def roll_back_now(deployment_id: str, asked: Asked, services: Services) -> Answer:
    """Commit the wish; the follower takes the model off the devices."""
    with services.store.write() as tx:
        deployment = deployments.locked(tx, deployment_id)
        if deployment is None:
            raise UserError(
                "That request is not in Spotter's records any more.", "/models shows what runs where."
            )
        _must_be_there(tx, deployment)
        reason = f"{asked.person.name} rolled it back."
        begin_rollback(tx, deployment, reason, asked.person.id, services)
    services.wake(COURIER)
    services.wake(DEPLOYMENTS)
    return None


def begin_rollback(
    tx: Connection, deployment: Deployment, why: str, actor: str, services: Services
) -> Deployment:
    """`deployment.rings` may have been changed by the caller, and are stored."""
    begun = change(
        tx,
        deployment,
        services,
        action="deploy.rollback",
        actor=actor,
        details={"why": why},
        state="rolling_back",
        rings=deployment.rings,
        rollback_by=actor,
        rollback_reason=why,
        outcome=why,
        decided_at=deployment.decided_at,
        waiting=None,
        trouble=None,
        tries=0,
        next_try_at=None,
        ended_at=None,
    )
    if was_sent(begun):
        tell(
            tx,
            begun,
            services,
            "rolling_back",
            rolling_back_aloud(begun),
        )
    return begun


def roll_back(deployment: Deployment, services: Services, look: Look) -> None:
    """One step: stop what may still ship, delete, then see the devices come back."""
    running = [ring for ring in deployment.rings or [] if not _is_stopped(ring, services)]
    if running:
        return
    shipped = Look(services).survey.of_request(
        deployment.request_id
    )  # a look from before the stop may be too old
    if shipped:
        deployment = _remember(deployment, services)
        for each in shipped:
            look.hub.withdraw(each.id)
    began = _removed_at(deployment)
    if began is None:
        _end(deployment, "failed", f"{deployment.rollback_reason} Nothing reached a device.", services)
        return
    left = [device.id for device in look.survey.devices if _runs(device, deployment)]
    if (left or shipped) and services.clock.now() - began < SETTLING:
        return
    late = (
        f" {', '.join(left)} did not report it within {duration(SETTLING)}: IoT Hub changes that at the next contact."
        if left
        else ""
    )
    _end(deployment, "rolled_back", f"{deployment.rollback_reason}{late}", services)


def _runs(device: Device, deployment: Deployment) -> bool:
    told = (device.report.model, device.report.version)
    return device.target == deployment.target and told == (
        deployment.model_name,
        str(deployment.model_version),
    )


def was_sent(deployment: Deployment) -> bool:
    """Whether a run of the edge pipeline may have been asked for."""
    return any(ring["state"] not in UNSENT and ring.get("queued_at") for ring in deployment.rings or [])


def _must_be_there(tx: Connection, deployment: Deployment) -> None:
    if deployment.state not in CAN_BE_UNDONE:
        raise UserError(
            f"There is nothing to roll back: the request is {deployment.state.replace('_', ' ')}.",
            "/models shows what runs where.",
        )
    if deployment.state == "shipping":
        return
    there = deployments.incumbent(tx, deployment.target)
    if there is None or there.id != deployment.id:
        raise UserError(
            f"{esc(deployment.model)} is not what {deployment.target} runs now.",
            "Roll back what is newer first.",
        )
    moving = deployments.in_states(tx, deployments.MOVING, deployment.target)
    if moving:
        raise UserError(
            f"{esc(moving[0].model)} is on its way to {deployment.target}.", "Roll that one back first."
        )


def _is_stopped(ring: dict[str, Any], services: Services) -> bool:
    """Whether no run of the edge pipeline can ship this ring any more; asks one that can to stop."""
    if ring["state"] in UNSENT or not ring.get("queued_at"):
        return True
    assert services.devops is not None  # noqa: S101  the command refuses to start without one
    run_id = ring.get("run_id") or _found(services.devops, ring, services)
    if run_id is None:
        tried = datetime.fromisoformat(ring.get("tried_at") or ring["queued_at"])
        return services.clock.now() - tried > timedelta(seconds=GRACE_SECONDS)
    try:
        run = services.devops.run(run_id)
    except NotFound:
        return True
    if run.has_ended:
        return True
    if run.status != "cancelling":
        with suppress(Refused, NotFound):  # it has just ended
            services.devops.cancel(run_id)
    return False


def _found(devops: Project, ring: dict[str, Any], services: Services) -> int | None:
    pipeline = devops.pipeline(services.policy.pipelines.edge)
    run = devops.find(pipeline, ring["correlation_id"], datetime.fromisoformat(ring["queued_at"]))
    return run.id if run else None


def _remember(deployment: Deployment, services: Services) -> Deployment:
    """Before the deletion, so that a crash after it does not make it look as if nothing had been there."""
    at = services.clock.now().isoformat()
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is None or now.state != "rolling_back" or _removed_at(now):
            return now or deployment
        rings = [{**ring, "state": "undone", "removed": at} for ring in now.rings or []]
        return change(tx, now, services, action="deploy.removed", rings=rings)


def _removed_at(deployment: Deployment) -> datetime | None:
    told = next((ring["removed"] for ring in deployment.rings or [] if ring.get("removed")), None)
    return datetime.fromisoformat(told) if told else None


def _end(deployment: Deployment, state: str, outcome: str, services: Services) -> None:
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is None or now.state != "rolling_back":
            return
        ended = change(tx, now, services, action=f"deploy.{state}", state=state, outcome=outcome)
        if state == "rolled_back":
            tell(tx, ended, services, "rolled_back", rolled_back_aloud(ended))
