"""Where a model version comes from and where it went: export, training, figures, decisions, devices."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from commands.deploy.state_words import standing
from commands.exports import readiness
from commands.kit.blocks import Block, Message, context, header, section
from commands.kit.words import code, count, duration, esc, listing, metric, when
from commands.models.chain import contradictions, pictures_of
from infra.training.register import model_tags
from storage import audit, catalog, deployments, devices, pictures, runs
from storage.audit import AuditRow
from storage.catalog import ExportRow, ModelRow
from storage.deployments import Decision, Deployment
from storage.devices import DeviceRow
from storage.runs import TrainingRun

VERDICTS = {"approve": "approved", "override": "overrode a gate", "reject": "rejected"}


@dataclass(frozen=True)
class Lineage:
    """Everything that Spotter has recorded about one version; None for what it does not know.

    `model` is None for a version that the registry does not have any more.
    """

    name: str
    version: int
    model: ModelRow | None
    run: TrainingRun | None
    export: ExportRow | None
    requests: list[tuple[Deployment, list[Decision]]]
    devices: list[DeviceRow]
    trail: list[AuditRow]
    pictures: dict[str, bytes]
    """What approvers were shown, by digest, as far as it is kept."""


def lineage(tx: Connection, name: str, version: int) -> Lineage | None:
    """From the store alone. None for a version of which nothing is recorded."""
    model = catalog.get_model(tx, name, version)
    run = runs.get(tx, model.run_id) if model and model.run_id else runs.registered_as(tx, name, version)
    requests = deployments.of_model(tx, name, version)
    subjects = [f"{name}:{version}", *([run.id] if run else []), *(each.id for each in requests)]
    trail = [row for subject in subjects for row in audit.rows(tx, subject=subject)]
    if not (model or run or requests or trail):
        return None
    shipped_by = {row.details["run_id"] for row in trail if row.details.get("run_id")}
    trail += [row for run_id in shipped_by for row in audit.rows(tx, subject=f"run:{run_id}")]
    return Lineage(
        name=name,
        version=version,
        model=model,
        run=run,
        export=catalog.get_export(tx, _dataset(model, run)),
        requests=[(each, deployments.decisions_on(tx, each.id)) for each in requests],
        devices=devices.of_model(tx, name, version),
        trail=sorted(trail, key=lambda row: row.seq),
        pictures=_pictures(tx, requests),
    )


def _pictures(tx: Connection, requests: Sequence[Deployment]) -> dict[str, bytes]:
    digests = {picture["digest"] for each in requests for picture in pictures_of(each)}
    kept = {digest: pictures.get(tx, digest) for digest in digests}
    return {digest: row.content for digest, row in kept.items() if row}


def record(found: Lineage) -> dict[str, Any]:
    """As JSON takes it: times as text in UTC, audit rows with the hashes that bind them to the trail.

    `contradictions` says where decisions and what approvers saw are not as the trail has them.
    """
    known = asdict(found.model) if found.model else {"name": found.name, "version": found.version}
    return {
        "contradictions": [
            each
            for asked, decided in found.requests
            for each in contradictions(asked, decided, found.trail, found.pictures)
        ],
        "model": {**_plain(known), "in_registry": found.model is not None},
        "labeling_export": _plain(asdict(found.export)) if found.export else None,
        "training": _plain(asdict(found.run)) if found.run else None,
        "deployments": [
            {**_plain(asdict(request)), "decisions": [_plain(asdict(each)) for each in decided]}
            for request, decided in found.requests
        ],
        "devices": [_plain(asdict(row)) for row in found.devices],
        "audit": [_plain(asdict(row)) for row in found.trail],
    }


def card(found: Lineage) -> Message:
    """The way of a version in a few lines, from left to right in time."""
    title = f"{found.name} v{found.version}: where it comes from, and where it went"
    blocks: list[Block] = [
        header(title),
        section(_export(found)),
        section(_training(found)),
        section(_figures(found.model)),
    ]
    blocks += [section(_request(request, decided)) for request, decided in found.requests] or [
        section("*Deployments*\nNobody has asked for it on a target.")
    ]
    blocks.append(section(_devices(found.devices)))
    blocks.append(
        context(
            f"For an audit, whoever runs Spotter prints all of this with {count(len(found.trail), 'audit row')}: "
            f"`spotter audit export --model {esc(found.name)}:{found.version}`"
        )
    )
    return Message(f"{esc(title)}.", blocks)


def _dataset(model: ModelRow | None, run: TrainingRun | None) -> str:
    """The labeling export that a version learned from, empty where that is not known."""
    return model.tags.get(model_tags.DATASET, "") if model else run.dataset if run else ""


def _export(found: Lineage) -> str:
    name = _dataset(found.model, found.run)
    if not name:
        return "*Labeling export*\nIts tags do not say what it was trained on."
    counted = readiness.counted(found.export) if found.export else None
    content = (
        f": {count(counted.images, 'image')}, {count(sum(counted.boxes.values()), 'box', 'boxes')}"
        if counted
        else ""
    )
    made = f", exported {when(found.export.created_at)}" if found.export and found.export.created_at else ""
    return f"*Labeling export*\n{code(name)}{content}{made}"


def _training(found: Lineage) -> str:
    run, model = found.run, found.model
    if run is not None:
        took = f" in {duration(run.ended_at - run.requested_at)}" if run.ended_at else ""
        return (
            f"*Training*\nAsked by {esc(run.requested_by_name)} {when(run.requested_at)}, done{took} "
            f"on {code(run.cluster)}, run {code(run.id)}"
        )
    if model is None:
        return "*Training*\nNo training of Spotter's."
    who = f"by {esc(model.created_by)}" if model.created_by else "by hand"
    return f"*Training*\nNo training of Spotter's: registered {who}" + (
        f" {when(model.created_at)}" if model.created_at else ""
    )


def _figures(model: ModelRow | None) -> str:
    if model is None:
        return "*Measured*\nThe version is not in the registry any more."
    epoch = model.tags.get(model_tags.EPOCH)
    best = f", best epoch {esc(epoch)}" if epoch else ""
    return (
        f"*Measured*\nmAP {metric(model.mean_average_precision)}, precision {metric(model.precision)}, "
        f"recall {metric(model.recall)}{best}"
    )


def _request(request: Deployment, decided: list[Decision]) -> str:
    stands = "shipped" if request.state == "shipped" else standing(request)  # it may have been replaced since
    said = [
        f"{esc(each.person_name)} {VERDICTS[each.verdict]} {when(each.at)}"
        + (f": “{esc(each.reason)}”" if each.reason else "")
        for each in decided
    ]
    saw = (
        f"; what they saw has the fingerprint {code(request.fingerprint[:12])}" if request.fingerprint else ""
    )
    people = f"; {'; '.join(said)}{saw}" if said else ""
    ended = f", {when(request.ended_at)}" if request.ended_at else ""
    is_told = any(each.verdict == "reject" for each in decided)
    why = f"\n{esc(request.outcome)}" if request.outcome and not is_told else ""
    return (
        f"*{esc(request.target)}: {stands}*{ended}\n"
        f"Asked by {esc(request.requested_by_name)} {when(request.requested_at)}: “{esc(request.reason)}”"
        f"{people}{why}"
    )


def _devices(rows: list[DeviceRow]) -> str:
    if not rows:
        return "*Devices*\nNo device reports that it runs it now."
    run = "runs" if len(rows) == 1 else "run"
    return f"*Devices*\n{count(len(rows), 'device')} {run} it now: {esc(listing([row.id for row in rows]))}"


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value
        for name, value in row.items()
    }
