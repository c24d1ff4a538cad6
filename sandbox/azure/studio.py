"""People's side of Azure: what they do in the studio or the portal, and what happens to their machines."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sandbox.azure import labeling
from sandbox.azure.arm.rules import check_name, checked
from sandbox.azure.assets import Version
from sandbox.azure.cluster import Cluster
from sandbox.azure.engine.jobs import ArmedFailure
from sandbox.azure.engine.pipeline import Engine
from sandbox.azure.label_export import Format, export
from sandbox.azure.labeling import Project
from sandbox.azure.managed_identities import ManagedIdentity
from sandbox.azure.runs import Run
from sandbox.azure.storage import DEFAULT_STORE
from sandbox.azure.vm import size_named
from sandbox.azure.workspace import Workspace
from sandbox.line.formats import Picture
from sandbox.line.scene import Box

Result = TypeVar("Result")
PERSON = "Line engineer"


class Studio:
    """Synchronous and safe from any thread; before the twin has started it acts at once."""

    def __init__(self, workspace: Workspace, engine: Engine) -> None:
        self._workspace = workspace
        self._engine = engine
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def _do(self, work: Callable[[], Result]) -> Result:
        if self._loop is None or not self._loop.is_running() or _running_loop() is self._loop:
            return work()

        async def on_loop() -> Result:
            return work()

        return asyncio.run_coroutine_threadsafe(on_loop(), self._loop).result(30)

    def add_datastore(self, name: str, account: str, container: str) -> Path:
        """The folder in which the datastore's files lie."""
        storage = self._workspace.storage

        def work() -> Path:
            there = storage.container(account, container) is not None
            return (storage.attach if there else storage.add)(name, account, container).folder

        return self._do(work)

    def add_container(self, account: str, container: str) -> Path:
        """A blob container that no datastore shows yet; the folder in which its blobs lie."""
        return self._do(lambda: self._workspace.storage.add_container(account, container))

    def add_identity(self, name: str) -> ManagedIdentity:
        """A user-assigned managed identity in the workspace's resource group."""
        return self._do(lambda: self._workspace.identities.add(name))

    def give_role(self, identity: str, role: str, scope: str) -> None:
        """`role` is the id of a role definition, `scope` that of a resource or of what holds it."""

        def work() -> None:
            self._workspace.identities.add(identity).roles.add((scope.lower(), role))

        self._do(work)

    def forbid(self, action: str) -> None:
        """Takes the right away from everybody: `Microsoft.MachineLearningServices/workspaces/computes/write`."""
        self._do(lambda: self._workspace.forbidden.add(action.lower()))

    def allow(self, action: str) -> None:
        self._do(lambda: self._workspace.forbidden.discard(action.lower()))

    def add_export(
        self,
        name: str,
        version: str,
        folder: Path,
        created_at: datetime,
        kind: str = "mltable",
        tags: dict[str, str] | None = None,
    ) -> None:
        """Registers what Data Labeling exported as a data asset: kind `mltable`, or `coco` (a folder with JSON)."""

        def work() -> None:
            check_name("data", name, version)
            store = self._workspace.storage.stores[DEFAULT_STORE]
            path = f"Labeling/export/{'coco' if kind == 'coco' else 'datasets'}/{name}/{version}"
            store.put_tree(folder, path)
            given = {
                "dataType": "uri_folder" if kind == "coco" else kind,
                "dataUri": self._workspace.place.datastore_uri(store.name, path),
                "tags": tags or {},
            }
            properties = checked(self._workspace, "data", name, given)
            made = Version(version, properties, created=created_at, modified=created_at, created_by=PERSON)
            container = self._workspace.assets.put("data", name, made)
            container.created = min(container.created, created_at)

        self._do(work)

    def add_labeling_project(
        self, name: str, datastore: str, pictures: Sequence[Picture], labelled: int = 0
    ) -> None:
        """A project with boxes over `pictures`, the first of which are labelled already."""

        def work() -> None:
            classes = sorted({box.label for picture in pictures for box in picture.boxes})
            project = Project(name, datastore, list(pictures), labeling.described(name, classes))
            project.label(labelled)
            self._workspace.labeling[name] = project

        self._do(work)

    def label(self, project: str, pictures: int, boxes: Sequence[Box] | None = None) -> int:
        """People label the next pictures of a project: with these boxes, or with what there is to see."""
        return self._do(lambda: self._workspace.labeling[project].label(pictures, boxes))

    def skip(self, project: str, pictures: int) -> None:
        self._do(lambda: self._workspace.labeling[project].skip(pictures))

    def export_labels(self, project: str, kind: Format = "Dataset") -> dict[str, Any]:
        """Somebody exports in the studio; returns the summary."""
        return self._do(lambda: export(self._workspace, self._workspace.labeling[project], kind))

    def add_cluster(self, name: str, vm_size: str, minimum: int, maximum: int, *, identity: str = "") -> None:
        """`identity` is what its nodes act as."""

        def work() -> Cluster:
            size = size_named(vm_size)
            if size is None:
                raise ValueError(f"no such machine size: {vm_size}")
            cluster = self._workspace.add_cluster(name, size, minimum, maximum)
            identities = self._workspace.identities
            cluster.identity = identities.acting_as(identities.add(identity)) if identity else None
            if self._loop is not None:
                cluster.settle()
            return cluster

        self._do(work)

    def register_by_hand(
        self,
        model: str,
        folder: Path,
        *,
        version: str | None = None,
        tags: dict[str, str] | None = None,
        description: str = "",
        created_at: datetime | None = None,
    ) -> str:
        """Uploads `folder` as a model's next version (or the one named) and returns its number."""

        def work() -> str:
            existing = self._workspace.assets.container("models", model)
            number = version or (existing.next if existing else "1")
            check_name("models", model, number)
            if self._workspace.assets.version("models", model, number):
                raise ValueError(f"{model}:{number} exists")
            store = self._workspace.storage.stores[DEFAULT_STORE]
            path = f"LocalUpload/{model}-{number}/{folder.name}"
            store.put_tree(folder, path)
            given = {
                "modelType": "custom_model",
                "modelUri": self._workspace.place.datastore_uri(store.name, path),
                "tags": tags or {},
                "description": description,
            }
            made = Version(number, checked(self._workspace, "models", model, given), created_by=PERSON)
            if created_at:
                made.created = made.modified = created_at
            self._workspace.assets.put("models", model, made)
            self._workspace.events.model_registered(model, number, given)
            return number

        return self._do(work)

    def delete_model_version(self, model: str, version: str) -> None:
        self._do(lambda: self._workspace.assets.delete("models", model, version))

    def delete_export(self, name: str, version: str) -> None:
        self._do(lambda: self._workspace.assets.delete("data", name, version))

    def fail_next_trial(self, message: str | None = None, *, exit_code: int = 1, at_epoch: int = 0) -> None:
        """The next trial to start ends after `at_epoch` epochs, with `message` as its error or silently."""
        self._do(lambda: self._engine.workshop.failures.append(ArmedFailure(message, exit_code, at_epoch)))

    def cancel_job(self, name: str) -> None:
        """Returns when the job and everything below it has ended."""
        run = self._workspace.runs.get(name)
        if run is not None and self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._engine.cancel(run), self._loop).result(30)

    def delete_job(self, name: str) -> None:
        """Removes a job with all its runs, whether it has ended or not; its processes end."""

        def work() -> None:
            run = self._workspace.runs.get(name)
            if run is not None:
                self._engine.abandon(name)
                self._workspace.runs.remove(run)

        self._do(work)

    def delete_cluster(self, name: str) -> None:
        self._do(lambda: self._workspace.clusters.pop(name).delete())

    def evict_node(self, cluster: str, *, running: str | None = None) -> str:
        """Takes a busy machine (the one that runs `running`, or the first) away; returns the run it ran."""
        return self._lose(cluster, running, "preempted")

    def break_node(self, cluster: str, *, running: str | None = None) -> str:
        """Makes a busy machine unusable; returns the run it ran."""
        return self._lose(cluster, running, "unusable")

    def _lose(self, cluster: str, running: str | None, state: str) -> str:
        def work() -> str:
            found = self._workspace.clusters[cluster]
            node = next(n for n in found.nodes if n.state == "running" and running in (None, n.run_id))
            run_id = str(node.run_id)
            found.lose(node, state)
            return run_id

        return self._do(work)

    def set_quota(self, family: str, cores: int) -> None:
        def work() -> None:
            self._workspace.quotas[family] = cores
            if self._loop is not None:
                self._workspace.settle_clusters()

        self._do(work)

    def set_capacity(self, cluster: str, *, available: bool) -> None:
        """Whether Azure has free machines of the cluster's size."""

        def work() -> None:
            found = self._workspace.clusters[cluster]
            region = self._workspace.place.region
            text = f"AllocationFailed: Azure has no free {found.size.name} machines in {region} now."
            found.no_capacity = None if available else text
            found.settle()

        self._do(work)

    def resize(self, cluster: str, minimum: int, maximum: int) -> None:
        def work() -> None:
            found = self._workspace.clusters[cluster]
            found.minimum, found.maximum = minimum, maximum
            found.settle()

        self._do(work)

    def subscribe_to_events(self, name: str, endpoint: str) -> None:
        """An Event Grid subscription of the workspace. Raises HandshakeRefusedError."""
        if self._loop is None:
            raise RuntimeError("the twin has not been started")
        wish = self._workspace.events.subscribe(name, endpoint)
        asyncio.run_coroutine_threadsafe(wish, self._loop).result(60)

    def deliver_event_again(self, name: str) -> None:
        """The last event of a subscription, with the id that it had."""
        self._do(lambda: self._workspace.events.again(name))

    def expire_tokens(self) -> None:
        self._do(self._workspace.tokens.revoke)

    def job(self, name: str) -> Run | None:
        """The run as it is now; its fields move on."""
        return self._do(lambda: self._workspace.runs.get(name))

    def jobs(self) -> list[Run]:
        """Submitted jobs, newest first."""
        return self._do(self._workspace.runs.roots)

    def children(self, run: Run) -> list[Run]:
        return self._do(lambda: self._workspace.runs.children(run))

    def clusters(self) -> list[dict[str, Any]]:
        """Name and state of each cluster, as its compute resource shows it."""
        return self._do(
            lambda: [
                {"name": c.name, **c.properties(), "waiting": len(c.queue)}
                for c in self._workspace.clusters.values()
            ]
        )


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
