"""Identities that resources and pipelines act as, and whose tokens of other issuers they take for their own."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from sandbox.azure.place import MANAGED_IDENTITY, Place


@dataclass(frozen=True)
class FederatedCredential:
    issuer: str
    subject: str
    audiences: tuple[str, ...]


@dataclass
class ManagedIdentity:
    """A user-assigned one. `client_id` is what a connection signs in with, `principal_id` what roles are given to."""

    name: str
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    principal_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    credentials: dict[str, FederatedCredential] = field(default_factory=dict)
    roles: set[tuple[str, str]] = field(default_factory=set)
    """Scopes in small letters, each with the id of a role that is held there."""


class ManagedIdentities:
    """Those of the resource group, found by name in any letter case."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._known: dict[str, ManagedIdentity] = {}

    def add(self, name: str) -> ManagedIdentity:
        return self._known.setdefault(name.lower(), ManagedIdentity(name))

    def get(self, name: str) -> ManagedIdentity | None:
        return self._known.get(name.lower())

    def with_principal(self, principal_id: str) -> ManagedIdentity | None:
        return next((each for each in self._known.values() if each.principal_id == principal_id), None)

    def arm_id(self, identity: ManagedIdentity) -> str:
        place = self._place
        return (
            f"/subscriptions/{place.subscription}/resourceGroups/{place.group}"
            f"/providers/{MANAGED_IDENTITY}/userAssignedIdentities/{identity.name}"
        )

    def acting_as(self, *acting: ManagedIdentity) -> dict[str, Any]:
        """How a resource shows the identities that it acts as."""
        shown = {
            self.arm_id(each): {"principalId": each.principal_id, "clientId": each.client_id}
            for each in acting
        }
        return {"type": "UserAssigned", "userAssignedIdentities": shown}

    def with_id(self, arm_id: str) -> ManagedIdentity | None:
        named = self.get(arm_id.rpartition("/")[2])
        return named if named and self.arm_id(named).lower() == arm_id.lower() else None
