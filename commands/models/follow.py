"""Watches the registry: every version that appears is announced once, also one registered by hand.

At the first look ever, what is there already is taken as known, silently.
"""

import json
from dataclasses import replace

import structlog
from sqlalchemy import Connection

from commands.exports import readiness
from commands.kit.blocks import Block, picture
from commands.kit.command import COURIER
from commands.kit.health import IOT_HUB
from commands.kit.services import Services
from commands.models.command import models
from commands.models.curves import curves
from commands.models.held_out import Drawn, Strip
from commands.models.measured import evaluation_of, figures, together, trouble_with
from commands.models.messages import announcement, details
from commands.models.trend import Trend, trend
from commands.models.where import not_shipped
from infra.azureml.errors import AzureError
from infra.azureml.models import ModelVersion
from infra.iothub.devices import Device
from infra.iothub.errors import Resting
from infra.iothub.hub import Survey
from infra.training.register import model_tags
from storage import audit, catalog, deployments, devices, evaluations, marks, messages, pictures, runs
from storage.catalog import ModelRow
from storage.devices import DeviceRow

log = structlog.get_logger("models")
FIRST_LOOK = "models.first_look"
LATEST_SEEN = "models.latest_seen"
UNREAD = "?"  # in place of the latest version: what was there at the first look, but could not be read
FOLLOWER = "models"
DEVICE_PAGES = (
    8  # in one look, which leaves the hub time for rollouts: one S1 unit answers twenty in a minute
)


@models.follow(FOLLOWER, every=lambda policy: policy.pace.runs_seconds, hinted=True, rests=True)
def follow_models(services: Services) -> None:
    """One list call; versions are fetched only for models whose latest version is not the one seen last. Trouble with
    one keeps no other waiting."""
    with services.store.read() as tx:
        seen: dict[str, str] = json.loads(marks.get(tx, LATEST_SEEN) or "{}")
        looked_before = marks.get(tx, FIRST_LOOK) is not None
    changed = services.azure.models(seen)
    troubles: list[AzureError] = []
    for model in changed:
        try:
            versions = services.azure.versions(model.name)
        except AzureError as trouble:
            log.warning("versions_not_read", model=model.name, error=str(trouble))
            troubles.append(trouble)
            if not looked_before:
                seen[model.name] = UNREAD
            continue
        told = looked_before and seen.get(model.name) != UNREAD
        with services.store.write() as tx:
            known = catalog.keep_models(tx, model.name, [version.version for version in versions])
            new = (version for version in versions if version.version not in known)
            for version in sorted(new, key=lambda each: each.version):
                _take(tx, version, services, told=told)
            # at once, so that one who is interrupted often still gets through
            seen[model.name] = model.latest
            marks.put(tx, LATEST_SEEN, json.dumps(seen), services.clock.now())
    if len(troubles) < len(changed):
        services.wake(COURIER)
        services.wake("training runs")
    if not looked_before:
        with services.store.write() as tx:
            marks.put(tx, LATEST_SEEN, json.dumps(seen), services.clock.now())
            marks.put(tx, FIRST_LOOK, "done", services.clock.now())
    if troubles:
        raise troubles[0]


@models.follow("devices", every=lambda policy: max(policy.pace.catalog_seconds, 1), service=IOT_HUB)
def follow_devices(services: Services) -> None:
    """Looks at all devices, of a large plant by and by, for answers that must not wait for IoT Hub."""
    if services.hub is None:
        return
    deployed = services.hub.deployed()  # first: what was read of devices over many looks is handed out once
    try:
        found, _ = services.hub.devices_by_and_by(services.clock.now(), pages=DEVICE_PAGES)
    except Resting:
        return
    survey = replace(deployed, devices=found)
    with services.store.read() as tx:
        moving = {each.target for each in deployments.in_states(tx, deployments.UNDER_WAY)}
        rows = [_row(each, survey, is_moving=each.target in moving) for each in survey.devices]
        if devices.are_known(tx, rows):
            return
    with services.store.write() as tx:
        devices.keep(tx, rows)


