"""Who holds which role: of managed identities, as people have given them."""

import re
from typing import Any

from aiohttp import web

from sandbox.azure.arm.permissions import ACCOUNT
from sandbox.azure.arm.resources import WORKSPACE
from sandbox.azure.errors import arm_error
from sandbox.azure.managed_identities import ManagedIdentity
from sandbox.azure.place import AUTHORIZATION
from sandbox.azure.workspace import Workspace

ASSIGNMENTS = r"/{extension:(?i:providers/microsoft\.authorization/roleassignments)}"
FILTER = re.compile(r"principalId eq '([0-9a-f-]{36})'", re.IGNORECASE)


class RoleAssignmentsApi:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def routes(self) -> list[web.RouteDef]:
        return [web.get(scope + ASSIGNMENTS, self.index) for scope in (WORKSPACE, ACCOUNT)]

    async def index(self, request: web.Request) -> web.Response:
        """Those of one principal at the scope, above and below it."""
        match = FILTER.fullmatch(request.query.get("$filter", ""))
        if match is None:
            raise arm_error(400, "UnsupportedQuery", "The sandbox serves the filter principalId eq '…' only.")
        here = re.split("/providers/microsoft.authorization", request.path, flags=re.IGNORECASE)[0].lower()
        identity = self._workspace.identities.with_principal(match[1].lower())
        found = sorted(identity.roles) if identity else []
        return web.json_response(
            {
                "value": [
                    self._view(identity, scope, role)
                    for scope, role in found
                    if identity and (here.startswith(scope) or scope.startswith(here))
                ]
            }
        )

    def _view(self, identity: ManagedIdentity, scope: str, role: str) -> dict[str, Any]:
        subscription = f"/subscriptions/{self._workspace.place.subscription}"
        properties = {
            "roleDefinitionId": f"{subscription}/providers/{AUTHORIZATION}/roleDefinitions/{role}",
            "principalId": identity.principal_id,
            "principalType": "ServicePrincipal",
            "scope": scope,
        }
        return {"properties": properties, "type": f"{AUTHORIZATION}/roleAssignments"}
