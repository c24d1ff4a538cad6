"""The captured pictures: the datastore that shows their container to the workspace, and a look into it."""

from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from infra.azureml import datastores
from infra.azureml.datastores import NO_CREDENTIALS, WORKSPACE_IDENTITY, Datastore
from infra.azureml.errors import Denied, NotFound, Unreadable
from infra.azureml.storage import Storage
from infra.setup.step import Finding, Todo, differs, fine, for_a_person, missing, waits
from infra.setup.wanted import PicturesWanted
from infra.setup.world import World

SHOWN = 3


@dataclass(frozen=True)
class DatastoreStep:
    """Read by whoever asks with their own identity: no key is stored."""

    world: World
    wanted: PicturesWanted
    kind: ClassVar[str] = "Datastore"

    @property
    def name(self) -> str:
        return self.wanted.name

    def look(self) -> Finding:
        there = datastores.one(self.world.azure, self.name)
        account = self.wanted.account or (there.account if there else "")
        place = f"{account}/{self.wanted.container}"
        if not account:
            return for_a_person("is not there, and no storage account is set for it", self._account_needed())
        if there is None:
            return missing(f"on {place}, without a key", lambda: self._put(account))
        if there.kind != "AzureBlob" or f"{there.account}/{there.container}" != place:
            found = f"{there.account}/{there.container}" if there.account else there.kind
            return for_a_person(f"is on {found}, not on {place}", self._elsewhere(found))
        if there.credentials != NO_CREDENTIALS:
            words = f"signs in with {there.credentials}; would be without a key"
            return differs(words, lambda: self._put(account))
        if there.service_identity != WORKSPACE_IDENTITY:
            words = "the studio does not browse it as the workspace yet"
            return differs(words, lambda: self._put(account))
        return fine(f"on {place}, without a key")

    def by_hand(self) -> Todo:
        return Todo(
            f"Create the datastore {self.name}",
            self.world.studio_page("data/datastore"),
            (
                ("Datastore type", "Azure Blob Storage"),
                ("Storage account", self.wanted.account),
                ("Blob container", self.wanted.container),
                ("Save credentials", "No"),
                ("Use workspace managed identity for preview", "Yes"),
            ),
        )

    def _put(self, account: str) -> None:
        wanted, what = self.wanted, "Pictures captured on the edge"
        datastores.put(self.world.azure, wanted.name, account, wanted.container, what)

    def _account_needed(self) -> Todo:
        return Todo(
            "Set [provision.datastore] account to the storage account with the captured pictures",
            self.world.portal_page(self.world.group_id),
        )

    def _elsewhere(self, found: str) -> Todo:
        return Todo(
            f"Labels and trainings point into datastore {self.name} on {found}, so it stays: set another name under"
            " [provision.datastore], or correct account and container there",
            self.world.studio_page("data/datastore"),
        )


@dataclass(frozen=True)
class BrowseStep:
    """Proof of access: some pictures, found by a wildcard path."""

    world: World
    wanted: PicturesWanted
    kind: ClassVar[str] = "Pictures"

    @property
    def name(self) -> str:
        return self.wanted.path

    def look(self) -> Finding:
        there = datastores.one(self.world.azure, self.wanted.name)
        if there is None:
            return waits(f"once the datastore {self.wanted.name} is there")
        storage = Storage(self.world.azure)
        try:
            found = list(islice(datastores.browse(storage, self.wanted.name, self.wanted.path), SHOWN + 1))
        except Unreadable as fault:
            if isinstance(fault.__cause__, Denied):
                return for_a_person("may not be read by this identity", self._reader(there.account))
            gone = isinstance(fault.__cause__, NotFound)
            words = f"there is no {there.account}/{there.container}" if gone else fault.reason
            return for_a_person(words, self._container(there))
        if not found:
            return for_a_person("no picture has such a path", self._nothing())
        more = ", …" if len(found) > SHOWN else ""
        return fine(", ".join(found[:SHOWN]) + more)

    def by_hand(self) -> Todo:
        return self._reader(self.wanted.account)

    def _reader(self, account: str) -> Todo:
        return Todo(
            "Let yourself, who runs this, read the pictures: Access control (IAM) → Add role assignment",
            self.world.portal_page(self.world.account_id(account), "users"),
            (("Role", "Storage Blob Data Reader"), ("Member", "yourself")),
        )

    def _container(self, there: Datastore) -> Todo:
        return Todo(
            f"See that storage account {there.account} has the container {there.container}",
            self.world.portal_page(self.world.account_id(there.account), "containersList"),
        )

    def _nothing(self) -> Todo:
        return Todo(
            "Look what is in the container, and set [provision.datastore] path to match",
            self.world.studio_page(f"data/datastore/{self.wanted.name}/view"),
            (("Path", self.wanted.path),),
        )
