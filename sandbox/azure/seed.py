"""What the sandbox's workspace holds when it opens: clusters, datastores, labeling exports of the bottling line."""

import os
import shutil
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from sandbox.azure.assets import Assets
from sandbox.azure.deployed import PICTURES_ACCOUNT, PICTURES_CONTAINER, deploy
from sandbox.azure.labeling import Project
from sandbox.azure.storage import Datastore
from sandbox.azure.twin import AzureTwin
from sandbox.line.exports import DATASTORE, QUEUE, SHOOT, ExportOnDisk, take_pictures, write_exports
from sandbox.line.formats import Workspace

GPU = "Standard_NC4as_T4_v3"


@dataclass(frozen=True)
class Content:
    """What a workspace holds, without the twin that serves it: it can be pickled, its files stay where they are."""

    assets: Assets
    labeling: dict[str, Project]
    stores: dict[str, Datastore]


def seed(twin: AzureTwin, folder: Path) -> list[ExportOnDisk]:
    """Fills the workspace; `folder` takes the rendered pictures and exports. Some seconds of rendering."""
    deploy(twin)
    add_clusters(twin)
    place = twin.workspace.place
    pictures = take_pictures(folder, SHOOT + QUEUE)
    workspace = Workspace(place.subscription, place.group, place.workspace)
    exports = write_exports(folder, pictures[:SHOOT], workspace)
    add_exports(twin, exports)
    twin.studio.add_labeling_project("caps", DATASTORE, pictures, labelled=SHOOT)
    return exports


def add_clusters(twin: AzureTwin) -> None:
    studio = twin.studio
    studio.add_cluster("gpu-cluster", GPU, 0, 4, identity="spotter-training")
    studio.add_cluster("gpu-small", GPU, 0, 1)
    studio.add_cluster("cpu-cluster", "Standard_DS3_v2", 0, 2)
    studio.add_cluster("gpu-frozen", GPU, 0, 0)


def add_exports(twin: AzureTwin, exports: list[ExportOnDisk]) -> None:
    """Registers rendered exports, and copies their pictures into the datastore that their addresses name."""
    studio = twin.studio
    pictures = studio.add_datastore(DATASTORE, PICTURES_ACCOUNT, PICTURES_CONTAINER)
    for tree in {export.datastores for export in exports}:
        shutil.copytree(tree / DATASTORE, pictures, dirs_exist_ok=True)
    for export in exports:
        studio.add_export(export.name, export.version, export.folder, export.created_at, export.kind)


def content_of(twin: AzureTwin) -> Content:
    workspace = twin.workspace
    return Content(workspace.assets, workspace.labeling, workspace.storage.stores)


def copy(content: Content, twin: AzureTwin) -> None:
    """Fills a twin that has not started, in milliseconds."""
    deploy(twin)
    twin.workspace.assets = deepcopy(content.assets)
    twin.workspace.labeling = deepcopy(content.labeling)
    for name, store in content.stores.items():
        folder = twin.workspace.storage.stores.get(name) or twin.workspace.storage.add(
            name, store.account, store.container, is_registered=store.is_registered
        )
        shutil.copytree(store.folder, folder.folder, copy_function=os.link, dirs_exist_ok=True)
    add_clusters(twin)
