"""Code that steps run, as Azure's own tools register it: found by what is in it, else uploaded."""

import hashlib
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

from infra.azureml.connection import STORAGE_VERSION, Connection
from infra.azureml.errors import Refused
from infra.http.fields import sequence, text
from infra.http.safety import is_address

API = "2023-04-01"
HASH_VERSION = 202208  # of the way in which Azure's tools sum up a folder
FOLDER = "code"


def registered(connection: Connection, folder: Path) -> str:
    """The ARM id of a code asset with just the files below the folder. Raises AzureError."""
    files = {file.relative_to(folder).as_posix(): file.read_bytes() for file in _files(folder)}
    name, content = str(uuid4()), content_hash(files)
    versions = connection.arm("codes", name, "versions")  # Azure looks among all codes, whatever their names
    alike = sequence(connection.get(versions, api=API, hash=content, hashVersion=HASH_VERSION), "value")
    if alike and (there := text(alike[0], "id")):
        return there
    version = connection.arm("codes", name, "versions", "1")
    body = {
        "properties": {
            "codeUri": _upload(connection, version, files),
            "isAnonymous": True,
            "properties": {"hash_sha256": content, "hash_version": HASH_VERSION},
        }
    }
    told = connection.change("PUT", version, body, api=API)
    return text(told, "id") or f"{connection.workspace.path}/codes/{name}/versions/1"


def content_hash(files: dict[str, bytes]) -> str:
    """SHA-256 over the number of files, their paths and sizes, then their contents, as azure-ai-ml sums them up."""
    paths = sorted(files, key=str.lower)
    digest = hashlib.sha256(str(len(paths)).encode())
    for path in paths:
        digest.update(f"#{path}#{len(files[path])}".encode())
    for path in paths:
        digest.update(files[path])
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _upload(connection: Connection, version: str, files: dict[str, bytes]) -> str:
    """To where Azure wants them; the address of their folder there."""
    place = connection.ask(
        f"{version}/startPendingUpload", {"pendingUploadType": "TemporaryBlobReference"}, api=API
    )
    address = text(place, "blobReferenceForConsumption", "blobUri")
    signed = text(place, "blobReferenceForConsumption", "credential", "sasUri")
    if not (is_address(address) and is_address(signed)):
        raise Refused("Azure names no place to upload the steps' code to.")
    container, _, signature = signed.partition("?")
    headers = {
        "x-ms-blob-type": "BlockBlob",
        "x-ms-version": STORAGE_VERSION,
        "Content-Type": "application/octet-stream",
    }
    for path, content in files.items():
        url = f"{container}/{FOLDER}/{quote(path)}?{signature}"
        connection.send("PUT", url, audience="none", content=content, headers=headers)
    return f"{address}/{FOLDER}"
