"""What the caller may do with a resource, as Azure's role definitions word it."""

from typing import Any

from aiohttp import web

from sandbox.azure.arm.resources import SUBSCRIPTION, WORKSPACE
from sandbox.azure.errors import arm_error
from sandbox.azure.workspace import Workspace

ACCOUNT = (
    SUBSCRIPTION + r"/{groups:(?i:resourcegroups)}/{group}/{providers:(?i:providers)}"
    r"/{namespace:(?i:microsoft\.storage)}/{kind:(?i:storageaccounts)}/{account}"
)
PERMISSIONS = r"/{extension:(?i:providers/microsoft\.authorization)}/permissions"
MACHINE_LEARNING = "Microsoft.MachineLearningServices/workspaces"
BLOBS = "Microsoft.Storage/storageAccounts/blobServices"

DATA_SCIENTIST: dict[str, list[str]] = {
    "actions": [f"{MACHINE_LEARNING}/*/{verb}" for verb in ("read", "action", "delete", "write")],
    "notActions": [
        f"{MACHINE_LEARNING}/{action}"
        for action in (
            "delete",
            "write",
            "computes/*/write",
            "computes/*/delete",
            "computes/listKeys/action",
            "listKeys/action",
            "hubs/write",
            "hubs/delete",
            "featurestores/write",
            "featurestores/delete",
        )
    ],
}
COMPUTE_OPERATOR = {"actions": [f"{MACHINE_LEARNING}/computes/*", f"{MACHINE_LEARNING}/notebooks/vm/*"]}
BLOB_CONTRIBUTOR = {
    "actions": [
        f"{BLOBS}/containers/delete",
        f"{BLOBS}/containers/read",
        f"{BLOBS}/containers/write",
        f"{BLOBS}/generateUserDelegationKey/action",
    ],
    "dataActions": [
        f"{BLOBS}/containers/blobs/{action}"
        for action in ("delete", "read", "write", "move/action", "add/action")
    ],
}


class PermissionsApi:
    """Everybody who signs in here has these roles, without the actions that were taken away."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(WORKSPACE + PERMISSIONS, self.in_workspace),
            web.get(ACCOUNT + PERMISSIONS, self.in_account),
        ]

    async def in_workspace(self, _: web.Request) -> web.Response:
        return self._answer(DATA_SCIENTIST, COMPUTE_OPERATOR)

    async def in_account(self, request: web.Request) -> web.Response:
        name = request.match_info["account"]
        if name not in {store.account for store in self._workspace.storage.stores.values()}:
            message = f"The Resource 'Microsoft.Storage/storageAccounts/{name}' was not found."
            raise arm_error(404, "ResourceNotFound", message)
        return self._answer(BLOB_CONTRIBUTOR)

    def _answer(self, *roles: dict[str, list[str]]) -> web.Response:
        return web.json_response({"value": [self._without_forbidden(role) for role in roles]})

    def _without_forbidden(self, role: dict[str, list[str]]) -> dict[str, Any]:
        forbidden = sorted(self._workspace.forbidden)
        return {
            "actions": role["actions"],
            "notActions": role.get("notActions", []) + forbidden,
            "dataActions": role.get("dataActions", []),
            "notDataActions": forbidden if role.get("dataActions") else [],
        }
