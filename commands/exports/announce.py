"""The announcement of a new labeling export: once, in one place, and corrected when more is known."""

from typing import Any

from sqlalchemy import Connection

from commands.exports import readiness
from commands.exports.messages import announcement
from commands.exports.projects import belongs
from commands.kit.services import Services
from infra.azureml.contents import ExportContents
from infra.azureml.errors import NotFound, Unreadable
from infra.training.register import model_tags
from infra.training.split import held_out
from storage import audit, catalog, labels, messages
from storage.catalog import ExportRow, ModelRow

LOOK_BACK = 200  # versions


def was_announced(row: ExportRow, services: Services) -> bool:
    with services.store.read() as tx:
        return messages.get(tx, _key(row)) is not None


def tell(tx: Connection, row: ExportRow, services: Services, *, first: bool) -> None:
    """Where it was asked for, else where what nobody asked Spotter for is announced."""
    channel, person = _place(tx, row, services)
    if channel is None:
        return
    now = services.clock.now()
    previous = readiness.before(tx, row)
    problem = readiness.problem(row, previous, services.policy.exports)
    content = announcement(row, previous, problem, services.policy.exports).content()
    new = messages.want(
        tx, _key(row), channel=channel, content=content, at=now, urgency=messages.RESULT, fallback=person
    )
    if first and new:
        audit.record(
            tx, at=now, actor="spotter", action="export.announce", subject=f"{row.name}:{row.version}"
        )


def _place(tx: Connection, row: ExportRow, services: Services) -> tuple[str | None, str | None]:
    """The channel, and the person who asked for it, if someone did."""
    asked = labels.export_made(tx, row.name) or next(
        (
            wish
            for wish in labels.open_exports(tx)
            if wish.asked_at and belongs(row.name, wish.title) and row.name not in (wish.known or ())
        ),
        None,
    )
    prepared = next((each for each in labels.preparations_of(tx, row.name) if each.target == row.name), None)
    if wish := asked or prepared:
        return wish.channel, wish.requested_by
    return services.policy.channels.models, None


def measured_on(row: ExportRow, read: ExportContents, services: Services) -> dict[str, Any] | None:
    """How many of the pictures are those that the project's newest model was measured on, or may have been.

    By the model's tag it is known which pictures of its export were held out: those that are held out of every export.
    None where there is no such model, or nothing can be told.
    """
    with services.store.read() as tx:
        model = _model_of(tx, row)
    if model is None:
        return None
    dataset, version = (model.tags.get(tag, "") for tag in (model_tags.DATASET, model_tags.DATASET_VERSION))
    try:
        pictures = services.azure.read_export(services.azure.export(dataset, version or "1")).pictures
    except (Unreadable, NotFound):
        return None
    by_rule = model.tags.get(model_tags.HELD_OUT) == held_out.RULE
    if by_rule:
        pictures = frozenset(name for name in pictures if held_out.place_of(name) < held_out.SHARE)
    return {
        "model": f"{model.name} v{model.version}",
        "dataset": dataset,
        "held_out": len(pictures) if by_rule else None,
        "again": len(pictures & read.pictures),
    }


def _model_of(tx: Connection, row: ExportRow) -> ModelRow | None:
    """The newest model version that was trained on an earlier export of the same project."""
    for model in catalog.newest_versions(tx, LOOK_BACK):
        dataset = model.tags.get(model_tags.DATASET, "")
        if dataset != row.name and readiness.project(dataset) == readiness.project(row.name):
            return model
    return None


def _key(row: ExportRow) -> str:
    return f"export:{row.name}:{row.version}"
