"""What a registry keeps: blobs and manifests by digest, tags that point to them."""

import hashlib
import json
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*(?:/[a-z0-9]+(?:[._-][a-z0-9]+)*)*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


class ImageNotFound(Exception):
    """There is no such image; the message names it."""


@dataclass(frozen=True)
class Image:
    """`settings` is the image's `config`: Env, Entrypoint, Cmd, WorkingDir. `layers` are tar files, lowest first."""

    digest: str
    settings: dict[str, Any]
    layers: tuple[Path, ...]

    def unpack(self, folder: Path) -> None:
        for layer in self.layers:
            with tarfile.open(layer) as archive:
                archive.extractall(folder, filter="data")


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Store:
    """Safe to read from any thread; `host` is the registry's name in references."""

    def __init__(self, folder: Path, host: str) -> None:
        self.host = host
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._held: dict[str, set[str]] = {}
        self.tags: dict[str, dict[str, str]] = {}

    def put_blob(self, repository: str, content: bytes) -> str:
        digest = digest_of(content)
        self._path(digest).write_bytes(content)
        self._held.setdefault(repository, set()).add(digest)
        return digest

    def put_manifest(self, repository: str, reference: str, content: bytes) -> str:
        """Raises ValueError naming a blob that was not pushed, or a manifest that cannot be read."""
        told = json.loads(content)
        for part in (told["config"], *told["layers"]):
            if not self.has(repository, str(part["digest"])):
                raise ValueError(f"blob {part['digest']} was not pushed")
        digest = self.put_blob(repository, content)
        if not DIGEST.fullmatch(reference):
            self.tags.setdefault(repository, {})[reference] = digest
        return digest

    def has(self, repository: str, digest: str) -> bool:
        return digest in self._held.get(repository, ())

    def blob(self, repository: str, digest: str) -> bytes | None:
        return self._path(digest).read_bytes() if self.has(repository, digest) else None

    def digest(self, repository: str, reference: str) -> str | None:
        """Of a tag or a digest, where it is there."""
        if DIGEST.fullmatch(reference):
            return reference if self.has(repository, reference) else None
        return self.tags.get(repository, {}).get(reference)

    def pull(self, reference: str) -> Image:
        """`host/repository:tag` or `host/repository@sha256:…`. Raises ImageNotFound."""
        host, _, rest = reference.partition("/")
        repository, at, wanted = rest.partition("@")
        if not at:
            repository, _, wanted = rest.rpartition(":")
        digest = self.digest(repository, wanted) if host == self.host else None
        manifest = self.blob(repository, digest) if digest else None
        if digest is None or manifest is None:
            raise ImageNotFound(f"manifest for {reference} not found: manifest unknown")
        told = json.loads(manifest)
        settings = json.loads(self._path(told["config"]["digest"]).read_bytes())["config"]
        return Image(digest, settings, tuple(self._path(layer["digest"]) for layer in told["layers"]))

    def _path(self, digest: str) -> Path:
        return self._folder / digest.replace(":", "-")
