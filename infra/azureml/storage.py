"""Reading files of datastores: from the many spellings of a place to a blob and its bytes."""

import re
import threading
from dataclasses import dataclass
from urllib.parse import urlsplit

from infra.azureml.connection import STORAGE_VERSION, Connection
from infra.azureml.errors import AzureError, Denied, NotFound, Refused, Unreadable
from infra.azureml.fields import mapping, text

API = "2024-10-01-preview"
LARGEST = 64 * 1024 * 1024

_IN_DATASTORE = re.compile(
    r"(?:azureml://(?:subscriptions/.+?/workspaces/[^/]+/)?datastores/(?P<store>[^/]+)/paths/"
    r"|AmlDatastore://(?P<old>[^/]+)/)(?P<path>.*)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Place:
    """A file or folder in blob storage; `url` has no query."""

    url: str

    def child(self, path: str) -> "Place":
        return Place(f"{self.url.rstrip('/')}/{path.removeprefix('./').lstrip('/')}")


class Storage:
    """Finds and reads blobs with the identity of this process. Raises Unreadable with a sentence for people."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._containers: dict[str, str] = {}
        self._lock = threading.Lock()

    def locate(self, uri: str) -> Place:
        """The blob behind a data asset's uri."""
        if found := _IN_DATASTORE.fullmatch(uri):
            return Place(self._container(found["store"] or found["old"])).child(found["path"])
        host = urlsplit(uri).hostname or ""
        # Never hand the storage token to a host that is not this cloud's storage, whatever an asset says.
        if uri.startswith("https://") and host.endswith(f".blob.{self._connection.cloud.storage_suffix}"):
            return Place(uri.partition("?")[0])
        raise Unreadable(f"{uri} is not in a blob datastore, so it cannot be looked into.")

    def read(self, place: Place) -> bytes:
        """A whole file of at most `LARGEST` bytes."""
        headers = {"x-ms-version": STORAGE_VERSION, "Range": f"bytes=0-{LARGEST - 1}"}
        try:
            response = self._connection.send("GET", place.url, audience="storage", headers=headers)
        except NotFound as fault:
            raise Unreadable(f"{place.url} does not exist.") from fault
        except Denied as fault:
            raise Unreadable(
                f"{place.url} may not be read: Spotter's identity needs the role Storage Blob Data Reader there."
            ) from fault
        except Refused as fault:
            if fault.status == 416:  # a range of an empty blob
                return b""
            raise Unreadable(f"{place.url} could not be read: {fault.message}") from fault
        except AzureError as fault:
            raise Unreadable(f"{place.url} could not be read: {fault.message}") from fault
        size = response.headers.get("Content-Range", "").rpartition("/")[2]
        if size.isdigit() and int(size) > LARGEST:
            raise Unreadable(f"{place.url} is larger than {LARGEST // 1024**2} MB, too large to look into.")
        content: bytes = response.content
        return content

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
        suffix = text(about, "endpoint") or self._connection.cloud.storage_suffix
        return f"{text(about, 'protocol') or 'https'}://{account}.blob.{suffix}/{container}"
