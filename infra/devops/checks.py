"""Checks that a resource holds runs up for, such as those of an environment."""

from infra.devops.connection import PREVIEW, Connection
from infra.devops.resources import ResourceKind
from infra.http.fields import text


def on(connection: Connection, kind: ResourceKind, resource_id: str | int) -> list[str]:
    """What kinds of checks a resource has, in DevOps's own words: Approval, Task Check."""
    url = connection.project("pipelines", "checks", "configurations")
    query = {"resourceType": kind, "resourceId": resource_id}
    return [text(told, "type", "name") for told in connection.pages(url, query, api=PREVIEW)]
