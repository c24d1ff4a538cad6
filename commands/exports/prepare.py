"""**Prepare for training**: a COCO export becomes, once, the MLTable that AutoML reads, by a job in the workspace.

requested → submitting → running → prepared, or failed. The job's name is made from the export's, and its PUT creates it
once; what it writes becomes a data asset, which shows up and is announced like every other export.
"""

from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from commands.exports import readiness
from commands.exports.command import exports
from commands.exports.labels import EXPORTS, NO_SIGN_IN, NOT_ANSWERING
from commands.exports.messages import preparing
from commands.kit.blocks import note
from commands.kit.command import COURIER, Answer, Asked, Reply
from commands.kit.errors import UserError
from commands.kit.services import Services
from commands.kit.trying import next_try, take_each
from commands.kit.words import code, esc
from infra.azureml import preparations
from infra.azureml.errors import AzureError, Denied, NameTaken, NotFound, Refused
from infra.azureml.jobs import Job
from infra.azureml.preparations import prepared_name
from infra.failures.explain import explain, explain_fault
from infra.training.component import prepare_component_name
from storage import audit, catalog, labels, messages
from storage.catalog import ClusterRow, ExportRow
from storage.labels import PREPARING, Preparation

log = structlog.get_logger("prepare")
FOLLOWER = "preparations"
GONE_AFTER = timedelta(minutes=5)
NAME_ROOM = 200
REASON = "ERROR: "
CORRECT = "Correct it, export again, and prepare the new export."


@exports.action("prepare", role="train", changes=True)
def prepare(name: str, asked: Asked, services: Services) -> Answer:
    """Commit the wish, its audit row and the live message; the follower makes the job."""
    now = services.clock.now()
    with services.store.write() as tx:
        export = _must_be_preparable(tx, name, services)
        if not asked.first_time(tx, now):
            return Reply(note("This click has prepared it once. `/exports` shows how things stand now."))
        earlier = labels.preparations_of(tx, name)
        cluster = machine(catalog.list_clusters(tx))
        if cluster is None:
            raise UserError("No cluster of the workspace can run it.", "Create one, then prepare again.")
        wish = Preparation(
            id=f"prepare-{name[:NAME_ROOM]}-{export.version[:20]}-{len(earlier) + 1}",
            state="requested",
            export_name=name,
            export_version=export.version,
            export_uri=export.uri or "",
            target=prepared_name(name),
            cluster=cluster,
            requested_by=asked.person.id,
            requested_by_name=asked.person.name,
            channel=asked.channel,
            requested_at=now,
        )
        labels.add_preparation(tx, wish)
        audit.record(
            tx,
            at=now,
            actor=asked.person.id,
            action="prepare.request",
            subject=wish.id,
            export=f"{name}:{export.version}",
            target=wish.target,
            cluster=cluster,
        )
        _show(tx, wish, services)
    services.wake(COURIER)
    services.wake(FOLLOWER)
    return None


def _must_be_preparable(tx: Connection, name: str, services: Services) -> ExportRow:
    """Raises UserError."""
    export = catalog.get_export(tx, name)
    if export is None:
        raise UserError(f"{code(name[:80])} is not in the workspace any more.", "`/exports` shows what is.")
    if export.kind != "coco":
        raise UserError(f"{code(name)} is not a COCO export.", "It can be trained on as it is.")
    if catalog.get_export(tx, prepared_name(name)):
        raise UserError(
            f"{code(name)} is prepared already.",
            f"Train on {code(prepared_name(name))}; `/exports` shows it.",
        )
    last = next(iter(labels.preparations_of(tx, name)), None)
    if last and last.state in (*PREPARING, "prepared"):
        raise UserError(
            f"{code(name)} is being prepared for {esc(last.requested_by_name)} already.",
            "The new export shows up in some minutes.",
        )
    if problem := readiness.problem(export, readiness.before(tx, export), services.policy.exports):
        raise UserError(esc(problem), "It cannot be prepared as it is.")
    return export


def machine(clusters: list[ClusterRow]) -> str | None:
    """The cluster to run on: one without GPUs where there is one, for nothing is learned here."""

    def works(cluster: ClusterRow) -> bool:
        broken = cluster.facts.get("provisioning_state") in ("Failed", "Deleting", "Canceled")
        return bool(cluster.facts.get("max_nodes")) and not broken

    usable = sorted(filter(works, clusters), key=lambda each: (each.facts.get("gpu") is not False, each.name))
    return usable[0].name if usable else None


