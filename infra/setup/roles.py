"""What the identities of pipelines and cluster may do: given by the infrastructure pipeline, or by an owner."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from infra.azureml import identities, roles
from infra.azureml.roles import Role
from infra.setup.step import Finding, Todo, fine, for_a_person, waits
from infra.setup.world import World


@dataclass(frozen=True)
class Need:
    """A role on a resource; `what` is what people call the resource."""

    role: Role
    resource_id: str
    what: str


@dataclass(frozen=True)
class RolesStep:
    world: World
    identity: str
    needs: tuple[Need, ...]
    kind: ClassVar[str] = "Roles"

    @property
    def name(self) -> str:
        return self.identity

    def look(self) -> Finding:
        identity = identities.identity(self.world.azure, self.identity)
        if identity is None:
            return waits(f"once the identity {self.identity} is there")
        held = {
            resource: roles.held(self.world.azure, resource, identity.principal_id)
            for resource in {need.resource_id for need in self.needs}
        }
        lacking = tuple(need for need in self.needs if not roles.has(held[need.resource_id], need.role))
        if lacking:
            words = f"lacks {len(lacking)} roles" if len(lacking) > 1 else f"lacks {lacking[0].role.name}"
            return for_a_person(words, self._assign(lacking))
        return fine(", ".join(need.role.name for need in self.needs))

    def by_hand(self) -> Todo:
        return self._assign(self.needs)

    def _assign(self, needs: tuple[Need, ...]) -> Todo:
        return Todo(
            f"Run the infrastructure pipeline, which gives {self.identity} its roles; or, as an owner, on each"
            " resource: Access control (IAM) → Add role assignment → Managed identity",
            self.world.portal_page(self.world.group_id),
            tuple((need.role.name, f"on {need.what}") for need in needs),
        )


def of_publisher(world: World) -> tuple[Need, ...]:
    """Publishes the training pipeline and uploads its code."""
    return _in_workspace(world, roles.DATA_SCIENTIST), _in_store(world, roles.BLOB_CONTRIBUTOR)


def of_shipper(world: World) -> tuple[Need, ...]:
    """Looks a model up and downloads it."""
    return _in_workspace(world, roles.READER), _in_store(world, roles.BLOB_READER)


def of_cluster(world: World, accounts: Iterable[str]) -> tuple[Need, ...]:
    """Trains on the pictures in these storage accounts, and registers the best model."""
    ids = {name: world.account_id(name) for name in accounts if name}
    pictures = (
        Need(roles.BLOB_READER, account, f"storage {name}")
        for name, account in ids.items()
        if account.lower() != world.store_id.lower()
    )
    return (
        _in_workspace(world, roles.DATA_SCIENTIST),
        _in_store(world, roles.BLOB_CONTRIBUTOR),
        *pictures,
    )


def _in_workspace(world: World, role: Role) -> Need:
    return Need(role, world.azure.workspace.path, f"workspace {world.azure.workspace.name}")


def _in_store(world: World, role: Role) -> Need:
    return Need(role, world.store_id, f"storage {world.store_id.rpartition('/')[2]}")
