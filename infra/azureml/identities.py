"""Managed identities of the resource group, and whom they trust; the subscription that all is in."""

from dataclasses import dataclass
from urllib.parse import quote

from infra.azureml.connection import Connection
from infra.azureml.errors import NotFound
from infra.http.fields import sequence, text

API = "2023-01-31"
SUBSCRIPTION_API = "2022-12-01"
AUDIENCE = "api://AzureADTokenExchange"


@dataclass(frozen=True)
class Subscription:
    """`tenant` is the Entra directory's id."""

    id: str
    name: str
    tenant: str


@dataclass(frozen=True)
class Identity:
    """A user-assigned managed identity. `id` is its ARM id; a connection signs in with `client_id`; roles are given
    to `principal_id`."""

    id: str
    name: str
    client_id: str
    principal_id: str


@dataclass(frozen=True)
class Trust:
    """A federated credential: tokens of `issuer` about `subject` are taken for the identity's own."""

    name: str
    issuer: str
    subject: str
    audiences: tuple[str, ...] = (AUDIENCE,)


def subscription(connection: Connection) -> Subscription:
    """Raises NotFound."""
    known = connection.workspace.subscription
    told = connection.get(f"{connection.cloud.resource_manager}/subscriptions/{known}", api=SUBSCRIPTION_API)
    return Subscription(known, text(told, "displayName") or known, text(told, "tenantId"))


def arm_id(connection: Connection, name: str) -> str:
    """The ARM id of an identity in the workspace's resource group, whether it is there or not."""
    place = connection.workspace
    return (
        f"/subscriptions/{place.subscription}/resourceGroups/{place.resource_group}"
        f"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
    )


def identity(connection: Connection, name: str) -> Identity | None:
    """None where there is none of that name."""
    try:
        told = connection.get(_address(connection, name), api=API)
    except NotFound:
        return None
    return Identity(
        id=text(told, "id") or arm_id(connection, name),
        name=text(told, "name") or name,
        client_id=text(told, "properties", "clientId"),
        principal_id=text(told, "properties", "principalId"),
    )


def trusts(connection: Connection, name: str) -> list[Trust]:
    """Whom an identity trusts. Raises NotFound."""
    found = connection.pages(f"{_address(connection, name)}/federatedIdentityCredentials", api=API)
    return [
        Trust(
            name=text(each, "name"),
            issuer=text(each, "properties", "issuer"),
            subject=text(each, "properties", "subject"),
            audiences=tuple(str(audience) for audience in sequence(each, "properties", "audiences")),
        )
        for each in found
    ]


def put_trust(connection: Connection, name: str, trust: Trust) -> None:
    """Makes an identity trust, or changes the credential of that name. Safe to repeat."""
    body = {
        "properties": {
            "issuer": trust.issuer,
            "subject": trust.subject,
            "audiences": list(trust.audiences),
        }
    }
    url = f"{_address(connection, name)}/federatedIdentityCredentials/{quote(trust.name, safe='')}"
    connection.change("PUT", url, body, api=API)


def _address(connection: Connection, name: str) -> str:
    return connection.cloud.resource_manager + arm_id(connection, quote(name, safe=""))
