"""Which built-in roles somebody holds on a resource."""

from dataclasses import dataclass

from infra.azureml.connection import Connection
from infra.http.fields import text

API = "2022-04-01"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"


@dataclass(frozen=True)
class Role:
    """A built-in role. Its id is the same everywhere; `covered_by` are ids of roles that give as much and more."""

    name: str
    id: str
    covered_by: tuple[str, ...]


DATA_SCIENTIST = Role("AzureML Data Scientist", "f6c7c914-8db3-469d-8ca1-694a8f32e121", (CONTRIBUTOR, OWNER))
READER = Role("Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7", (DATA_SCIENTIST.id, CONTRIBUTOR, OWNER))
BLOB_OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
BLOB_CONTRIBUTOR = Role(
    "Storage Blob Data Contributor", "ba92f5b4-2d11-453d-a403-e96b0029c9fe", (BLOB_OWNER,)
)
BLOB_READER = Role(
    "Storage Blob Data Reader", "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", (BLOB_CONTRIBUTOR.id, BLOB_OWNER)
)


def held(connection: Connection, resource_id: str, principal_id: str) -> set[str]:
    """Ids of the roles that somebody holds on a resource, there or from above; not those by way of a group.

    Raises Denied where the identity that asks may not see role assignments.
    """
    url = (
        f"{connection.cloud.resource_manager}{resource_id}/providers/Microsoft.Authorization/roleAssignments"
    )
    query = {"_filter": f"principalId eq '{principal_id}'"}
    here = resource_id.lower()
    return {
        text(told, "properties", "roleDefinitionId").rpartition("/")[2].lower()
        for told in connection.pages(url, api=API, **query)
        if here.startswith(text(told, "properties", "scope").lower().rstrip("/"))
    }


def has(roles: set[str], role: Role) -> bool:
    return not roles.isdisjoint((role.id, *role.covered_by))
