"""The rings of a shipment as its record keeps them, and the few ways in which they change.

A ring goes wanted → queueing → queued → rolling → baking → done, or failed; and back to wanted where its run was not
let in for something that passes: a freeze, or a canary that is away.
"""

from datetime import datetime, timedelta
from typing import Any

from commands.deploy.record import change
from commands.kit.policy import Target
from commands.kit.services import Services
from storage import deployments
from storage.deployments import Deployment

Ring = dict[str, Any]
UNSENT = ("wanted",)
NO_TROUBLE: dict[str, Any] = {"waiting": None, "trouble": None, "tries": 0, "next_try_at": None}


def new_ring(deployment: Deployment, name: str) -> Ring:
    return {"name": name, "state": "wanted", "correlation_id": f"{deployment.request_id}-{name}"}


def ring_of(deployment: Deployment, name: str) -> Ring:
    return next(each for each in deployment.rings or [] if each["name"] == name)


def with_ring(deployment: Deployment, changed: Ring) -> Deployment:
    rings = [changed if each["name"] == changed["name"] else each for each in deployment.rings or []]
    return Deployment(**{**vars(deployment), "rings": rings})


def change_ring(
    deployment: Deployment,
    ring: Ring,
    services: Services,
    action: str | None,
    *,
    clear: bool = False,
    **fields: Any,
) -> bool:
    """False where the request or the ring has moved on meanwhile."""
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if (
            now is None
            or now.state != deployment.state
            or ring_of(now, ring["name"])["state"] != ring["state"]
        ):
            return False
        rings = with_ring(now, {**ring_of(now, ring["name"]), **fields}).rings
        cleared: dict[str, Any] = NO_TROUBLE if clear else {}
        details = {"ring": ring["name"], **{k: v for k, v in fields.items() if k not in ("state", "truth")}}
        change(tx, now, services, action=action, details=details, rings=rings, **cleared)
    return True


def past_runs(ring: Ring) -> list[int]:
    """Runs of the ring that were put off: they ship it no more, whoever starts them again."""
    return ring.get("past_runs") or []


def has_settled(ring: Ring, services: Services) -> bool:
    """Whether a run that was asked for has had its time to turn up in Azure DevOps."""
    asked = datetime.fromisoformat(ring.get("tried_at") or ring["queued_at"])
    return services.clock.now() - asked > services.policy.pace.settling


def gone_for_long(deployment: Deployment, ring: Ring, services: Services) -> bool:
    """What is missing now and then is not lost: a 404 may be a fault of the moment."""
    now = services.clock.now()
    if not ring.get("missing_since"):
        change_ring(deployment, ring, services, None, missing_since=now.isoformat())
        return False
    return now - datetime.fromisoformat(ring["missing_since"]) > services.policy.pace.settling


def patience_with(deployment: Deployment, services: Services) -> timedelta:
    """How long a device of the target may be silent."""
    target = services.policy.targets.get(deployment.target)
    usual: float = Target.model_fields["deadline_minutes"].default
    return timedelta(minutes=target.deadline_minutes if target else usual)


def later(deployment: Deployment, trouble: str, services: Services) -> None:
    pause = timedelta(seconds=min(120, 2 * 2 ** min(deployment.tries, 6)))
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is not None and now.state == deployment.state:
            change(
                tx,
                now,
                services,
                trouble=f"{trouble} The approval is kept, and Spotter tries again by itself.",
                tries=now.tries + 1,
                next_try_at=services.clock.now() + pause,
            )


def wait(deployment: Deployment, reason: str | None, services: Services) -> None:
    """For what it waits is told on the card; None: for nothing any more."""
    if deployment.waiting == reason:
        return
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is not None and now.state == deployment.state and now.waiting != reason:
            change(tx, now, services, waiting=reason)
