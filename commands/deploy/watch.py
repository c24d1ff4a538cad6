"""Watches the devices of a ring until they report the new model, and then for a while that it keeps working."""

from datetime import datetime, timedelta
from typing import Any

from commands.deploy.command import DEPLOYMENTS
from commands.deploy.frozen import freeze
from commands.deploy.record import note_trouble
from commands.deploy.rings import Ring, change_ring, patience_with, wait
from commands.deploy.rollback import undo
from commands.deploy.truth import Look
from commands.kit.services import Services
from commands.kit.words import duration
from infra.http.errors import AzureError
from infra.iothub.deployments import ALL
from infra.iothub.errors import Resting
from storage.deployments import Deployment

UNKNOWN = (
    "IoT Hub does not say whether the devices that have the model already still work. The next ring waits."
)


def watch(deployment: Deployment, ring: Ring, services: Services, look: Look) -> None:
    """Until every device of the ring reports the new model and that it works."""
    now, late = look.as_of, patience_with(deployment, services)
    since = datetime.fromisoformat(ring["applied_at"])
    if now < since:
        return  # the devices were read before: the next reading tells
    truth = look.truth(ring, deployment.target, now=now, deadline=since + late)
    skipped = now - since > services.policy.pace.settling and _shipped_nothing(ring, look)
    if problem := skipped or _problem(truth, ring, late, now, since):
        undo(deployment, {**ring, "truth": truth}, problem, services)
    elif _all_healthy(truth):
        at = now.isoformat()
        change_ring(deployment, ring, services, "deploy.healthy", state="baking", healthy_at=at, truth=truth)
    elif truth != ring.get("truth"):
        change_ring(deployment, ring, services, None, truth=truth)


def bake(deployment: Deployment, ring: Ring, services: Services, look: Look) -> None:
    """Watch a healthy ring for a while before the next one follows; the last one has nothing to wait for.

    At the end every device has to be in touch: one that went dark meanwhile has proved nothing.
    """
    is_last = ring["name"] == (deployment.rings or [])[-1]["name"]
    target = services.policy.targets.get(deployment.target)
    bake = timedelta(minutes=target.bake_minutes if target and not is_last else 0)
    now, late = look.as_of, patience_with(deployment, services)
    healthy_at = datetime.fromisoformat(ring["healthy_at"])
    if now < healthy_at:
        return  # as above
    baked_at = healthy_at + bake
    heard_since = baked_at if now >= baked_at else None
    truth = look.truth(ring, deployment.target, now=now, deadline=baked_at + late, heard_since=heard_since)
    if problem := _problem(truth, ring, late, now, baked_at):
        undo(deployment, {**ring, "truth": truth}, problem, services)
    elif now >= baked_at and _all_healthy(truth):
        change_ring(deployment, ring, services, "deploy.ring_done", state="done", truth=truth)
        services.wake(DEPLOYMENTS)
    elif truth != ring.get("truth"):
        change_ring(deployment, ring, services, None, truth=truth)


def still_works(deployment: Deployment, services: Services, look: Look) -> bool:
    """Whether every device of the rings that are done is in touch and works, so that the next ring may follow.

    Where one has failed the request is taken back, and where one stays away; but not for being away during a freeze.
    """
    try:
        are_well = [_is_well(deployment, ring, services, look) for ring in _done(deployment)]
    except Resting:
        raise
    except AzureError:
        if not deployment.trouble:
            note_trouble(deployment, UNKNOWN, services)
        raise
    if deployment.trouble == UNKNOWN:
        note_trouble(deployment, None, services)
    return all(are_well)


def not_proved(deployment: Deployment, since: datetime, services: Services) -> str | None:
    """Why a run that was asked for at `since` may not be let in at this moment, in words; None where all devices that
    have the model are well. What the hub does not grant at once is read on when the check asks again, a minute later.

    Reads the rings that are done alone, few devices, and apart from what requests are followed by: that goes on
    reading every few seconds, and would take the reading away."""
    for ring in _done(deployment):
        look = Look(services, [deployment], ring="" if ring["name"] == ALL else ring["name"])
        try:
            now = look.as_of
            truth = look.truth(ring, deployment.target, now=now, deadline=now, heard_since=now)
        except AzureError:
            return UNKNOWN
        if now < since:
            return UNKNOWN
        if not _all_healthy(truth):
            return _not_well(ring)
    return None


def _is_well(deployment: Deployment, ring: Ring, services: Services, look: Look) -> bool:
    now, late = look.as_of, patience_with(deployment, services)
    if now < datetime.fromisoformat(ring.get("unwell_since") or ring["healthy_at"]):
        return False  # as above
    is_frozen = freeze(deployment, services) is not None
    unwell_since = None if is_frozen else ring.get("unwell_since") or now.isoformat()
    since = datetime.fromisoformat(unwell_since) if unwell_since else now
    truth = look.truth(ring, deployment.target, now=now, deadline=since + late, heard_since=now)
    if problem := _problem(truth, ring, late, now, since):
        undo(deployment, {**ring, "truth": truth}, problem, services)
        return False
    is_well = _all_healthy(truth)
    if is_well and truth != ring.get("truth"):
        change_ring(deployment, ring, services, None, clear=True, unwell_since=None, truth=truth)
    if not is_well:
        if ring.get("unwell_since") != unwell_since or truth != ring.get("truth"):
            change_ring(deployment, ring, services, None, unwell_since=unwell_since, truth=truth)
        wait(deployment, _not_well(ring), services)
    return is_well


def _done(deployment: Deployment) -> list[Ring]:
    return [ring for ring in deployment.rings or [] if ring["state"] == "done"]


def _all_healthy(truth: dict[str, Any]) -> bool:
    return bool(truth["targeted"]) and truth["healthy"] == truth["targeted"]


def _not_well(ring: Ring) -> str:
    return f"Not every device of the ring {ring['name']} is in touch and works now. The next ring waits for that."


def _shipped_nothing(ring: Ring, look: Look) -> str | None:
    """A run whose stage was skipped, such as by its environment's check, ends as if all were well."""
    if look.deployed.deployment(ring["configuration"]) is not None:
        return None
    why = ring.get("refused") or "Open it in Azure DevOps: its environment may not have let it in."
    return f"The edge pipeline's run for {ring['name']} ended without shipping anything. {why}"


def _problem(
    truth: dict[str, Any], ring: Ring, late: timedelta, now: datetime, since: datetime
) -> str | None:
    if truth["failed"]:
        return f"{', '.join(truth['failed_ids'])} failed with the new model: {truth['why']}"
    if now < since + late:
        return None
    if not truth["targeted"]:
        return f"No device of the ring {ring['name']} was reached within {duration(late)}."
    if truth["silent"]:
        ids = ", ".join(truth["silent_ids"])
        if ring.get("healthy_at"):
            return (
                f"{ids} did not show within {duration(late)} that the new model still works: {truth['why']}"
            )
        return f"{ids} did not report the new model within {duration(late)}."
    return None
