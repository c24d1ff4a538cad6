"""Datastores and the blobs in them: one folder tree per datastore, so that jobs can read what clients upload."""

import base64
import hashlib
import hmac
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

ARTIFACT_STORE = "workspaceartifactstore"
DEFAULT_STORE = "workspaceblobstore"


@dataclass(frozen=True)
class Blob:
    name: str
    path: Path
    metadata: dict[str, str]

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    @property
    def modified(self) -> datetime:
        return datetime.fromtimestamp(self.path.stat().st_mtime, UTC)

    @property
    def etag(self) -> str:
        stat = self.path.stat()
        return f'"0x{stat.st_mtime_ns:X}{stat.st_size:X}"'


@dataclass
class Datastore:
    """A container of a storage account under a name the workspace knows."""

    name: str
    account: str
    container: str
    folder: Path
    is_default: bool = False
    is_registered: bool = True  # else a bare container, such as one that an asset is uploaded into
    has_container: bool = True  # a datastore may be attached before its container is there
    service_identity: str = "WorkspaceSystemAssignedIdentity"
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)

    def path_of(self, name: str) -> Path:
        """Where a blob lies on disk. Raises ValueError for a name that would leave the container."""
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise ValueError(f"not a blob name: {name}")
        return path

    def get(self, name: str) -> Blob | None:
        path = self.path_of(name)
        return Blob(name, path, self.metadata.get(name, {})) if name and path.is_file() else None

    def put(self, name: str, content: bytes, metadata: dict[str, str]) -> Blob:
        path = self.path_of(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
        partial.write_bytes(content)
        partial.replace(path)
        self.metadata[name] = metadata
        return Blob(name, path, metadata)

    def put_tree(self, source: Path, under: str) -> None:
        """Copies a file, or all files of a folder, under a blob prefix."""
        for file in sorted([source] if source.is_file() else (p for p in source.rglob("*") if p.is_file())):
            target = self.path_of(f"{under}/{file.relative_to(source)}" if source.is_dir() else under)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)  # never writes through a link that another twin shares
            shutil.copy2(file, target)

    def blobs(self, prefix: str = "") -> Iterator[Blob]:
        """Blobs by name order, whole-prefix match as the service does it."""
        files = (p for p in self.folder.rglob("*") if p.is_file() and not p.name.endswith(".partial"))
        for name in sorted(p.relative_to(self.folder).as_posix() for p in files):
            if name.startswith(prefix):
                yield Blob(name, self.folder / name, self.metadata.get(name, {}))


class Storage:
    """All datastores, found by name or by account and container, and the signatures that open single blobs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.stores: dict[str, Datastore] = {}
        self._key = secrets.token_bytes(32)

    @property
    def registered(self) -> list[Datastore]:
        """Those the workspace lists as its datastores."""
        return [store for store in self.stores.values() if store.is_registered]

    def add(
        self,
        name: str,
        account: str,
        container: str,
        *,
        is_default: bool = False,
        is_registered: bool = True,
    ) -> Datastore:
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        store = Datastore(name, account, container, folder, is_default, is_registered)
        self.stores[name] = store
        return store

    def add_container(self, account: str, container: str) -> Path:
        """Makes a container that no datastore shows yet; the folder in which its blobs lie."""
        bare = self.add(f"containers/{account}/{container}", account, container, is_registered=False)
        for store in self.stores.values():
            if (store.account, store.container) == (account, container):
                store.folder, store.has_container = bare.folder, True
                self._mount(store)
        return bare.folder

    def attach(self, name: str, account: str, container: str) -> Datastore:
        """A datastore on a container; attaching it makes no container, as in the service."""
        found = self.container(account, container)
        folder = found.folder if found else self.root / name
        store = Datastore(name, account, container, folder, has_container=found is not None)
        self.stores[name] = store
        if found:
            self._mount(store)
        return store

    def _mount(self, store: Datastore) -> None:
        """Jobs find a datastore's files under its name, wherever its container lies."""
        place = self.root / store.name
        if place != store.folder and not place.exists():
            place.symlink_to(store.folder, target_is_directory=True)

    def container(self, account: str, container: str) -> Datastore | None:
        for store in self.stores.values():
            if store.has_container and (store.account, store.container) == (account, container):
                return store
        return None

    def url(self, store: Datastore, name: str = "") -> str:
        base = f"https://{store.account}.blob.core.windows.net/{store.container}"
        return f"{base}/{quote(name)}" if name else base

    def sas_url(self, store: Datastore, name: str = "", *, permissions: str = "r", hours: float = 8.0) -> str:
        """A URL signed for one blob, or for the whole container when `name` is empty."""
        expires = (datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
        scope = "b" if name else "c"
        query = {"sv": "2022-11-02", "sr": scope, "se": expires, "sp": permissions, "spr": "https"}
        query["sig"] = self.signature(store, name, query)
        return f"{self.url(store, name)}?{urlencode(query)}"

    def signature(self, store: Datastore, name: str, query: dict[str, str]) -> str:
        resource = f"/blob/{store.account}/{store.container}" + (f"/{name}" if query.get("sr") == "b" else "")
        text = "\n".join([resource, query.get("sv", ""), query.get("se", ""), query.get("sp", "")])
        return base64.b64encode(hmac.new(self._key, text.encode(), hashlib.sha256).digest()).decode()
