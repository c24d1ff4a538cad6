"""User-assigned managed identities and their federated credentials as ARM resources; and the subscription itself."""

import re
from typing import Any

from aiohttp import web

from sandbox.azure.arm.resources import SUBSCRIPTION
from sandbox.azure.errors import ServiceError, arm_error
from sandbox.azure.front import body_of
from sandbox.azure.managed_identities import FederatedCredential, ManagedIdentity
from sandbox.azure.place import MANAGED_IDENTITY
from sandbox.azure.workspace import Workspace

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-_]{2,119}")
MOST = 20
IDENTITY = (
    SUBSCRIPTION + r"/{groups:(?i:resourcegroups)}/{group}/{providers:(?i:providers)}"
    r"/{namespace:(?i:microsoft\.managedidentity)}/{kind:(?i:userassignedidentities)}/{identity}"
)
CREDENTIALS = IDENTITY + "/{kinds:(?i:federatedidentitycredentials)}"


class IdentitiesApi:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(SUBSCRIPTION, self.subscription),
            web.get(IDENTITY, self.get),
            web.get(CREDENTIALS, self.index),
            web.get(CREDENTIALS + "/{name}", self.credential),
            web.put(CREDENTIALS + "/{name}", self.put),
            web.delete(CREDENTIALS + "/{name}", self.delete),
        ]

    async def subscription(self, request: web.Request) -> web.Response:
        place = self._workspace.place
        return web.json_response(
            {
                "id": f"/subscriptions/{place.subscription}",
                "subscriptionId": place.subscription,
                "tenantId": place.tenant,
                "displayName": place.subscription_name,
                "state": "Enabled",
            }
        )

    async def get(self, request: web.Request) -> web.Response:
        identity = self._find(request)
        place = self._workspace.place
        properties = {
            "tenantId": place.tenant,
            "principalId": identity.principal_id,
            "clientId": identity.client_id,
        }
        return web.json_response(
            {
                "id": self._workspace.identities.arm_id(identity),
                "name": identity.name,
                "type": f"{MANAGED_IDENTITY}/userAssignedIdentities",
                "location": place.region,
                "tags": {},
                "properties": properties,
            }
        )

    async def index(self, request: web.Request) -> web.Response:
        identity = self._find(request)
        return web.json_response(
            {"value": [self._view(identity, name) for name in sorted(identity.credentials)]}
        )

    async def credential(self, request: web.Request) -> web.Response:
        return web.json_response(self._view(*self._one(request)))

    async def put(self, request: web.Request) -> web.Response:
        identity, name = self._find(request), request.match_info["name"]
        if not NAME.fullmatch(name):
            raise _bad_request(f"The name '{name}' of the federated identity credential is invalid.")
        wanted = _read((await body_of(request)).get("properties") or {})
        others = [known for other, known in identity.credentials.items() if other != name]
        if any((known.issuer, known.subject) == (wanted.issuer, wanted.subject) for known in others):
            raise _bad_request("Issuer and subject combination already exists for this Managed Identity.")
        if len(others) >= MOST:
            raise _bad_request(f"A Managed Identity can have at most {MOST} federated identity credentials.")
        created = name not in identity.credentials
        identity.credentials[name] = wanted
        return web.json_response(self._view(identity, name), status=201 if created else 200)

    async def delete(self, request: web.Request) -> web.Response:
        identity, name = self._one(request)
        del identity.credentials[name]
        return web.Response(status=200)

    def _find(self, request: web.Request) -> ManagedIdentity:
        name = request.match_info["identity"]
        found = self._workspace.identities.get(name)
        if found is None:
            message = (
                f"The Resource '{MANAGED_IDENTITY}/userAssignedIdentities/{name}' under resource group "
                f"'{request.match_info['group']}' was not found. For more details please go to "
                "https://aka.ms/ARMResourceNotFoundFix"
            )
            raise arm_error(404, "ResourceNotFound", message)
        return found

    def _one(self, request: web.Request) -> tuple[ManagedIdentity, str]:
        identity, name = self._find(request), request.match_info["name"]
        if name not in identity.credentials:
            message = f"The federated identity credential '{name}' of '{identity.name}' was not found."
            raise arm_error(404, "NotFound", message)
        return identity, name

    def _view(self, identity: ManagedIdentity, name: str) -> dict[str, Any]:
        credential = identity.credentials[name]
        return {
            "id": f"{self._workspace.identities.arm_id(identity)}/federatedIdentityCredentials/{name}",
            "name": name,
            "type": f"{MANAGED_IDENTITY}/userAssignedIdentities/federatedIdentityCredentials",
            "properties": {
                "issuer": credential.issuer,
                "subject": credential.subject,
                "audiences": list(credential.audiences),
            },
        }


def _read(given: dict[str, Any]) -> FederatedCredential:
    issuer, subject, audiences = given.get("issuer"), given.get("subject"), given.get("audiences")
    if not issuer or not subject or not audiences:
        raise _bad_request(
            "The request format was unexpected. Federated Identity Credential must specify 'issuer', 'subject' and "
            "'audience'."
        )
    if not str(issuer).startswith("https://"):
        raise _bad_request(f"The issuer '{issuer}' must be an https address.")
    if not isinstance(audiences, list) or len(audiences) != 1:
        raise _bad_request("Federated Identity Credential must specify exactly one audience.")
    return FederatedCredential(str(issuer), str(subject), tuple(map(str, audiences)))


def _bad_request(message: str) -> ServiceError:
    return arm_error(400, "BadRequest", message)
