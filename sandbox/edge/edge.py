"""The edge of the sandbox as a whole: hub, registry and plant, and the environment that leads to them."""

from collections.abc import Mapping
from pathlib import Path

from sandbox.azure.tokens import Tokens
from sandbox.azure.twin import AzureTwin
from sandbox.edge.edge_hub import EdgeHub
from sandbox.edge.hub.configurations import read_configuration
from sandbox.edge.pace import Pace
from sandbox.edge.plant.plant import LINES, Plant
from sandbox.edge.registry.api import RegistryApi
from sandbox.edge.registry.store import Store
from sandbox.edge.twin import HOST_NAME, IoTHubTwin
from sandbox.faults import Faults

REGISTRY = "bottlingline.azurecr.io"
BASE = {
    "schemaVersion": "1.1",
    "runtime": {"type": "docker", "settings": {"minDockerVersion": "v1.25"}},
    "systemModules": {
        "edgeAgent": {
            "type": "docker",
            "settings": {"image": "mcr.microsoft.com/azureiotedge-agent:1.5", "createOptions": "{}"},
        },
        "edgeHub": {
            "type": "docker",
            "status": "running",
            "restartPolicy": "always",
            "settings": {"image": "mcr.microsoft.com/azureiotedge-hub:1.5", "createOptions": "{}"},
        },
    },
    "modules": {},
}


class Edge:
    """`lines` tells how many devices each line has. The base deployment, which layers need, is there from the start."""

    def __init__(
        self,
        root: Path,
        tokens: Tokens,
        *,
        faults: Faults | None = None,
        pace: Pace = Pace(),  # noqa: B008  frozen
        lines: Mapping[str, int] = LINES,
    ) -> None:
        self.faults = faults or Faults()
        self.twin = IoTHubTwin(tokens, faults=self.faults, pace=pace)
        self.hub = self.twin.hub
        self.registry = Store(root / "registry", REGISTRY)
        self._registry_api = RegistryApi(self.registry, tokens)
        self._edge_hub = EdgeHub(self.hub.report, HOST_NAME)
        self.plant = Plant(self.hub, self._edge_hub, self.registry, root / "devices", lines)

    async def start(self, azure: AzureTwin) -> None:
        """`azure` has started."""
        base = {
            "id": "edge-base",
            "content": {"modulesContent": {"$edgeAgent": {"properties.desired": BASE}}},
            "targetCondition": "*",
            "priority": 0,
        }
        self.hub.configurations["edge-base"] = read_configuration("edge-base", base)
        await azure.host(REGISTRY, self._registry_api.app(self.faults.middleware))
        await self.twin.start(azure)
        await self._edge_hub.start()
        await self.plant.start()

    async def stop(self) -> None:
        """Ends every process of a device; the servers end with the Azure twin's."""
        await self.plant.stop()
        await self._edge_hub.stop()
        await self.twin.stop()

    def env(self) -> dict[str, str]:
        """For a bot; agents of pipelines need REGISTRY too, which the repository's variables give them."""
        return self.twin.env()
