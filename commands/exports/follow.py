"""Keeps the index of labeling exports fresh, counts what is in each new one, and has it announced.

At the first look ever, what is there already is taken as known, silently.
"""

from dataclasses import replace
from typing import Any

from commands.exports.announce import measured_on, tell, was_announced
from commands.exports.command import READ, exports, pattern
from commands.exports.labels import EXPORTS
from commands.exports.projects import read_projects
from commands.kit.command import COURIER
from commands.kit.services import Services
from infra.azureml.contents import ExportContents
from infra.azureml.errors import AzureError, Throttled, Unavailable, Unreadable
from infra.azureml.exports import Export
from storage import catalog, marks
from storage.catalog import ExportRow

READABLE = ("mltable", "coco")


@exports.follow(EXPORTS, every=lambda policy: policy.pace.catalog_seconds, rests=True)
def follow_exports(services: Services) -> None:
    """Two list calls; an export's annotations are read once, as versions never change."""
    found = services.azure.exports_and_files(pattern(services))
    with services.store.read() as tx:
        known = {(row.name, row.version): row for row in catalog.list_exports(tx, limit=10_000)}
        looked_before = marks.get(tx, READ) is not None
    trouble: AzureError | None = None
    for export in sorted(found, key=lambda each: (each.created_at is not None, each.created_at, each.name)):
        row = known.get((export.name, export.version))
        if row is None or (row.contents is None and export.kind in READABLE):
            announce = row is None and looked_before and _is_new(export, services)
            try:
                _read(export, services, announce=announce)
            except (
                Unavailable,
                Throttled,
            ) as passing:  # it is read and told of when its storage answers again
                trouble = passing
    there = [(export.name, export.version) for export in found]
    if not looked_before or known.keys() - there:
        with services.store.write() as tx:
            catalog.keep_exports(tx, there)
            if trouble is None:
                marks.put(tx, READ, "done", services.clock.now())
    if trouble:
        raise trouble


@exports.follow("labeling projects", every=lambda policy: policy.pace.catalog_seconds, rests=True)
def follow_projects(services: Services) -> None:
    read_projects(services)


def _read(export: Export, services: Services, *, announce: bool) -> None:
    """Counts an export and keeps it; tells of it if it is new, and again when it can be read at last."""
    read, unreadable = None, None
    if export.kind in READABLE:
        try:
            read = services.azure.read_export(export)
        except Unreadable as failed:
            if isinstance(failed.__cause__, Unavailable | Throttled):
                raise failed.__cause__ from failed
            unreadable = failed.reason
    row = ExportRow(
        name=export.name,
        version=export.version,
        kind=export.kind,
        created_at=export.created_at,
        created_by=export.created_by,
        uri=export.uri,
        contents=_counts(read) if read else None,
        unreadable=unreadable,
        seen_at=services.clock.now(),
        present=True,
    )
    told = announce or was_announced(row, services)
    if told and read:
        row = replace(row, contents={**_counts(read), "measured": measured_on(row, read, services)})
    with services.store.write() as tx:
        catalog.put_export(tx, row)
        if told and export.kind in READABLE:
            tell(tx, row, services, first=announce)
    services.wake(COURIER)


def _is_new(export: Export, services: Services) -> bool:
    """Whether it was never seen, also not before somebody took it out of sight for a while."""
    with services.store.read() as tx:
        return not catalog.has_seen_export(tx, export.name, export.version)


def _counts(read: ExportContents) -> dict[str, Any]:
    return {
        "images": read.images,
        "boxes": dict(read.boxes),
        "images_without_boxes": read.images_without_boxes,
        "blockers": list(read.blockers),
    }
