"""Service connections, with workload identity federation or a generic address."""

from typing import Any

from aiohttp import web

from sandbox.devops.errors import devops_error, invalid, not_found
from sandbox.devops.organisation import NAME, PROJECT, Organisation
from sandbox.devops.protected import Endpoint
from sandbox.devops.resources import Call, Resource, collection

SCHEMES = {
    "azurerm": ("WorkloadIdentityFederation", "ServicePrincipal", "ManagedServiceIdentity"),
    "generic": ("UsernamePassword", "Token", "None"),
}
SECRETS = ("password", "serviceprincipalkey", "apitoken")


class EndpointsApi:
    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    def resources(self) -> list[Resource]:
        return [
            Resource(
                "14e48fdc-2c8b-41ce-a0c3-e26f6cc55bd0",
                "serviceendpoint",
                "endpoints",
                "_apis/serviceendpoint/endpoints/{endpointId}",
                {"POST": self._create, "PUT": self._update, "DELETE": self._delete},
                version=4,
            ),
            Resource(
                "e85f1c62-adfc-4b74-b618-11a150fb195e",
                "serviceendpoint",
                "endpoints",
                "{project}/_apis/serviceendpoint/endpoints/{endpointId}",
                {"GET": self._get, "POST": self._create},
                version=4,
            ),
        ]

    async def _get(self, call: Call) -> web.Response:
        endpoints = self._organisation.resources.endpoints
        if "endpointId" in call.values:
            found = endpoints.get(call.values["endpointId"].lower())
            return web.json_response(self._view(found) if found else None)  # as the service answers
        names = [name.lower() for name in call.listed("endpointNames")]
        ids = [identity.lower() for identity in call.listed("endpointIds")]
        kind = call.query.get("type", "").lower()
        return collection(
            [
                self._view(endpoint)
                for endpoint in endpoints.values()
                if (not names or endpoint.name.lower() in names)
                and (not ids or endpoint.id in ids)
                and (not kind or endpoint.body["type"].lower() == kind)
            ]
        )

    async def _create(self, call: Call) -> web.Response:
        body = self._checked(await call.body())
        if self._organisation.resources.endpoint(body["name"]):
            message = f"Service connection with name {body['name']} already exists."
            raise devops_error(409, "DuplicateServiceConnectionException", message)
        return web.json_response(
            self._view(self._organisation.resources.add_endpoint(body["name"], body, call.caller))
        )

    def _checked(self, body: dict[str, Any]) -> dict[str, Any]:
        if not body.get("name"):
            raise invalid("The service connection needs a name.")
        schemes = SCHEMES.get(str(body.get("type", "")).lower())
        if schemes is None:
            raise invalid(f"The sandbox serves service connections of the types {', '.join(SCHEMES)}.")
        authorization = body.get("authorization") or {}
        if authorization.get("scheme") not in schemes:
            raise invalid(f"The scheme '{authorization.get('scheme')}' is not one of {', '.join(schemes)}.")
        references = body.get("serviceEndpointProjectReferences") or []
        ours = (self._organisation.project_id, PROJECT)
        if not any(self._names(reference) in ours for reference in references):
            raise invalid("serviceEndpointProjectReferences must name the project.")
        if str(body["type"]).lower() == "azurerm":
            self._check_azure(body, authorization)
        elif not body.get("url"):
            raise invalid("A generic service connection needs a url.")
        return body

    @staticmethod
    def _names(reference: dict[str, Any]) -> str:
        project = reference.get("projectReference") or {}
        return str(project.get("id") or project.get("name"))

    @staticmethod
    def _check_azure(body: dict[str, Any], authorization: dict[str, Any]) -> None:
        """Names of all that is missing at once."""
        data, parameters = body.get("data") or {}, authorization.get("parameters") or {}
        needed = ["environment", "scopeLevel", "subscriptionId", "subscriptionName"]
        missing = [f"data.{key}" for key in needed if not data.get(key)]
        made_by_hand = data.get("creationMode", "Manual") == "Manual"
        wanted = ["tenantid", "serviceprincipalid"] if made_by_hand else ["tenantid"]
        given = {key.lower() for key, value in parameters.items() if value}
        missing += [f"authorization.parameters.{key}" for key in wanted if key not in given]
        if missing:
            raise invalid(f"Missing or invalid values: {', '.join(missing)}.")

    def _endpoint(self, call: Call) -> Endpoint:
        found = self._organisation.resources.endpoints.get(call.values.get("endpointId", "").lower())
        if found is None:
            message = f"Service connection {call.values.get('endpointId')} was not found."
            raise not_found("ServiceEndpointNotFoundException", message)
        return found

    async def _update(self, call: Call) -> web.Response:
        endpoint, body = self._endpoint(call), self._checked(await call.body())
        endpoint.name, endpoint.body = body["name"], body
        return web.json_response(self._view(endpoint))

    async def _delete(self, call: Call) -> web.Response:
        endpoint = self._endpoint(call)
        if self._organisation.project_id not in call.listed("projectIds"):
            raise invalid("projectIds must name the project.")
        del self._organisation.resources.endpoints[endpoint.id]
        return web.Response(status=204)

    def _view(self, endpoint: Endpoint) -> dict[str, Any]:
        """Secrets are never shown again; a federated connection says whom it will present to Entra."""
        authorization = endpoint.body["authorization"]
        parameters = {
            key: None if key.lower() in SECRETS else value
            for key, value in (authorization.get("parameters") or {}).items()
        }
        if authorization["scheme"] == "WorkloadIdentityFederation":
            issuer = f"https://vstoken.dev.azure.com/{self._organisation.id}"
            subject = f"sc://{NAME}/{PROJECT}/{endpoint.name}"
            parameters.update(
                workloadIdentityFederationIssuer=issuer, workloadIdentityFederationSubject=subject
            )
        return {
            "data": endpoint.body.get("data") or {},
            "id": endpoint.id,
            "name": endpoint.name,
            "type": endpoint.body["type"],
            "url": endpoint.body.get("url", ""),
            "createdBy": endpoint.created_by.ref(),
            "description": endpoint.body.get("description", ""),
            "authorization": {"scheme": authorization["scheme"], "parameters": parameters},
            "isShared": False,
            "isReady": True,
            "isOutdated": False,
            "owner": "Library",
            "serviceEndpointProjectReferences": endpoint.body["serviceEndpointProjectReferences"],
        }
