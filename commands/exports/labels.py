"""**Export labels**: one click asks Azure for one export, whatever becomes of Azure's answer.

requested → asking → exporting → exported, or failed, or unknown. Azure makes an export for every request and takes no
name for it, so it is asked once. Where its answer was lost, Spotter looks for the new export instead of asking again.
"""

import hashlib
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from commands.exports.command import exports, pattern
from commands.exports.messages import exporting
from commands.exports.projects import belongs, known_projects
from commands.kit.blocks import note
from commands.kit.command import COURIER, Answer, Asked, Reply
from commands.kit.errors import UserError
from commands.kit.services import Services
from commands.kit.trying import next_try, take_each
from commands.kit.words import duration, esc
from infra.azureml import labeling
from infra.azureml.errors import AzureError, Denied, NotFound, Refused, Throttled, Unclear
from infra.failures.explain import explain
from storage import audit, labels, messages
from storage.labels import LabelExport

log = structlog.get_logger("labels")
FOLLOWER, EXPORTS = "labels", "exports"
LOOK_FOR = timedelta(minutes=10)
NO_SIGN_IN = 401
NOT_ANSWERING = "Azure is not answering. The request is kept, and Spotter tries again by itself."
ASK_AGAIN = "Export labels again if the new export is still wanted."
NO_ANSWER = (
    "Azure did not say whether it has begun. Spotter looks for the new export, and asks for no second one."
)


@exports.action("label", role="train", changes=True)
def export_labels(project_id: str, asked: Asked, services: Services) -> Answer:
    """Commit the wish, its audit row and the live message; the follower asks Azure."""
    now = services.clock.now()
    wish_id = hashlib.sha256(asked.key.encode()).hexdigest()[:16]
    with services.store.write() as tx:
        if there := labels.get_export(tx, wish_id):
            return Reply(note(f"{esc(exporting(there).text)} `/exports` shows how things stand now."))
        project = next((each for each in known_projects(tx) if each.id == project_id), None)
        if project is None:
            raise UserError(
                "That labeling project is not in the workspace any more.", "`/exports` shows the others."
            )
        if other := next((each for each in labels.open_exports(tx) if each.project == project_id), None):
            raise UserError(
                f"The labels of {esc(project.title)} are being exported for {esc(other.requested_by_name)} already.",
                "The new export shows up in a minute.",
            )
        if not project.labelled:
            raise UserError(f"Nothing is labelled in {esc(project.title)} yet.", "Label some pictures first.")
        wish = LabelExport(
            id=wish_id,
            state="requested",
            project=project.id,
            title=project.title,
            labelled=project.labelled,
            requested_by=asked.person.id,
            requested_by_name=asked.person.name,
            channel=asked.channel,
            requested_at=now,
        )
        labels.add_export(tx, wish)
        audit.record(
            tx,
            at=now,
            actor=asked.person.id,
            action="labels.request",
            subject=f"labels:{wish.id}",
            project=project.id,
            labelled=project.labelled,
        )
        _show(tx, wish, services)
    services.wake(COURIER)
    services.wake(FOLLOWER)
    return None


@exports.follow(FOLLOWER, every=lambda policy: policy.pace.runs_seconds)
def follow_labels(services: Services) -> None:
    """Moves every wish one step; trouble with one keeps no other waiting."""
    with services.store.read() as tx:
        wishes = labels.open_exports(tx)
    troubles = take_each(lambda wish: _step(wish, services), wishes, log)
    if wishes:
        services.wake(COURIER)
    if troubles:
        raise troubles[0]


def _step(wish: LabelExport, services: Services) -> None:
    if wish.next_try_at and services.clock.now() < wish.next_try_at:
        return
    if wish.state == "requested":
        _ask(wish, services)
    elif wish.operation:
        _poll(wish, wish.operation, services)
    else:
        _look(wish, services)