@exports.follow(FOLLOWER, every=lambda policy: policy.pace.runs_seconds)
def follow_preparations(services: Services) -> None:
    """Moves every preparation one step; trouble with one keeps no other waiting."""
    with services.store.read() as tx:
        under_way = labels.open_preparations(tx)
    troubles = take_each(lambda preparation: _step(preparation, services), under_way, log)
    if under_way:
        services.wake(COURIER)
    if troubles:
        raise troubles[0]


def _step(preparation: Preparation, services: Services) -> None:
    (_observe if preparation.state == "running" else _submit)(preparation, services)


def _submit(preparation: Preparation, services: Services) -> None:
    """Taken again after any unclear outcome, as the job is made only once."""
    if preparation.next_try_at and services.clock.now() < preparation.next_try_at:
        return
    preparation = _change(preparation, services, state="submitting")
    try:
        component = services.azure.published(prepare_component_name(services.policy.training))
        if component is None:
            _fail(
                preparation,
                services,
                cause="The step that prepares exports is not published in this workspace.",
                remedy="Whoever runs Spotter publishes it with spotter publish-pipeline and a new version.",
            )
            return
        job = services.azure.prepare(
            preparations.Preparation(
                name=preparation.id,
                export_name=preparation.export_name,
                export_version=preparation.export_version,
                export_uri=preparation.export_uri,
                target=preparation.target,
                cluster=preparation.cluster,
                component=component,
            )
        )
    except (Refused, Denied, NameTaken) as refused:
        if refused.status == NO_SIGN_IN:
            _later(preparation, refused, services)
            raise
        told = explain([refused.message], refused.codes)
        raw = told.raw if told.is_known else ""
        _fail(preparation, services, cause=told.cause, remedy=told.remedy, raw=raw)
    except AzureError as trouble:
        _later(preparation, trouble, services)
        raise
    else:
        _change(preparation, services, state="running", trouble=None, **_seen(job))


def _observe(preparation: Preparation, services: Services) -> None:
    now = services.clock.now()
    try:
        job = services.azure.job(preparation.id)
    except NotFound:
        since = preparation.missing_since or now
        _change(preparation, services, missing_since=since)
        if now - since > GONE_AFTER:
            cause = "The job is not in Azure any more: someone deleted it."
            _fail(preparation, services, cause=cause, remedy="Prepare again if it is still wanted.")
        return
    if job.status == "Completed":
        _end(preparation, "prepared", services, **_seen(job))
        services.wake(EXPORTS)
    elif job.status == "Canceled":
        cause = "Its job was canceled in Azure."
        _fail(preparation, services, cause=cause, remedy="Prepare again if it is still wanted.")
    elif job.status == "Failed":
        _fail(preparation, services, **_why(preparation, services))
    else:
        _change(preparation, services, missing_since=None, **_seen(job))


def _seen(job: Job) -> dict[str, Any]:
    return {"status": job.status, "studio_url": job.studio_url or None}


def _why(preparation: Preparation, services: Services) -> dict[str, Any]:
    """The reason that the step itself wrote down, which stays so as the export stays as it is; else what Azure says."""
    fault = services.azure.fault(preparation.id)
    for line in reversed(fault.last_lines):
        if line.startswith(REASON):
            return {"cause": line.removeprefix(REASON), "remedy": CORRECT, "again": False}
    told = explain_fault(fault)
    return {"cause": told.cause, "remedy": told.remedy, "raw": told.raw if told.is_known else ""}


def _later(preparation: Preparation, trouble: AzureError, services: Services) -> None:
    again = next_try(preparation.tries, trouble, services)
    _change(preparation, services, **again, trouble=NOT_ANSWERING)


def _fail(preparation: Preparation, services: Services, **failure: Any) -> None:
    _end(preparation, "failed", services, failure={"again": True, **failure})


def _end(preparation: Preparation, state: str, services: Services, **columns: Any) -> None:
    ended = {"state": state, "ended_at": services.clock.now(), "trouble": None}
    _change(preparation, services, action=f"prepare.{state}", **ended, **columns)


def _change(
    preparation: Preparation, services: Services, *, action: str | None = None, **columns: Any
) -> Preparation:
    """The preparation as it is after the change, with its message and audit row."""
    with services.store.write() as tx:
        preparation = labels.change_preparation(tx, preparation.id, **columns)
        if action:
            audit.record(
                tx,
                at=services.clock.now(),
                actor="spotter",
                action=action,
                subject=preparation.id,
                target=preparation.target,
                failure=(preparation.failure or {}).get("cause"),
            )
        _show(tx, preparation, services)
    return preparation


def _show(tx: Connection, preparation: Preparation, services: Services) -> None:
    messages.want(
        tx,
        f"prepare:{preparation.id}",
        channel=preparation.channel,
        content=preparing(preparation).content(),
        at=services.clock.now(),
        urgency=messages.RESULT,
        fallback=preparation.requested_by,
    )
