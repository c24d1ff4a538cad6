"""Datastores: how the workspace knows a blob container, and what lies in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from infra.azureml.connection import Connection
from infra.azureml.errors import NotFound
from infra.azureml.storage import API, Storage
from infra.http.fields import mapping, text

WORKSPACE_IDENTITY = "WorkspaceSystemAssignedIdentity"
NO_CREDENTIALS = "None"
LOOKED_THROUGH = 20_000
_WILDCARD = re.compile(r"[*?]")


@dataclass(frozen=True)
class Datastore:
    """`credentials` is Azure's word for what it signs in with: None means as whoever asks. `service_identity` is with
    what the studio itself reads."""

    name: str
    kind: str
    account: str
    container: str
    credentials: str
    service_identity: str


def one(connection: Connection, name: str) -> Datastore | None:
    """None where there is none of that name."""
    try:
        told = connection.get(connection.arm("datastores", name), api=API)
    except NotFound:
        return None
    about = mapping(told, "properties")
    return Datastore(
        name=text(told, "name") or name,
        kind=text(about, "datastoreType"),
        account=text(about, "accountName"),
        container=text(about, "containerName"),
        credentials=text(about, "credentials", "credentialsType"),
        service_identity=text(about, "serviceDataAccessAuthIdentity"),
    )


def put(connection: Connection, name: str, account: str, container: str, description: str) -> None:
    """Attaches a blob container without any key, or makes the datastore of that name so. Safe to repeat."""
    workspace = connection.workspace
    properties: dict[str, Any] = {
        "datastoreType": "AzureBlob",
        "description": description,
        "accountName": account,
        "containerName": container,
        "endpoint": connection.cloud.storage_suffix,
        "protocol": "https",
        "resourceGroup": workspace.resource_group,
        "subscriptionId": workspace.subscription,
        "credentials": {"credentialsType": NO_CREDENTIALS},
        "serviceDataAccessAuthIdentity": WORKSPACE_IDENTITY,
    }
    connection.change("PUT", connection.arm("datastores", name), {"properties": properties}, api=API)


def browse(storage: Storage, datastore: str, wildcard: str) -> Iterator[str]:
    """Paths that match, in the order of their names, from the first some thousand below the wildcard's fixed start.

    `*` and `?` stay within a folder, `**` goes through folders. Raises Unreadable.
    """
    fixed = _WILDCARD.split(wildcard, maxsplit=1)[0]
    pattern = _pattern(wildcard)
    names = storage.names(storage.locate(f"azureml://datastores/{datastore}/paths/{fixed}"))
    return (name for name in islice(names, LOOKED_THROUGH) if pattern.fullmatch(name))


def _pattern(wildcard: str) -> re.Pattern[str]:
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", wildcard)
    return re.compile("".join(parts.get(piece) or re.escape(piece) for piece in pieces))
