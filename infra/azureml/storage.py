"""Reading files of datastores: from the many spellings of a place to a blob and its bytes."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree

from infra.azureml.connection import STORAGE_VERSION, Connection
from infra.azureml.errors import AzureError, Denied, NotFound, Refused, Unreadable
from infra.http.answers import MOST_PAGES
from infra.http.fields import mapping, text
from infra.http.types import HttpResponse
from infra.training.job.addresses import IN_DATASTORE

API = "2024-10-01-preview"
ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
LARGEST = 64 * 1024 * 1024


@dataclass(frozen=True)
class Place:
    """A file or folder in a blob container, whose address has no trailing slash."""

    container: str
    path: str

    @property
    def url(self) -> str:
        return f"{self.container}/{quote(self.path)}"

    def child(self, path: str) -> "Place":
        return Place(self.container, f"{self.path.rstrip('/')}/{path.removeprefix('./')}".lstrip("/"))


class Storage:
    """Finds and reads blobs with the identity of this process. Raises Unreadable with a sentence for people."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._containers: dict[str, str] = {}
        self._lock = threading.Lock()

    def locate(self, uri: str) -> Place:
        """The blob behind a data asset's uri."""
        if found := IN_DATASTORE.fullmatch(uri):
            return Place(self._container(found["store"] or found["old"]), found["path"])
        address = urlsplit(uri)
        host, (container, _, path) = address.hostname or "", address.path.lstrip("/").partition("/")
        # Never hand the storage token to a host that is not this cloud's storage, whatever an asset says.
        if address.scheme == "https" and host.endswith(f".blob.{self._connection.cloud.storage_suffix}"):
            return Place(f"https://{host}/{container}", unquote(path))
        raise Unreadable(f"{uri} is not in a blob datastore, so it cannot be looked into.")

    def read(self, place: Place, at_most: int = LARGEST) -> bytes:
        """A whole file of at most so many bytes."""
        try:
            response = self._get(place.url, {"Range": f"bytes=0-{at_most - 1}"})
        except Refused as fault:
            if fault.status == 416:  # a range of an empty blob
                return b""
            raise Unreadable(f"{place.url} could not be read: {fault.message}") from fault
        size = response.headers.get("Content-Range", "").rpartition("/")[2]
        if size.isdigit() and int(size) > at_most:
            raise Unreadable(f"{place.url} is larger than {at_most // 1024**2} MB, too large to look into.")
        content: bytes = response.content
        return content

    def files(self, folder: Place, ending: str) -> list[Place]:
        """Files below a folder whose names end so; of the first some thousand files there."""
        prefix = quote(f"{folder.path.rstrip('/')}/")
        try:
            told = self._get(f"{folder.container}?restype=container&comp=list&prefix={prefix}").content
            names = [name.text or "" for name in ElementTree.fromstring(told).iter("Name")]  # noqa: S314  Azure's own
        except (Refused, ElementTree.ParseError) as fault:
            raise Unreadable(f"{folder.url} could not be listed: {fault}") from fault
        return [Place(folder.container, name) for name in names if name.lower().endswith(ending)]

    def names(self, start: Place) -> Iterator[str]:
        """Names of all blobs that begin like the place's path, a page at a time as they are consumed."""
        return (blob.findtext("Name") or "" for blob in self._blobs(start))

    def dated(self, start: Place) -> Iterator[tuple[str, datetime]]:
        """Names of all blobs that begin like the place's path, each with the time of its last change."""
        for blob in self._blobs(start):
            changed = blob.findtext("Properties/Last-Modified") or ""
            try:
                yield blob.findtext("Name") or "", parsedate_to_datetime(changed)
            except ValueError as fault:
                raise Unreadable(f"A file in {start.url} has no time of its last change.") from fault

    def digest(self, folder: Place) -> str:
        """SHA-256 over name, size and ETag of every file below a folder: any file written since changes it.

        Raises Unreadable, also where there is no file.
        """
        start = Place(folder.container, f"{folder.path.rstrip('/')}/")
        files = sorted(
            [
                blob.findtext("Name"),
                *(blob.findtext(f"Properties/{name}") for name in ("Content-Length", "Etag")),
            ]
            for blob in self._blobs(start)
        )
        if not files:
            raise Unreadable(f"{folder.url} has no files.")
        return hashlib.sha256(json.dumps(files).encode()).hexdigest()

    def _blobs(self, start: Place) -> Iterator[ElementTree.Element]:
        fixed = f"{start.container}?restype=container&comp=list&prefix={quote(start.path, safe='')}"
        marker: str | None = ""
        for _ in range(MOST_PAGES):
            try:
                told = self._get(f"{fixed}&marker={quote(marker, safe='')}" if marker else fixed).content
                page = ElementTree.fromstring(told)  # noqa: S314  Azure's own
            except (Refused, ElementTree.ParseError) as fault:
                raise Unreadable(f"{start.container} could not be listed: {fault}") from fault
            yield from page.iter("Blob")
            marker = page.findtext("NextMarker") or None
            if marker is None:
                return
        raise Unreadable(f"{start.container} has a list without an end.")

    def _get(self, url: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
        """One GET; raises Refused as it is and Unreadable for every other failure."""
        headers = {"x-ms-version": STORAGE_VERSION, **(headers or {})}
        try:
            return self._connection.send("GET", url, audience="storage", headers=headers)
        except Refused:
            raise
        except NotFound as fault:
            raise Unreadable(f"{url} does not exist.") from fault
        except Denied as fault:
            raise Unreadable(
                f"{url} may not be read: Spotter's identity needs the role Storage Blob Data Reader there."
            ) from fault
        except AzureError as fault:
            raise Unreadable(f"{url} could not be read: {fault.message}") from fault

    def _container(self, datastore: str) -> str:
        with self._lock:
            known = self._containers.get(datastore)
        if known is None:
            known = self._find_container(datastore)
            with self._lock:
                self._containers[datastore] = known
        return known

    def _find_container(self, datastore: str) -> str:
        try:
            told = self._connection.get(self._connection.arm("datastores", datastore), api=API)
        except AzureError as fault:
            raise Unreadable(f"Datastore {datastore} could not be read: {fault.message}") from fault
        about = mapping(told, "properties")
        account, container = (
            text(about, "accountName"),
            text(about, "containerName") or text(about, "filesystem"),
        )
        if not account or not container:
            raise Unreadable(f"Datastore {datastore} is not blob storage ({text(about, 'datastoreType')}).")
        suffix = self._connection.cloud.storage_suffix
        elsewhere = text(about, "endpoint") not in ("", suffix) or text(about, "protocol") not in (
            "",
            "https",
        )
        if elsewhere or not ACCOUNT.fullmatch(account):
            # as above: whoever makes a datastore must not choose who is handed the storage token
            raise Unreadable(
                f"Datastore {datastore} is not in this cloud's storage, so it is not looked into."
            )
        return f"https://{account}.blob.{suffix}/{quote(container, safe='$')}"