def _ask(wish: LabelExport, services: Services) -> None:
    """The only place that asks Azure; that it does is committed before."""
    try:
        known = _exports_of(wish, services)
    except AzureError as trouble:
        _later(wish, trouble, services)
        raise
    wish = _change(wish, services, state="asking", asked_at=services.clock.now(), known=known, trouble=None)
    try:
        begun = services.azure.start_label_export(wish.project)
    except Unclear as lost:
        log.warning("label_export_unclear", wish=wish.id, error=str(lost))
        _change(wish, services, trouble=NO_ANSWER)
    except (Refused, NotFound, Denied, Throttled) as refused:
        if isinstance(refused, Throttled) or refused.status == NO_SIGN_IN:
            _later(wish, refused, services, state="requested")
            raise
        _refused(wish, refused, services)
    else:
        _take(wish, begun, services)


def _poll(wish: LabelExport, operation: str, services: Services) -> None:
    try:
        _take(wish, services.azure.label_export(operation), services)
    except NotFound:
        _change(wish, services, operation=None)
    except Refused as failed:
        _refused(wish, failed, services)


def _take(wish: LabelExport, told: labeling.LabelExport, services: Services) -> None:
    if told.asset:
        _end(wish, "exported", services, export_name=told.asset)
    else:
        _change(wish, services, state="exporting", operation=None if told.done else told.operation or None)


def _look(wish: LabelExport, services: Services) -> None:
    """Azure has not said what came of it: an export that was not there before is the one."""
    made = [name for name in _exports_of(wish, services) if name not in (wish.known or ())]
    with services.store.read() as tx:
        made = [name for name in made if labels.export_made(tx, name) is None]
    now = services.clock.now()
    if made:
        _end(wish, "exported", services, export_name=min(made))
    elif wish.asked_at and now - wish.asked_at > LOOK_FOR:
        cause = f"Azure's answer was lost, and no new export has shown up in {duration(LOOK_FOR)}."
        _end(wish, "unknown", services, failure={"cause": cause, "remedy": ASK_AGAIN})


def _exports_of(wish: LabelExport, services: Services) -> list[str]:
    found = services.azure.exports(pattern(services))
    return [export.name for export in found if belongs(export.name, wish.title)]


def _refused(wish: LabelExport, refused: AzureError, services: Services) -> None:
    if isinstance(refused, NotFound):
        failure = {"cause": "The labeling project is not in the workspace any more.", "remedy": ""}
    else:
        told = explain([refused.message], refused.codes)
        failure = {"cause": told.cause, "remedy": told.remedy, "raw": told.raw if told.is_known else ""}
    _end(wish, "failed", services, failure=failure)


def _later(wish: LabelExport, trouble: AzureError, services: Services, **columns: Any) -> None:
    _change(wish, services, **next_try(wish.tries, trouble, services), trouble=NOT_ANSWERING, **columns)


def _end(wish: LabelExport, state: str, services: Services, **columns: Any) -> None:
    ended = {"state": state, "ended_at": services.clock.now(), "trouble": None}
    _change(wish, services, action=f"labels.{state}", **ended, **columns)
    services.wake(EXPORTS)


def _change(
    wish: LabelExport, services: Services, *, action: str | None = None, **columns: Any
) -> LabelExport:
    """The wish as it is after the change, with its message and audit row."""
    with services.store.write() as tx:
        wish = labels.change_export(tx, wish.id, **columns)
        if action:
            audit.record(
                tx,
                at=services.clock.now(),
                actor="spotter",
                action=action,
                subject=f"labels:{wish.id}",
                export=wish.export_name,
                failure=(wish.failure or {}).get("cause"),
            )
        _show(tx, wish, services)
    return wish


def _show(tx: Connection, wish: LabelExport, services: Services) -> None:
    messages.want(
        tx,
        f"labels:{wish.id}",
        channel=wish.channel,
        content=exporting(wish).content(),
        at=services.clock.now(),
        urgency=messages.RESULT,
        fallback=wish.requested_by,
    )
