"""The edge pipeline in Azure DevOps as an engineer has set it up: its environments, the connection it ships with."""

from collections.abc import Iterable

from sandbox.azure.workspace import Workspace
from sandbox.devops.portal import Portal

PIPELINE = "spotter-edge"
YAML = "infra/provision/pipelines/edge.yml"
CONNECTION = "edge-connection"
RINGS = ("canary", "all")


def connect(portal: Portal, workspace: Workspace, lines: Iterable[str]) -> None:
    """The repository has been pushed. Environments carry no checks yet."""
    portal.create_pipeline(PIPELINE, YAML)
    place = workspace.place
    portal.add_azure_connection(CONNECTION, place.subscription, place.tenant, workspace.identity.client_id)
    portal.permit("endpoint", CONNECTION, PIPELINE)
    for line in lines:
        for ring in RINGS:
            portal.add_environment(f"{line}-{ring}", f"Devices of {line}, ring {ring}")
            portal.permit("environment", f"{line}-{ring}", PIPELINE)
