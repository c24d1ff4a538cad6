"""Cloud metadata and the workspace's discovery document: the two addresses from which clients find all others."""

from aiohttp import web

from sandbox.azure.workspace import Workspace


class DiscoveryApi:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/metadata/endpoints", self.clouds), web.get("/discovery", self.services)]

    @property
    def cloud_name(self) -> str:
        """Unique per twin: clients keep one address per cloud name for the life of a process."""
        return f"AzureSandbox{self._workspace.base_url.rpartition(':')[2]}"

    async def clouds(self, request: web.Request) -> web.Response:
        base = self._workspace.base_url
        return web.json_response(
            [
                {
                    "name": self.cloud_name,
                    "portal": "https://portal.azure.com/",
                    "resourceManager": base,
                    "authentication": {
                        "loginEndpoint": f"{base}/",
                        "audiences": [base],
                        "tenant": "common",
                        "identityProvider": "AAD",
                    },
                    "suffixes": {"storage": "core.windows.net", "keyVaultDns": "vault.azure.net"},
                    "media": f"{base}/",
                    "graphAudience": "https://graph.windows.net/",
                    "graph": "https://graph.windows.net/",
                    "batch": "https://batch.core.windows.net/",
                    "activeDirectoryDataLake": "https://datalake.azure.net/",
                }
            ]
        )

    async def services(self, request: web.Request) -> web.Response:
        base, place = self._workspace.base_url, self._workspace.place
        names = (
            "api",
            "experimentation",
            "history",
            "hyperdrive",
            "labeling",
            "modelmanagement",
            "pipelines",
        )
        return web.json_response(
            {**dict.fromkeys(names, base), "workspaceId": place.workspace_id, "studio": base}
        )
