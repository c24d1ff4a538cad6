"""The team's pipelines in Azure DevOps as an engineer has set them up, with all that they may use."""

from collections.abc import Iterable

from sandbox.azure.workspace import Workspace
from sandbox.devops.twin import DevOpsTwin
from sandbox.edge.pipeline import connect as connect_edge

PUBLISH = "spotter-publish"
YAML = "infra/provision/pipelines/publish.yml"
CONNECTION = "aml-workspace-connection"


def connect(devops: DevOpsTwin, workspace: Workspace, lines: Iterable[str]) -> None:
    """The repository has been pushed."""
    portal, place = devops.portal, workspace.place
    portal.create_pipeline(PUBLISH, YAML)
    portal.add_azure_connection(CONNECTION, place.subscription, place.tenant, workspace.identity.client_id)
    portal.permit("endpoint", CONNECTION, PUBLISH)
    connect_edge(devops, workspace, lines)
