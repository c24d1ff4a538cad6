"""What should stand: the `[provision]` table of `spotter.toml`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(min_length=1)]
Account = Annotated[str, Field(pattern=r"^[a-z0-9]{3,24}$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class PicturesWanted(_Table):
    """The datastore that shows the workspace where the edge writes its pictures, and which of them prove access.

    Without `account`, the one that the infrastructure pipeline has attached under this name is taken as it is.
    """

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_]{1,255}$")] = "edgevisionstorage"
    account: Annotated[str, Field(pattern=r"^([a-z0-9]{3,24})?$")] = ""
    container: Annotated[str, Field(pattern=r"^[a-z0-9](-?[a-z0-9]){2,62}$")] = "captures"
    path: Name = "**/*.jpg"


class ClusterWanted(_Table):
    """The GPU cluster, whose nodes act as `identity`."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9-]{2,23}$")] = "gpu-cluster"
    vm_size: Annotated[str, Field(pattern=r"^(?i:standard)_\w+$")] = "Standard_NC4as_T4_v3"
    min_nodes: int = Field(0, ge=0)
    max_nodes: int = Field(5, ge=1, le=100)
    idle_seconds: int = Field(180, ge=30)
    identity: Name = "spotter-training"

    @model_validator(mode="after")
    def _bounds(self) -> "ClusterWanted":
        if self.min_nodes > self.max_nodes:
            raise ValueError("min_nodes must not be above max_nodes")
        return self


class Wanted(_Table):
    """Names as they stand in `infra/provision/pipelines/variables.yml`, from which the pipelines take them."""

    repository: Name
    connection: Name = "aml-workspace-connection"
    identity: Name = "spotter-publish"
    edge_connection: Name = "edge-connection"
    edge_identity: Name = "spotter-edge"
    infrastructure_connection: Name = "azure-resource-connection"
    bot_connection: Name = "spotter"
    public_url: Annotated[str, Field(pattern=r"^(https://[^/\s]+)?$")] = ""
    datastore: PicturesWanted = PicturesWanted()
    picture_accounts: tuple[Account, ...] = ()
    cluster: ClusterWanted = ClusterWanted()
