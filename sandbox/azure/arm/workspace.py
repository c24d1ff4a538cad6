"""The workspace itself, and what the subscription offers in its region: machine sizes and quotas."""

from typing import Any

from aiohttp import web

from sandbox.azure.arm.resources import GROUP, LOCATION, WORKSPACE, system_data
from sandbox.azure.errors import arm_error
from sandbox.azure.place import PROVIDER
from sandbox.azure.storage import DEFAULT_STORE
from sandbox.azure.vm import SIZES
from sandbox.azure.workspace import Workspace


class WorkspaceApi:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(WORKSPACE, self.get),
            web.get(GROUP + "/workspaces", self.index),
            web.get(LOCATION + "/vmSizes", self.sizes),
            web.get(LOCATION + "/usages", self.usages),
        ]

    async def get(self, request: web.Request) -> web.Response:
        return web.json_response(self._resource())

    async def index(self, request: web.Request) -> web.Response:
        return web.json_response({"value": [self._resource()]})

    def _resource(self) -> dict[str, Any]:
        workspace, place = self._workspace, self._workspace.place
        others = f"/subscriptions/{place.subscription}/resourceGroups/{place.group}/providers"
        account = workspace.storage.stores[DEFAULT_STORE].account
        return {
            "id": place.arm_id,
            "name": place.workspace,
            "type": f"{PROVIDER}/workspaces",
            "location": place.region,
            "kind": "Default",
            "sku": {"name": "Basic", "tier": "Basic"},
            "tags": {},
            "identity": {
                "type": "SystemAssigned",
                "principalId": place.workspace_id,
                "tenantId": place.tenant,
            },
            "properties": {
                "friendlyName": place.workspace,
                "description": "Caps on a bottling line",
                "storageAccount": f"{others}/Microsoft.Storage/storageAccounts/{account}",
                "keyVault": f"{others}/Microsoft.KeyVault/vaults/bottlingline",
                "applicationInsights": f"{others}/Microsoft.Insights/components/bottlingline",
                "containerRegistry": None,
                "hbiWorkspace": False,
                "imageBuildCompute": None,
                "publicNetworkAccess": "Enabled",
                "provisioningState": "Succeeded",
                "discoveryUrl": f"{workspace.base_url}/discovery",
                "mlFlowTrackingUri": workspace.tracking_uri.rstrip("?"),
                "workspaceId": place.workspace_id,
                "v1LegacyMode": False,
                "systemDatastoresAuthMode": "identity",
            },
            "systemData": system_data(workspace.created, workspace.created),
        }

    async def sizes(self, request: web.Request) -> web.Response:
        self._check_region(request)
        return web.json_response({"value": [size.listed() for size in SIZES]})

    async def usages(self, request: web.Request) -> web.Response:
        self._check_region(request)
        return web.json_response(
            {"value": [self._usage(family) for family in {s.family: None for s in SIZES}]}
        )

    def _usage(self, family: str) -> dict[str, Any]:
        place = self._workspace.place
        area = f"/subscriptions/{place.subscription}/providers/{PROVIDER}/locations/{place.region}"
        return {
            "id": f"{area}/quotas/{family.replace(' ', '')}",
            "type": f"{PROVIDER}/usages",
            "amlWorkspaceLocation": place.region,
            "unit": "Count",
            "currentValue": self._workspace.cores_in_use(family),
            "limit": self._workspace.quota_of(family),
            "name": {"value": family, "localizedValue": f"{family} Cluster Dedicated vCPUs"},
        }

    def _check_region(self, request: web.Request) -> None:
        asked = request.match_info["location"]
        if asked.lower() != self._workspace.place.region:
            message = f"No registered resource provider found for location '{asked}'."
            raise arm_error(400, "NoRegisteredProviderFound", message)
