"""COCO exports as Data Labeling leaves them: files in the workspace's own container that are no data assets."""

import logging
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import PurePosixPath

from infra.azureml.connection import Connection
from infra.azureml.errors import Unreadable
from infra.azureml.exports import Export
from infra.azureml.names import DATA_NAME
from infra.azureml.storage import API, Storage
from infra.http.fields import text
from infra.training.job.addresses import name_of

FOLDER = "Labeling/export/coco/"

log = logging.getLogger(__name__)


class CocoFiles:
    """Finds them in the default datastore, whose name is looked up once."""

    def __init__(self, connection: Connection, storage: Storage) -> None:
        self._connection = connection
        self._storage = storage
        self._store = ""

    def all(self, pattern: re.Pattern[str]) -> list[Export]:
        """Every such file; none where the container may not be listed.

        A file keeps its name where that follows the pattern of exports; another one is named by its time.
        """
        try:
            return list(self._found(pattern))
        except Unreadable as fault:
            log.info("COCO files are not available: %s", fault.reason)
            return []

    def _found(self, pattern: re.Pattern[str]) -> Iterator[Export]:
        store = self._default_store()
        at = self._connection.workspace
        root = (
            f"azureml://subscriptions/{at.subscription}/resourcegroups/{at.resource_group}/workspaces/{at.name}"
            f"/datastores/{store}/paths/"
        )
        for path, changed in self._storage.dated(self._storage.locate(root + FOLDER)):
            if path.lower().endswith(".json"):
                yield _export(PurePosixPath(path).stem, root + path, changed, pattern)

    def _default_store(self) -> str:
        if not self._store:
            told = self._connection.pages(self._connection.arm("datastores"), api=API, isDefault="true")
            self._store = text(next(iter(told), None), "name")
        return self._store


def _export(stem: str, uri: str, changed: datetime, pattern: re.Pattern[str]) -> Export:
    named = bool(pattern.fullmatch(stem)) and DATA_NAME.allows(stem)
    return Export(
        name=stem if named else f"coco_{changed:%Y%m%d_%H%M%S}",
        version="1" if named else stem,
        created_at=changed,
        created_by="",
        kind="coco",
        uri=uri,
    )


def beside(assets: Sequence[Export], files: Sequence[Export]) -> list[Export]:
    """The files that lie in none of the assets."""
    places = [name_of(asset.uri).rstrip("/") for asset in assets]

    def is_within(name: str) -> bool:
        return any(name == place or name.startswith(f"{place}/") for place in places)

    return [file for file in files if not is_within(name_of(file.uri))]
