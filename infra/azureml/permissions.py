"""What Spotter's identity may do with a resource, as Azure itself reckons it from all roles that reach it."""

import re
from dataclasses import dataclass
from typing import Any

from infra.azureml.connection import Connection
from infra.http.fields import sequence

API = "2022-04-01"


@dataclass(frozen=True)
class Granted:
    """What one role gives; asterisks stand for any letters."""

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Permissions:
    """All that is granted. What one role leaves out another one may give."""

    granted: tuple[Granted, ...]

    def allow(self, action: str) -> bool:
        """Whether an action such as Microsoft.MachineLearningServices/workspaces/jobs/write is allowed."""
        return any(
            _matches(role.actions, action) and not _matches(role.not_actions, action) for role in self.granted
        )

    def allow_data(self, action: str) -> bool:
        """The same for what is inside a resource, such as the content of blobs."""
        return any(
            _matches(role.data_actions, action) and not _matches(role.not_data_actions, action)
            for role in self.granted
        )


def read(connection: Connection, resource_id: str) -> Permissions:
    """Raises Denied where the identity may not even ask, NotFound where there is no such resource for it."""
    url = f"{connection.cloud.resource_manager}{resource_id}/providers/Microsoft.Authorization/permissions"
    return Permissions(tuple(_granted(told) for told in connection.pages(url, api=API)))


def _granted(told: Any) -> Granted:
    keys = ("actions", "notActions", "dataActions", "notDataActions")
    return Granted(*(tuple(str(entry) for entry in sequence(told, key)) for key in keys))


def _matches(patterns: tuple[str, ...], action: str) -> bool:
    return any(_pattern(pattern).fullmatch(action) for pattern in patterns)


def _pattern(pattern: str) -> re.Pattern[str]:
    """`/*/` also stands for a single slash.

    Azure's own roles rely on it: AzureML Data Scientist is given `workspaces/*/read`, by which it reads the
    workspace, and denied `computes/*/write`, by which it makes no cluster.
    """
    parts = [".*".join(map(re.escape, part.split("*"))) for part in pattern.split("/*/")]
    return re.compile("/(?:.*/)?".join(parts), re.IGNORECASE)
