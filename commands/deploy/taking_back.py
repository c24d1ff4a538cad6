"""Takes a shipment off its devices: its deployments in IoT Hub are deleted, and what was there before applies again.

Nothing is deleted while a run of the edge pipeline may still make it: such a run is canceled first, and waited for.
"""

from contextlib import suppress
from datetime import datetime, timedelta

from commands.deploy.aloud import ended_aloud, rolled_back_aloud
from commands.deploy.record import change, note_trouble, tell
from commands.deploy.rings import UNSENT, Ring, gone_for_long, has_settled, past_runs, patience_with, wait
from commands.deploy.rollback import AUTOMATIC, was_sent
from commands.deploy.stack import note_stack
from commands.deploy.truth import Look
from commands.kit.services import Services
from commands.kit.words import duration, listing
from infra.devops.project import Project
from infra.http.errors import AzureError, NotFound, Refused
from infra.iothub.deployments import ALL
from infra.iothub.deployments import Deployment as Shipped
from infra.iothub.devices import Device
from infra.iothub.errors import Resting
from storage import deployments
from storage.deployments import Deployment


def stop(deployment: Deployment, services: Services) -> bool:
    """Stops what may still ship it; whether nothing can any more."""
    try:
        running = [ring for ring in deployment.rings or [] if not _is_stopped(deployment, ring, services)]
    except AzureError:
        words = (
            "Azure DevOps does not say whether a run may still ship it, so nothing is taken off devices yet."
        )
        note_trouble(deployment, f"{words} Spotter goes on by itself.", services)
        raise
    if running:
        note_trouble(deployment, None, services)
    return not running


def take_back(deployment: Deployment, services: Services, look: Look) -> None:
    """One step of what has been stopped: delete, then see the devices come back. `look` knows the deployments as they
    are after the stop; its devices may have been read earlier."""
    try:
        _take_back(deployment, services, look)
    except Resting:
        raise
    except AzureError:
        note_trouble(deployment, "IoT Hub is not answering. Spotter goes on by itself.", services)
        raise


def _take_back(deployment: Deployment, services: Services, look: Look) -> None:
    if shipped := look.deployed.of_request(deployment.request_id):
        _remember(deployment, shipped, services)
        for each in shipped:
            look.hub.withdraw(each.id)
        return
    undone = [ring for ring in deployment.rings or [] if ring["state"] == "undone"]
    if not undone:
        _end(deployment, "failed", f"{deployment.rollback_reason} Nothing reached a device.", services)
        return
    removed = max(datetime.fromisoformat(ring["removed"]) for ring in undone)
    if look.as_of < removed:
        return  # it tells of devices that may have taken the model since; the next reading begins anew
    patience = patience_with(deployment, services)
    told = [device for device in look.survey.devices if _was_told(device, deployment, undone)]
    away = [device.id for device in told if not _is_back(device, undone, removed)]
    if away and look.as_of - removed < patience:
        note_trouble(deployment, None, services)
        back = len(told) - len(away)
        wait(deployment, f"Back: {back} of {len(told)}, waiting for {listing(away)}.", services)
        return
    _end(deployment, "rolled_back", f"{deployment.rollback_reason}{_late(away, patience)}", services, look)


def _was_told(device: Device, deployment: Deployment, undone: list[Ring]) -> bool:
    """Whether it was told to run the model."""
    reached = {ring["name"] for ring in undone}
    return device.target == deployment.target and bool(reached & {ALL, device.ring})


def _is_back(device: Device, undone: list[Ring], removed: datetime) -> bool:
    """Whether a device that was told to run the model has said since that it runs what it is told to run now.

    What one that went dark said last counts for nothing: it may have taken the model since.
    """
    if not (device.was_heard(removed) and device.order.was_taken):
        return False
    images = {ring["image"] for ring in undone}
    if device.order.image in images or (device.module and device.module.image in images):
        return False
    return device.works or not device.order.image


def _late(away: list[str], patience: timedelta) -> str:
    if not away:
        return ""
    follows = "it follows at its" if len(away) == 1 else "they follow at their"
    return (
        f" {listing(away)} did not report within {duration(patience)}; {follows} next contact with IoT Hub."
    )


def _is_stopped(deployment: Deployment, ring: Ring, services: Services) -> bool:
    """Whether no run of the edge pipeline can ship this ring any more; asks one that can to stop.

    Azure DevOps is not asked about a ring that was not handed over, or whose run has done its work: its check lets that
    one in no more. One that has failed may have been started again.
    """
    if ring["state"] in UNSENT or not ring.get("queued_at") or ring.get("applied_at"):
        return True
    assert services.devops is not None  # noqa: S101  the command refuses to start without one
    run_id = ring.get("run_id") or _found(services.devops, ring, services)
    if run_id is None:
        return has_settled(ring, services)
    try:
        run = services.devops.run(run_id)
    except NotFound:
        return gone_for_long(deployment, ring, services)
    if run.has_ended:
        return True
    if run.status != "cancelling":
        with suppress(Refused, NotFound):  # it has just ended
            services.devops.cancel(run_id)
    return False


def _found(devops: Project, ring: Ring, services: Services) -> int | None:
    pipeline = devops.pipeline(services.policy.pipelines.edge)
    run = devops.find(pipeline, ring["correlation_id"], datetime.fromisoformat(ring["queued_at"]))
    return run.id if run and run.id not in past_runs(ring) else None


def _remember(deployment: Deployment, shipped: list[Shipped], services: Services) -> None:
    """Before the deletion, so that a crash after it does not make it look as if nothing had been there; and before each
    further try, as devices may take the model until then."""
    at, images = services.clock.now().isoformat(), {each.ring: each.image for each in shipped}
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is None or now.state != "rolling_back":
            return
        rings = [
            {**ring, "state": "undone", "removed": at, "image": images.get(ring["name"])}
            if ring["name"] in images or ring["state"] == "done"
            else ring
            for ring in now.rings or []
        ]
        is_known = {*images} <= _undone(now)
        change(tx, now, services, action=None if is_known else "deploy.removed", rings=rings)


def _undone(deployment: Deployment) -> set[str]:
    return {ring["name"] for ring in deployment.rings or [] if ring["state"] == "undone"}


def _end(
    deployment: Deployment, state: str, outcome: str, services: Services, look: Look | None = None
) -> None:
    with services.store.write() as tx:
        now = deployments.locked(tx, deployment.id)
        if now is None or now.state != "rolling_back":
            return
        ended = change(tx, now, services, action=f"deploy.{state}", state=state, outcome=outcome)
        if look is not None:
            note_stack(tx, ended.target, look.deployed, services)
            below = look.incumbent(ended.target, without=ended.request_id)
            there = f"{below.model} v{below.version}" if below else ""
            loud = ended.rollback_by == AUTOMATIC
            tell(tx, ended, services, "rolled_back", rolled_back_aloud(ended, there), loud=loud)
        elif ended.rollback_by == AUTOMATIC and not was_sent(ended):
            tell(tx, ended, services, "ended", ended_aloud(ended))
