"""Ships an approved request ring by ring: hand it to the edge pipeline, watch the devices, wait, go on.

Each transition is committed before the next effect, and every effect has an id of ours: the ring's correlation id, the
deployment's id in IoT Hub. So a step whose outcome was lost is looked for, and only then taken again.
"""

from dataclasses import replace

from sqlalchemy import Connection

from commands.deploy.aloud import shipped_aloud
from commands.deploy.frozen import freeze
from commands.deploy.record import change, tell
from commands.deploy.rings import NO_TROUBLE, later, new_ring, wait
from commands.deploy.stack import note_stack
from commands.deploy.standing import make_stale
from commands.deploy.submit import claim, known_objection, observe, queue
from commands.deploy.truth import Look
from commands.deploy.watch import bake, still_works, watch
from commands.kit.services import Services
from infra.http.errors import AzureError
from storage import deployments
from storage.deployments import Deployment


def ship(deployment: Deployment, services: Services, look: Look) -> None:
    """One step of an approved or shipping request."""
    if deployment.next_try_at and services.clock.now() < deployment.next_try_at:
        return
    if deployment.state == "approved":
        _begin(deployment, services, look)
        return
    ring = next((each for each in deployment.rings or [] if each["state"] != "done"), None)
    if ring is None:
        _finish(deployment, services, look)
        return
    may_follow = still_works(deployment, services, look)
    if not may_follow and ring["state"] in HELD:
        return
    if ring["state"] in ASKING:
        ASKING[ring["state"]](deployment, ring, services)
    elif ring["state"] in WATCHING:
        WATCHING[ring["state"]](deployment, ring, services, look)


def _begin(deployment: Deployment, services: Services, look: Look) -> None:
    """Start when the target is neither frozen nor busy, the approvals are in force, and what would be replaced is what
    approvers saw."""
    if reason := _reason_to_wait(deployment, services):
        wait(deployment, reason, services)
        return
    against = known_objection(deployment, services) or _replaced_meanwhile(deployment, services, look)
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is None or now.state != "approved":
            return
        if against:
            make_stale(tx, now, against, services)
        elif not _is_busy(tx, now):
            rings = [new_ring(now, name) for name in (now.evidence or {})["rings"]]
            change(tx, now, services, action="deploy.ship", state="shipping", rings=rings, **NO_TROUBLE)


def _replaced_meanwhile(deployment: Deployment, services: Services, look: Look) -> str | None:
    """What runs there by now, where it is not what the approvers compared with; another rollout may have come first."""
    try:
        there = look.incumbent(deployment.target, without=deployment.request_id)
    except AzureError:
        later(deployment, f"IoT Hub does not say what runs on {deployment.target} now.", services)
        raise
    before = (deployment.evidence or {}).get("incumbent")
    compared = f"{before['name']} v{before['version']}" if before else "no model"
    now = f"{there.model} v{there.version}" if there else "no model"
    if now == compared:
        return None
    return f"{deployment.target} came to run {now}; approvers compared with {compared}"


def _reason_to_wait(deployment: Deployment, services: Services) -> str | None:
    if frozen := freeze(deployment, services):
        return f"Approved. {frozen} It is shipped afterwards."
    with services.store.read() as tx:
        busy = _is_busy(tx, deployment)
    return (
        f"Approved. Another rollout on {deployment.target} is under way; this one follows." if busy else None
    )


def _is_busy(tx: Connection, deployment: Deployment) -> bool:
    return bool(deployments.in_states(tx, deployments.UNDER_WAY, deployment.target))


def _finish(deployment: Deployment, services: Services, look: Look) -> None:
    """All rings are done. What is of no more use in IoT Hub, which takes a hundred deployments, is withdrawn."""
    ours = [look.deployed.deployment(ring["configuration"]) for ring in deployment.rings or []]
    of_no_use = {old.id for there in ours if there for old in look.deployed.superseded(there)}
    for old in sorted(of_no_use):
        look.hub.withdraw(old)
    kept = tuple(each for each in look.deployed.deployments if each.id not in of_no_use)
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is None or now.state != "shipping":
            return
        done = change(tx, now, services, action="deploy.shipped", state="shipped")
        note_stack(tx, done.target, replace(look.deployed, deployments=kept), services)
        tell(tx, done, services, "shipped", shipped_aloud(done))
    services.wake("devices")


ASKING = {"wanted": claim, "queueing": queue}
HELD = ("wanted", "queueing")
WATCHING = {"queued": observe, "rolling": watch, "baking": bake}
