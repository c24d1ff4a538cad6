"""Keeps the index of labeling exports fresh, and counts what is in each new one."""

import re

from commands.exports.command import READ, exports
from commands.kit.services import Services
from infra.azureml.errors import Unreadable
from infra.azureml.exports import Export
from storage import catalog, marks
from storage.catalog import ExportRow

READABLE = ("mltable", "coco")


@exports.follow("exports", every=lambda policy: policy.pace.catalog_seconds)
def follow_exports(services: Services) -> None:
    """One list call; an export's annotations are read once, as versions never change."""
    found = services.azure.exports(re.compile(services.policy.exports.pattern))
    with services.store.read() as tx:
        known = {(row.name, row.version): row for row in catalog.list_exports(tx, limit=10_000)}
    for export in found:
        row = known.get((export.name, export.version))
        if row is None or (row.contents is None and export.kind in READABLE):
            _read(export, services)
    with services.store.write() as tx:
        catalog.keep_exports(tx, [(export.name, export.version) for export in found])
        marks.put(tx, READ, "done", services.clock.now())


def _read(export: Export, services: Services) -> None:
    contents, unreadable = None, None
    if export.kind in READABLE:
        try:
            read = services.azure.read_export(export)
            contents = {
                "images": read.images,
                "boxes": dict(read.boxes),
                "images_without_boxes": read.images_without_boxes,
                "blockers": list(read.blockers),
            }
        except Unreadable as failed:
            unreadable = failed.reason
    row = ExportRow(
        name=export.name,
        version=export.version,
        kind=export.kind,
        created_at=export.created_at,
        created_by=export.created_by,
        uri=export.uri,
        contents=contents,
        unreadable=unreadable,
        seen_at=services.clock.now(),
        present=True,
    )
    with services.store.write() as tx:
        catalog.put_export(tx, row)
