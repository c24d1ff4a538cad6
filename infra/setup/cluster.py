"""The GPU cluster that trainings run on, and the quota that it grows into."""

import time
from dataclasses import dataclass
from typing import ClassVar

from infra.azureml import identities, machines, scaling
from infra.azureml.clusters import Cluster, Clusters
from infra.azureml.errors import NotFound, Refused, Unavailable
from infra.azureml.scaling import Scale
from infra.setup.step import Finding, Todo, differs, fine, for_a_person, missing, waits
from infra.setup.wanted import ClusterWanted
from infra.setup.world import World, no_identity

READY = "succeeded"
FAILED = ("failed", "canceled")
POLL_SECONDS = 1.0
READY_WITHIN_SECONDS = 900.0


@dataclass(frozen=True)
class ClusterStep:
    world: World
    wanted: ClusterWanted
    kind: ClassVar[str] = "GPU cluster"

    @property
    def name(self) -> str:
        return self.wanted.name

    def look(self) -> Finding:
        there = self._there()
        return self._unmade() if there is None else self._compared(there)

    def by_hand(self) -> Todo:
        wanted = self.wanted
        return Todo(
            f"Create the compute cluster {wanted.name}: New → Dedicated, GPU",
            self.world.studio_page("compute/list/training"),
            (
                ("Location", self.world.region),
                ("Virtual machine size", wanted.vm_size),
                ("Compute name", wanted.name),
                ("Minimum number of nodes", str(wanted.min_nodes)),
                ("Maximum number of nodes", str(wanted.max_nodes)),
                ("Idle seconds before scale down", str(wanted.idle_seconds)),
                ("Identity", f"User-assigned, {wanted.identity}"),
            ),
        )

    def _there(self) -> Cluster | None:
        try:
            return Clusters(self.world.azure).one(self.name)
        except NotFound:
            return None

    def _unmade(self) -> Finding:
        wanted = self.wanted
        sizes = Clusters(self.world.azure).sizes(self.world.region)
        warning = machines.warning(wanted.vm_size)
        if warning or (sizes and wanted.vm_size.lower() not in sizes):
            words = warning or f"{self.world.region} does not offer {wanted.vm_size}"
            return for_a_person(words, self._another_size())
        if identities.identity(self.world.azure, wanted.identity) is None:
            return no_identity(self.world, wanted.identity)
        return missing(_told(wanted.vm_size, self._scale()), self._make)

    def _compared(self, there: Cluster) -> Finding:
        state = there.provisioning_state.lower()
        if state in FAILED:
            why = f": {'; '.join(there.errors)}" if there.errors else ""
            return differs(f"could not be made{why}", self._make)
        if state and state != READY:
            return differs(f"is {there.provisioning_state.lower()}", self._wait)
        if there.vm_size.lower() != self.wanted.vm_size.lower():
            words = f"has {there.vm_size}, not {self.wanted.vm_size}"
            return for_a_person(words, self._another_name(there))
        scale, found = self._scale(), Scale(there.min_nodes, there.max_nodes, there.idle_seconds)
        if found != scale:
            return differs(f"{_bounds(found)}; wanted {_bounds(scale)}", self._rescale)
        acting = identities.arm_id(self.world.azure, self.wanted.identity).lower()
        if acting not in (identity.lower() for identity in there.identities):
            return for_a_person(f"does not act as {self.wanted.identity}", self._another_identity())
        return fine(_told(self.wanted.vm_size, scale))

    def _scale(self) -> Scale:
        return Scale(self.wanted.min_nodes, self.wanted.max_nodes, self.wanted.idle_seconds)

    def _make(self) -> None:
        wanted, azure = self.wanted, self.world.azure
        acting = identities.arm_id(azure, wanted.identity)
        scaling.make(azure, wanted.name, self.world.region, wanted.vm_size, self._scale(), acting)
        self._wait()

    def _rescale(self) -> None:
        scaling.change(self.world.azure, self.name, self._scale())
        self._wait()

    def _wait(self) -> None:
        """Until the cluster is there. Raises Refused where it cannot be, Unavailable where it takes too long."""
        clusters, deadline = Clusters(self.world.azure), time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < deadline:
            there = clusters.one(self.name)
            state = there.provisioning_state.lower()
            if state == READY:
                return
            if state in FAILED:
                raise Refused("; ".join(there.errors) or f"Azure ended with {there.provisioning_state}.")
            time.sleep(POLL_SECONDS)
        raise Unavailable(
            f"Cluster {self.name} is still being made after {READY_WITHIN_SECONDS / 60:g} minutes."
        )

    def _another_size(self) -> Todo:
        return Todo(
            "Choose a size with a GPU that the region offers, and set it as [provision.cluster] vm_size",
            self.world.studio_page("compute/list/training"),
            (("Region", self.world.region),),
        )

    def _another_name(self, there: Cluster) -> Todo:
        return Todo(
            f"A cluster keeps its machines. Delete {self.name} when nothing trains, or set another name or"
            f" vm_size = {there.vm_size!r} under [provision.cluster]",
            self.world.studio_page(f"compute/{self.name}/details"),
        )

    def _another_identity(self) -> Todo:
        return Todo(
            f"Let the cluster act as {self.wanted.identity}: Edit, next to Managed identity",
            self.world.studio_page(f"compute/{self.name}/details"),
            (("Identity", f"User-assigned, {self.wanted.identity}"),),
        )


@dataclass(frozen=True)
class QuotaStep:
    """Whether the subscription's quota covers all nodes of the cluster; only Microsoft can raise it."""

    world: World
    wanted: ClusterWanted
    kind: ClassVar[str] = "Quota"

    @property
    def name(self) -> str:
        return self.wanted.vm_size

    def look(self) -> Finding:
        size = Clusters(self.world.azure).sizes(self.world.region).get(self.wanted.vm_size.lower())
        if size is None or size.vcpus is None:
            return waits("once the size is settled")
        usages = Clusters(self.world.azure).usage(self.world.region)
        usage = next((each for each in usages or () if _plain(size.family) in _plain(each.name)), None)
        if usage is None:
            return waits("this identity may not see the subscription's usage")
        needed = size.vcpus * self.wanted.max_nodes
        if usage.limit < needed:
            words = f"{usage.limit} vCPUs; {self.wanted.max_nodes} nodes need {needed}"
            return for_a_person(words, self._raise(usage.title, needed))
        return fine(f"{needed} of {usage.limit} vCPUs")

    def by_hand(self) -> Todo:
        return self._raise(self.wanted.vm_size, None)

    def _raise(self, family: str, needed: int | None) -> Todo:
        limit = (("New limit", f"{needed} vCPUs"),) if needed else ()
        return Todo(
            "Ask for quota: Request quota",
            f"{self.world.azure.cloud.machine_learning}/quota",
            (("Region", self.world.region), ("VM family", family), *limit),
        )


def _told(vm_size: str, scale: Scale) -> str:
    return f"{vm_size}, {_bounds(scale)}"


def _bounds(scale: Scale) -> str:
    idle = f", idle {scale.idle_seconds}\u00a0s" if scale.idle_seconds is not None else ""
    return f"{scale.min_nodes} to {scale.max_nodes} nodes{idle}"


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
