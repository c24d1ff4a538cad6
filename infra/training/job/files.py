"""Files of datastores, read inside a job with the identity of its cluster."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import quote
from xml.etree import ElementTree

from infra.training.job.addresses import IN_DATASTORE
from infra.training.job.azure import Azure

ARTIFACTS = "workspaceartifactstore"
_OF_A_RUN = re.compile(r"azureml://jobs/(?P<run>[^/]+)/outputs/artifacts/(?:paths/)?(?P<path>.*)")


class NowhereError(Exception):
    """An address that is in no datastore of this workspace, so that no credentials are ever sent there."""


class Files:
    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self._containers: dict[str, str] = {}

    def read(self, address: str) -> bytes:
        """A file by its `azureml://` address. Raises NowhereError, and what `Azure` raises."""
        container, path = self._locate(address)
        return self._azure.blob(f"{container}/{quote(path)}")

    def copy(self, address: str, folder: Path) -> int:
        """Everything below an address; the number of files. Raises as `read`."""
        container, path = self._locate(address)
        prefix = f"{path.rstrip('/')}/"
        copied = 0
        for name in self._names(container, prefix):
            inside = PurePosixPath(name.removeprefix(prefix))
            if ".." in inside.parts or inside.is_absolute():
                raise NowhereError(f"{name} leaves its folder.")
            target = folder / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self._azure.blob(f"{container}/{quote(name)}"))
            copied += 1
        return copied

    def _names(self, container: str, prefix: str) -> Iterator[str]:
        listing = f"{container}?restype=container&comp=list&prefix={quote(prefix, safe='')}"
        marker: str | None = ""
        while marker is not None:
            page = self._azure.blob(f"{listing}&marker={quote(marker, safe='')}" if marker else listing)
            told = ElementTree.fromstring(page)  # noqa: S314  Azure's own
            yield from (name.text or "" for name in told.iter("Name"))
            marker = told.findtext("NextMarker") or None

    def _locate(self, address: str) -> tuple[str, str]:
        """The container's address and the path within it."""
        if of_run := _OF_A_RUN.fullmatch(address):
            return self._container(ARTIFACTS), f"ExperimentRun/dcid.{of_run['run']}/{of_run['path']}"
        found = IN_DATASTORE.fullmatch(address)
        if found is None:
            raise NowhereError(f"{address} is in no datastore.")
        return self._container(found["store"] or found["old"]), found["path"]

    def _container(self, store: str) -> str:
        if store not in self._containers:
            about = self._azure.datastore(store)
            account, container = (
                about.get("accountName"),
                about.get("containerName") or about.get("filesystem"),
            )
            if not account or not container:
                raise NowhereError(f"Datastore {store} is not blob storage.")
            suffix = about.get("endpoint") or "core.windows.net"
            self._containers[store] = (
                f"{about.get('protocol') or 'https'}://{account}.blob.{suffix}/{container}"
            )
        return self._containers[store]
