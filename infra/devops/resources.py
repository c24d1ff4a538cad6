"""What a pipeline needs beside its file: environments, service connections, and the permission to use them."""

from dataclasses import dataclass, field
from typing import Any, Literal

from infra.devops.connection import PREVIEW, Connection
from infra.http.errors import Refused, Unclear
from infra.http.fields import sequence, text, texts, value, whole

FEDERATION = "WorkloadIdentityFederation"

ResourceKind = Literal["endpoint", "environment", "queue", "variablegroup", "securefile", "repository"]


@dataclass(frozen=True)
class Environment:
    id: int
    name: str
    description: str = ""


@dataclass(frozen=True)
class Endpoint:
    """A service connection. `scheme` is how it signs in; `parameters` and `data` are DevOps's own, without secrets.

    `issuer` and `subject` are what a federated credential of its identity must name; empty for other schemes.
    """

    id: str
    name: str
    kind: str
    scheme: str
    is_ready: bool
    url: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return self.parameters.get("workloadIdentityFederationIssuer", "")

    @property
    def subject(self) -> str:
        return self.parameters.get("workloadIdentityFederationSubject", "")


@dataclass(frozen=True)
class WorkspaceEndpoint:
    """A service connection to an Azure ML workspace by workload identity federation: no secret that expires.

    `client_id` is the application id of the identity it acts as.
    """

    name: str
    tenant: str
    client_id: str
    subscription: str
    subscription_name: str
    resource_group: str
    workspace: str
    location: str


def environments(connection: Connection) -> list[Environment]:
    """All of the project."""
    told = connection.pages(_environments(connection), api=PREVIEW)
    return [_environment(each) for each in told]


def environment(connection: Connection, name: str) -> Environment | None:
    """By name, whatever its case."""
    told = connection.pages(_environments(connection), {"name": name}, api=PREVIEW)
    return next((_environment(each) for each in told if text(each, "name").lower() == name.lower()), None)


def ensure_environment(connection: Connection, name: str, description: str) -> Environment:
    """The environment, made where it is not there. Raises Unclear; calling again is then safe."""
    there = environment(connection, name)
    if there:
        return there
    body = {"name": name, "description": description}
    try:
        return _environment(connection.change("POST", _environments(connection), body, api=PREVIEW))
    except (Unclear, Refused):
        there = environment(connection, name)
        if there is None:
            raise
        return there


def endpoint(connection: Connection, name: str) -> Endpoint | None:
    """A service connection by name, whatever its case; also one that is not ready."""
    query = {"endpointNames": name, "includeFailed": "true"}
    told = connection.pages(connection.project("serviceendpoint", "endpoints"), query)
    return next((_endpoint(each) for each in told if text(each, "name").lower() == name.lower()), None)


def ensure_endpoint(connection: Connection, wanted: WorkspaceEndpoint) -> Endpoint:
    """The service connection, made where none has the name; one that is there is handed back as it is.

    Raises Unclear; calling again is then safe.
    """
    return _ensure_endpoint(connection, wanted.name, _endpoint_body(wanted))


def ensure_address(connection: Connection, name: str, url: str) -> Endpoint:
    """A service connection to any address, made where none has the name. Raises as `ensure_endpoint`."""
    authorization = {"scheme": "UsernamePassword", "parameters": {"username": "", "password": ""}}
    body = {"name": name, "type": "generic", "url": url, "authorization": authorization}
    return _ensure_endpoint(connection, name, body)


def update_endpoint(connection: Connection, there: Endpoint, wanted: WorkspaceEndpoint) -> None:
    """Makes a service connection lead where it is wanted to. Safe to repeat."""
    body = _endpoint_body(wanted) | _shared(connection, wanted.name) | {"id": there.id}
    connection.change("PUT", connection.organization("serviceendpoint", "endpoints", there.id), body)


def is_permitted(
    connection: Connection, kind: ResourceKind, resource_id: str | int, pipeline_id: int
) -> bool:
    """Whether a pipeline may use a resource without anyone being asked at its first run."""
    told = connection.get(_permissions(connection, kind, resource_id), api=PREVIEW)
    if value(told, "allPipelines", "authorized") is True:
        return True
    return any(
        whole(each, "id") == pipeline_id and value(each, "authorized") is True
        for each in sequence(told, "pipelines")
    )


def ensure_permitted(
    connection: Connection, kind: ResourceKind, resource_id: str | int, pipeline_id: int
) -> None:
    """Lets a pipeline use a resource, if it may not yet. Raises Denied where the identity is no administrator of it."""
    if is_permitted(connection, kind, resource_id, pipeline_id):
        return
    body = {"pipelines": [{"id": pipeline_id, "authorized": True}]}
    connection.change("PATCH", _permissions(connection, kind, resource_id), body, api=PREVIEW)


def _environments(connection: Connection) -> str:
    return connection.project("distributedtask", "environments")


def _permissions(connection: Connection, kind: ResourceKind, resource_id: str | int) -> str:
    return connection.project("pipelines", "pipelinepermissions", kind, resource_id)


def _environment(told: Any) -> Environment:
    return Environment(whole(told, "id") or 0, text(told, "name"), text(told, "description"))


def _endpoint(told: Any) -> Endpoint:
    return Endpoint(
        id=text(told, "id"),
        name=text(told, "name"),
        kind=text(told, "type"),
        scheme=text(told, "authorization", "scheme"),
        is_ready=value(told, "isReady") is True,
        url=text(told, "url"),
        parameters=texts(told, "authorization", "parameters"),
        data=texts(told, "data"),
    )


def _ensure_endpoint(connection: Connection, name: str, body: dict[str, Any]) -> Endpoint:
    there = endpoint(connection, name)
    if there:
        return there
    url = connection.organization("serviceendpoint", "endpoints")
    try:
        return _endpoint(connection.change("POST", url, body | _shared(connection, name)))
    except (Unclear, Refused):
        there = endpoint(connection, name)
        if there is None:
            raise
        return there


def _shared(connection: Connection, name: str) -> dict[str, Any]:
    """With this project and no other."""
    project = connection.get(connection.organization("projects", connection.place.project))
    reference = {"id": text(project, "id"), "name": text(project, "name")}
    return {
        "isShared": False,
        "isReady": True,
        "serviceEndpointProjectReferences": [
            {"projectReference": reference, "name": name, "description": ""}
        ],
    }


def _endpoint_body(wanted: WorkspaceEndpoint) -> dict[str, Any]:
    # "Manual": DevOps would otherwise want to make an identity of its own, for which few people have the rights.
    return {
        "name": wanted.name,
        "type": "azurerm",
        "url": "https://management.azure.com/",
        "data": {
            "environment": "AzureCloud",
            "scopeLevel": "AzureMLWorkspace",
            "creationMode": "Manual",
            "subscriptionId": wanted.subscription,
            "subscriptionName": wanted.subscription_name,
            "resourceGroupName": wanted.resource_group,
            "mlWorkspaceName": wanted.workspace,
            "mlWorkspaceLocation": wanted.location,
        },
        "authorization": {
            "scheme": FEDERATION,
            "parameters": {"tenantid": wanted.tenant, "serviceprincipalid": wanted.client_id},
        },
    }
