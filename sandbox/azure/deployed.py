"""What the infrastructure pipeline deploys before anybody provisions: identities with roles, a place for pictures."""

import shutil
from pathlib import Path

from sandbox.azure.storage import DEFAULT_STORE
from sandbox.azure.twin import AzureTwin

PICTURES_ACCOUNT = "edgevisionstorage"
PICTURES_CONTAINER = "captures"

# Built-in roles have the same ids everywhere.
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
DATA_SCIENTIST = "f6c7c914-8db3-469d-8ca1-694a8f32e121"
BLOB_READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
BLOB_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"


def deploy(twin: AzureTwin) -> None:
    """The identities of pipelines and clusters, each with its roles."""
    place, storage = twin.workspace.place, twin.workspace.storage
    accounts = f"{place.arm_id.partition('/providers/')[0]}/providers/Microsoft.Storage/storageAccounts"
    store, pictures = f"{accounts}/{storage.stores[DEFAULT_STORE].account}", f"{accounts}/{PICTURES_ACCOUNT}"
    for identity, role, scope in (
        ("spotter-publish", DATA_SCIENTIST, place.arm_id),
        ("spotter-publish", BLOB_CONTRIBUTOR, store),
        ("spotter-edge", READER, place.arm_id),
        ("spotter-edge", BLOB_READER, store),
        ("spotter-training", DATA_SCIENTIST, place.arm_id),
        ("spotter-training", BLOB_CONTRIBUTOR, store),
        ("spotter-training", BLOB_READER, pictures),
    ):
        twin.studio.give_role(identity, role, scope)


def capture(twin: AzureTwin, pictures: Path) -> None:
    """Puts a folder of pictures where the edge writes them, before anybody has attached it to the workspace."""
    container = twin.studio.add_container(PICTURES_ACCOUNT, PICTURES_CONTAINER)
    shutil.copytree(pictures, container, dirs_exist_ok=True)