def _row(device: Device, survey: Survey, *, is_moving: bool) -> DeviceRow:
    """While something is on its way to the target, hub and devices differ for a while."""
    other = "" if is_moving else not_shipped(device, survey)
    return DeviceRow(
        id=device.id,
        target=device.target,
        ring=device.ring,
        model=device.report.model,
        version=device.report.version,
        works=device.works and not other,
        is_connected=device.is_connected,
        reason=other or device.report.reason,
        last_seen=device.last_seen,
    )


def run_of(version: ModelVersion) -> str | None:
    """The training that registered this version, by the tag that its register step wrote."""
    return version.tags.get(model_tags.PIPELINE_RUN) or version.job_name or None


def _thin_classes(tx: Connection, row: ModelRow, services: Services) -> list[str]:
    export = catalog.get_export(tx, row.tags.get(model_tags.DATASET, ""))
    found = readiness.counted(export) if export else None
    return readiness.thin_classes(found, services.policy.exports) if found else []


def _take(tx: Connection, version: ModelVersion, services: Services, *, told: bool) -> None:
    """Know a new version, and tell of it. One that Spotter's own training made is news at any time."""
    now = services.clock.now()
    run_id = run_of(version)
    run = runs.get(tx, run_id) if run_id else None
    row = ModelRow(
        name=version.name,
        version=version.version,
        created_at=version.created_at,
        created_by=version.created_by,
        mean_average_precision=version.mean_average_precision,
        precision=version.precision,
        recall=version.recall,
        tags=dict(version.tags),
        uri=version.uri,
        run_id=run_id,
        announced=told or run is not None,
        seen_at=now,
    )
    catalog.add_model(tx, row)
    if not row.announced:
        return
    if run_id:
        evaluations.want(tx, row.name, row.version, run_id, now)
    if announce(tx, row, services):
        audit.record(
            tx,
            at=now,
            actor="spotter",
            action="model.announce",
            subject=f"{row.name}:{row.version}",
            run=row.run_id,
            mean_average_precision=row.mean_average_precision,
        )


def _kept(tx: Connection, row: ModelRow, kind: str, drawn: Drawn, services: Services) -> Block:
    """A picture for the announcement."""
    name = f"{row.name}-v{row.version}-{kind}"
    digest = pictures.put(tx, drawn.content, name, drawn.words, services.clock.now())
    return picture(digest, drawn.words, drawn.title)


def announce(tx: Connection, row: ModelRow, services: Services, strip: Strip | None = None) -> bool:
    """Wants the announcement of a version, or what is new in it; False where there is no channel for it."""
    run = runs.get(tx, row.run_id) if row.run_id else None
    channel = run.channel if run else services.policy.channels.models
    if channel is None:
        return False
    earlier = [older for older in catalog.versions_of(tx, row.name) if older.version < row.version]
    thin, deployable = _thin_classes(tx, row, services), bool(services.policy.targets)
    previous = earlier[0] if earlier else None
    own = evaluation_of(tx, row)
    both = together(tx, row, previous) if previous else None
    announced = announcement(
        row,
        earlier,
        run,
        thin,
        deployable=deployable,
        measured=figures(both or own, row),
        measured_before=figures(both, previous) if previous else None,
        trouble_before=trouble_with(own, previous) if previous else "",
        held_out=_kept(tx, row, "held-out.jpg", strip.sheet, services) if strip else None,
        has_curves=curves(tx, row) is not None,
    )
    messages.want(
        tx,
        f"model:{row.name}:{row.version}",
        channel=channel,
        content=announced.content(),
        at=services.clock.now(),
        urgency=messages.RESULT,
        fallback=run.requested_by if run else None,
    )
    _tell_more(tx, row, trend(row, earlier), strip, channel, services)
    return True


def _tell_more(
    tx: Connection, row: ModelRow, moved: Trend | None, strip: Strip | None, channel: str, services: Services
) -> None:
    """In the thread of the announcement."""
    drawn = (
        _kept(tx, row, "trend.png", Drawn(moved.drawn(), moved.title, moved.words), services)
        if moved
        else None
    )
    large = [
        _kept(tx, row, f"held-out-{number}.jpg", each, services)
        for number, each in enumerate(strip.pictures if strip else (), start=1)
    ]
    told = details(row, moved, drawn, large)
    if told:
        messages.want(
            tx,
            f"model:{row.name}:{row.version}:details",
            channel=channel,
            content=told.content(),
            at=services.clock.now(),
            parent_key=f"model:{row.name}:{row.version}",
        )
