"""Everything the twins share: one workspace with its storage, assets, clusters and runs."""

from pathlib import Path

from sandbox.azure.assets import Assets
from sandbox.azure.cluster import Cluster
from sandbox.azure.events import EventGrid
from sandbox.azure.identity import Identity
from sandbox.azure.labeling import Project
from sandbox.azure.managed_identities import ManagedIdentities
from sandbox.azure.pace import Pace
from sandbox.azure.place import Place
from sandbox.azure.runs import RunTree
from sandbox.azure.storage import ARTIFACT_STORE, DEFAULT_STORE, Storage
from sandbox.azure.times import now
from sandbox.azure.tokens import Tokens
from sandbox.azure.vm import VmSize

DEFAULT_QUOTA = 24


class Workspace:
    def __init__(self, root: Path, pace: Pace) -> None:
        self.root = root
        self.pace = pace
        self.place = Place()
        self.created = now()
        self.tokens = Tokens(self.place.tenant, pace.token_lifetime)
        self.identity = Identity(self.tokens)
        self.identities = ManagedIdentities(self.place)
        self.forbidden: set[str] = set()
        """Actions of ARM and Blob that no role allows any more, in small letters."""
        self.assets = Assets()
        self.events = EventGrid(self.place, pace.event_retry)
        self.runs = RunTree(self.events.run_changed)
        self.clusters: dict[str, Cluster] = {}
        self.quotas: dict[str, int] = {}
        self.labeling: dict[str, Project] = {}
        self.base_url = ""
        self.identity_url = ""
        self.storage = Storage(root / "datastores")
        account = "bottlinglinestore"
        self.storage.add(
            DEFAULT_STORE, account, f"azureml-blobstore-{self.place.workspace_id}", is_default=True
        )
        self.storage.add(ARTIFACT_STORE, account, "azureml")

    @property
    def tracking_uri(self) -> str:
        host = self.base_url.removeprefix("https://")
        return f"azureml://{host}/mlflow/v2.0{self.place.arm_id}?"

    def studio_url(self, run_id: str) -> str:
        wsid = self.place.arm_id.replace("resourceGroups", "resourcegroups").replace(
            "/providers/Microsoft.MachineLearningServices", ""
        )
        return f"https://ml.azure.com/runs/{run_id}?wsid={wsid}"

    def add_cluster(self, name: str, size: VmSize, minimum: int, maximum: int) -> Cluster:
        cluster = Cluster(
            name,
            size,
            minimum,
            maximum,
            lambda: self.pace,
            lambda: self.quota_refusal(size),
            self.settle_clusters,
        )
        self.clusters[name] = cluster
        return cluster

    def settle_clusters(self) -> None:
        for cluster in self.clusters.values():
            cluster.settle()

    def cores_in_use(self, family: str) -> int:
        return sum(len(c.nodes) * c.size.vcpus for c in self.clusters.values() if c.size.family == family)

    def quota_of(self, family: str) -> int:
        return self.quotas.get(family, DEFAULT_QUOTA)

    def quota_refusal(self, size: VmSize) -> str | None:
        """`code: message` when one more machine of this size would pass the family's quota."""
        limit, used = self.quota_of(size.family), self.cores_in_use(size.family)
        if used + size.vcpus <= limit:
            return None
        if limit < size.vcpus:
            return (
                f"ClusterMinNodesExceedCoreQuota: The specified subscription has a {size.family} vCPU quota of {limit} "
                f"and cannot accomodate for at least 1 requested managed compute node which maps to {size.vcpus} vCPUs."
            )
        return (
            f"ClusterCoreQuotaReached: The {size.family} vCPU quota of {limit} in {self.place.region} is in use "
            f"({used} vCPUs); a node needs {size.vcpus}."
        )
