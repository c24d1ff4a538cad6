"""The wish to take a shipment back, by a click or by Spotter itself; `taking_back` carries it out."""

from sqlalchemy import Connection

from commands.deploy.aloud import rolling_back_aloud
from commands.deploy.command import DEPLOYMENTS, deploy
from commands.deploy.record import change, tell
from commands.deploy.rings import UNSENT, Ring, with_ring
from commands.deploy.state_words import standing
from commands.kit.command import COURIER, Answer, Asked
from commands.kit.errors import UserError
from commands.kit.services import Services
from commands.kit.words import esc
from storage import deployments
from storage.deployments import Deployment

AUTOMATIC = "spotter"
CAN_BE_UNDONE = ("shipping", "shipped")


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
    tx: Connection,
    deployment: Deployment,
    why: str,
    actor: str,
    services: Services,
    at_fault: Ring | None = None,
) -> Deployment:
    """`deployment.rings` may have been changed by the caller, and are stored; `at_fault` is where it went wrong."""
    where = {"ring": at_fault["name"], "run_id": at_fault.get("run_id")} if at_fault else {}
    begun = change(
        tx,
        deployment,
        services,
        action="deploy.rollback",
        actor=actor,
        details={"why": why, **where},
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
        tell(tx, begun, services, "rolling_back", rolling_back_aloud(begun), loud=actor == AUTOMATIC)
    return begun


def undo(deployment: Deployment, ring: Ring, why: str, services: Services) -> None:
    """Takes a request back by itself; `ring` is where it went wrong."""
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is None or now.state != "shipping":
            return
        begin_rollback(tx, with_ring(now, {**ring, "state": "failed"}), why, AUTOMATIC, services, ring)
    services.wake(DEPLOYMENTS)


def was_sent(deployment: Deployment) -> bool:
    """Whether a run of the edge pipeline may have been asked for."""
    return any(ring["state"] not in UNSENT and ring.get("queued_at") for ring in deployment.rings or [])


def _must_be_there(tx: Connection, deployment: Deployment) -> None:
    if deployment.state not in CAN_BE_UNDONE:
        raise UserError(
            f"There is nothing to roll back: {esc(deployment.model)} on {deployment.target} is {standing(deployment)}.",
            "/models shows what runs where.",
        )
    if deployment.state == "shipping":
        return
    there = deployments.incumbent(tx, deployment.target)
    if there is None or there.id != deployment.id:
        raise UserError(
            f"{esc(deployment.model)} is not what {deployment.target} runs now.",
            "/models shows what runs where.",
        )
    moving = deployments.in_states(tx, deployments.UNDER_WAY, deployment.target)
    if moving:
        raise UserError(
            f"{esc(moving[0].model)} is on its way to {deployment.target}.", "Roll that one back first."
        )
