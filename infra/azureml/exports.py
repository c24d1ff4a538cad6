"""Labeling exports: data assets whose names follow the export pattern."""

import re
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from infra.azureml.connection import Connection
from infra.azureml.errors import NotFound
from infra.http.fields import mapping, moment, text, texts, value

API = "2023-04-01-preview"
AT_ONCE = 6
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

Kind = Literal["mltable", "coco", "other"]


@dataclass(frozen=True)
class Export:
    """One version of a labeling export. Only kind `mltable` can be trained on as it is."""

    name: str
    version: str
    created_at: datetime | None
    created_by: str
    kind: Kind
    uri: str
    tags: Mapping[str, str] = field(default_factory=dict)


class Exports:
    """Finds exports. Versions never change in Azure, so each is read once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._seen: dict[tuple[str, str], Export] = {}
        self._lock = threading.Lock()

    def named(self, pattern: re.Pattern[str]) -> list[Export]:
        """The latest version of every data asset whose whole name matches, newest first.

        One list call, and one call for each version that was not seen before.
        """
        url = self._connection.arm("data")
        latest = [
            (text(item, "name"), text(item, "properties", "latestVersion"))
            for item in self._connection.pages(url, api=API, listViewType="ActiveOnly")
            if pattern.fullmatch(text(item, "name")) and text(item, "properties", "latestVersion")
        ]
        with self._lock:
            unseen = [asset for asset in latest if asset not in self._seen]
        if unseen:
            with ThreadPoolExecutor(AT_ONCE, "exports") as pool:
                found = [export for export in pool.map(self._read, unseen) if export]
            with self._lock:
                self._seen.update({(export.name, export.version): export for export in found})
        with self._lock:
            exports = [self._seen[asset] for asset in latest if asset in self._seen]
        return sorted(exports, key=lambda export: (export.created_at or _LONG_AGO, export.name), reverse=True)

    def version(self, name: str, version: str) -> Export:
        """One version. Raises NotFound."""
        return export_from(
            self._connection.get(self._connection.arm("data", name, "versions", version), api=API),
            name,
            version,
        )

    def _read(self, asset: tuple[str, str]) -> Export | None:
        try:
            return self.version(*asset)
        except NotFound:  # archived or deleted since the list was made
            return None


def export_from(told: Any, name: str, version: str) -> Export:
    """An export from the body of a data version."""
    about = mapping(told, "properties")
    uri = text(about, "dataUri")
    system = mapping(told, "systemData")
    return Export(
        name=name,
        version=version,
        created_at=moment(value(system, "createdAt")),
        created_by=text(system, "createdBy"),
        kind=_kind(text(about, "dataType"), uri),
        uri=uri,
        tags=texts(about, "tags"),
    )


def _kind(data_type: str, uri: str) -> Kind:
    if data_type.lower() == "mltable":
        return "mltable"
    path = uri.lower()
    return "coco" if path.endswith(".json") or "/coco" in path else "other"
