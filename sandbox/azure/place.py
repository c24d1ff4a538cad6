"""Where the sandbox's workspace lies, and the ids that follow from it."""

from dataclasses import dataclass

PROVIDER = "Microsoft.MachineLearningServices"
MANAGED_IDENTITY = "Microsoft.ManagedIdentity"
AUTHORIZATION = "Microsoft.Authorization"


@dataclass(frozen=True)
class Place:
    tenant: str = "3f0c2d5e-7c0b-4b8e-9b53-5a2f1f6b7d10"
    subscription: str = "8b6f1c52-40d8-4a3c-9f0e-2d7be1a9c4f3"
    subscription_name: str = "Bottling line"
    group: str = "spotter-sandbox"
    workspace: str = "bottling-line"
    workspace_id: str = "c2a7d9b4-15ee-4c6f-8a43-77e0b1f5d268"
    region: str = "westeurope"

    @property
    def arm_id(self) -> str:
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
            f"/providers/{PROVIDER}/workspaces/{self.workspace}"
        )

    def child(self, *parts: str) -> str:
        """`child("computes", "gpu-cluster")` → that resource's ARM id."""
        return "/".join((self.arm_id, *parts))

    def datastore_uri(self, datastore: str, path: str) -> str:
        return (
            f"azureml://subscriptions/{self.subscription}/resourcegroups/{self.group}"
            f"/workspaces/{self.workspace}/datastores/{datastore}/paths/{path}"
        )


def last_segment(resource_id: str) -> str:
    """`…/computes/gpu-cluster`, `azureml:gpu-cluster` and `gpu-cluster` all name the same."""
    return resource_id.rstrip("/").rpartition("/")[2].removeprefix("azureml:")
