"""Compute clusters: their nodes, what holds them up, and what the subscription still allows."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.azureml import machines
from infra.azureml.connection import Connection
from infra.azureml.errors import AzureError
from infra.http.fields import mapping, moment, seconds, sequence, text, whole

API = "2023-08-01-preview"
SIZES_KEPT_SECONDS = 3600
SIZES_ASKED_AGAIN_SECONDS = 600

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cluster:
    """An AmlCompute cluster. Counts are nodes; states are Azure's own words; `identities` are ARM ids of those that
    its nodes act as.
    """

    name: str
    id: str
    location: str
    vm_size: str
    gpu: bool | None
    min_nodes: int
    max_nodes: int
    current_nodes: int
    target_nodes: int
    running: int
    preparing: int
    idle: int
    unusable: int
    preempted: int
    leaving: int
    allocation_state: str
    changed_at: datetime | None
    priority: str
    provisioning_state: str
    errors: tuple[str, ...] = ()
    in_subnet: bool = False
    family: str = ""
    vcpus: int | None = None
    warning: str = ""
    idle_seconds: int | None = None
    identities: tuple[str, ...] = ()


@dataclass(frozen=True)
class Node:
    """One machine of a cluster; `run_id` is the run that holds it."""

    id: str
    state: str
    run_id: str


@dataclass(frozen=True)
class Usage:
    """How many vCPUs of a family are in use in a region, of how many allowed."""

    name: str
    title: str
    current: int
    limit: int


@dataclass(frozen=True)
class Size:
    """A VM size that the region offers."""

    name: str
    family: str
    vcpus: int | None
    gpus: int | None


class Clusters:
    """Reads clusters. What the identity may not see is None: it helps, but nothing depends on it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sizes: dict[str, tuple[float, Mapping[str, Size]]] = {}
        self._lock = threading.Lock()

    def all(self) -> list[Cluster]:
        """Every cluster of the workspace, by name. Compute of other kinds is left out."""
        found = self._connection.pages(self._connection.arm("computes"), api=API)
        clusters = [self._cluster(item) for item in found if _is_cluster(item)]
        return sorted(clusters, key=lambda cluster: cluster.name.lower())

    def one(self, name: str) -> Cluster:
        """One cluster, freshly read. Raises NotFound."""
        return self._cluster(self._connection.get(self._connection.arm("computes", name), api=API))

    def nodes(self, name: str) -> Sequence[Node] | None:
        """The machines of a cluster now, or None where the identity may not list them."""
        url: str = self._connection.arm("computes", name, "listNodes")
        try:
            told = self._connection.ask(url, api=API)
        except AzureError as fault:
            log.info("The nodes of %s are not available: %s", name, fault)
            return None
        return [
            Node(text(node, "nodeId"), text(node, "nodeState"), text(node, "runId"))
            for node in sequence(told, "nodes")
        ]

    def usage(self, location: str) -> Sequence[Usage] | None:
        """What the subscription uses and may use in a region, or None where that may not be read."""
        try:
            told = list(self._connection.pages(self._regional(location, "usages"), api=API))
        except AzureError as fault:
            log.info("The usage in %s is not available: %s", location, fault)
            return None
        return [
            Usage(
                name=text(item, "name", "value"),
                title=text(item, "name", "localizedValue") or text(item, "name", "value"),
                current=whole(item, "currentValue") or 0,
                limit=whole(item, "limit") or 0,
            )
            for item in told
        ]

    def _cluster(self, told: Any) -> Cluster:
        location = text(told, "properties", "computeLocation") or text(told, "location")
        return cluster_from(told, location, self.sizes(location))

    def sizes(self, location: str) -> Mapping[str, Size]:
        """The sizes offered in a region by lower-case name; empty where the region does not say."""
        now = time.monotonic()
        with self._lock:
            until, sizes = self._sizes.get(location, (0.0, {}))
        if now < until or not location:
            return sizes
        try:
            told = self._connection.get(self._regional(location, "vmSizes"), api=API)
            sizes = {size.name.lower(): size for size in map(_size, sequence(told, "value")) if size.name}
        except AzureError as fault:
            log.info("The VM sizes of %s are not available: %s", location, fault)
        kept = SIZES_KEPT_SECONDS if sizes else SIZES_ASKED_AGAIN_SECONDS
        with self._lock:
            self._sizes[location] = (now + kept, sizes)
        return sizes

    def _regional(self, location: str, what: str) -> str:
        place = self._connection.workspace.subscription
        return (
            f"{self._connection.cloud.resource_manager}/subscriptions/{place}"
            f"/providers/Microsoft.MachineLearningServices/locations/{location}/{what}"
        )


def cluster_from(told: Any, location: str, sizes: Mapping[str, Size]) -> Cluster:
    """A cluster from its body; `sizes` are what the region offers, empty where that is not known."""
    outer = mapping(told, "properties")
    inner = mapping(outer, "properties")
    vm_size = text(inner, "vmSize")
    size = sizes.get(vm_size.lower())
    counts = mapping(inner, "nodeStateCounts")
    return Cluster(
        name=text(told, "name"),
        id=text(told, "id"),
        location=location,
        vm_size=vm_size,
        gpu=size.gpus > 0 if size and size.gpus is not None else machines.has_gpu(vm_size),
        min_nodes=whole(inner, "scaleSettings", "minNodeCount") or 0,
        max_nodes=whole(inner, "scaleSettings", "maxNodeCount") or 0,
        current_nodes=whole(inner, "currentNodeCount") or 0,
        target_nodes=whole(inner, "targetNodeCount") or 0,
        running=whole(counts, "runningNodeCount") or 0,
        preparing=whole(counts, "preparingNodeCount") or 0,
        idle=whole(counts, "idleNodeCount") or 0,
        unusable=whole(counts, "unusableNodeCount") or 0,
        preempted=whole(counts, "preemptedNodeCount") or 0,
        leaving=whole(counts, "leavingNodeCount") or 0,
        allocation_state=text(inner, "allocationState"),
        changed_at=moment(inner, "allocationStateTransitionTime"),
        priority=text(inner, "vmPriority"),
        provisioning_state=text(outer, "provisioningState"),
        errors=_errors(outer, "provisioningErrors") + _errors(inner, "errors"),
        in_subnet=bool(text(inner, "subnet", "id")),
        family=size.family if size else "",
        vcpus=size.vcpus if size else None,
        warning=machines.warning(vm_size) or ("" if size or not sizes else _not_offered(vm_size, location)),
        idle_seconds=seconds(inner, "scaleSettings", "nodeIdleTimeBeforeScaleDown"),
        identities=tuple(mapping(told, "identity", "userAssignedIdentities")),
    )


def usage_of(cluster: Cluster, usages: Sequence[Usage]) -> Usage | None:
    """What the quota says of a cluster's machine family."""
    wanted = "lowpriority" if cluster.priority == "LowPriority" else _plain(cluster.family)
    return next((usage for usage in usages if wanted and wanted in _plain(usage.name)), None)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _is_cluster(told: Any) -> bool:
    return text(told, "properties", "computeType").lower() == "amlcompute"


def _errors(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    found = [mapping(entry, "error") or mapping(entry) for entry in sequence(data, key)]
    return tuple(f"{text(each, 'code')}: {text(each, 'message')}".strip(": ") for each in found if each)


def _not_offered(vm_size: str, location: str) -> str:
    return f"{vm_size} is not among the sizes that {location} offers, so new nodes may not start."


def _size(told: Any) -> Size:
    return Size(text(told, "name"), text(told, "family"), whole(told, "vCPUs"), whole(told, "gpus"))
