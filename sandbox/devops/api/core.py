"""The organisation itself: its projects, and where its services are (all of them here)."""

from aiohttp import web

from sandbox.devops.errors import not_found
from sandbox.devops.organisation import PROJECT, Organisation
from sandbox.devops.resources import Call, Resource, collection, paged


class CoreApi:
    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    def resources(self) -> list[Resource]:
        return [
            Resource(
                "e81700f7-3be2-46de-8624-2eb35882fcaa",
                "Location",
                "ResourceAreas",
                "_apis/ResourceAreas/{areaId}",
                {"GET": self._areas},
            ),
            Resource(
                "00d9565f-ed9c-4a06-9a50-00e7896ccab4",
                "Location",
                "ConnectionData",
                "_apis/ConnectionData",
                {"GET": self._connection},
                released=False,
            ),
            Resource(
                "603fe2ac-9723-48b9-88ad-09305aa6c6e1",
                "core",
                "projects",
                "_apis/projects/{*projectId}",
                {"GET": self._projects},
                version=4,
            ),
        ]

    async def _areas(self, call: Call) -> web.Response:
        """None: every area is at the address that the client has already."""
        return collection([])

    async def _connection(self, call: Call) -> web.Response:
        who = {"id": call.caller.id, "providerDisplayName": call.caller.name, "isActive": True}
        return web.json_response(
            {
                "authenticatedUser": who,
                "authorizedUser": who,
                "instanceId": self._organisation.id,
                "deploymentType": "hosted",
            }
        )

    async def _projects(self, call: Call) -> web.Response:
        project = self._organisation.project_ref()
        wanted = call.values.get("projectId")
        if wanted is None:
            page, token = paged(call, [project], lambda item: item["id"], size=100)
            return collection(page, token)
        if wanted.lower() not in (PROJECT.lower(), self._organisation.project_id):
            message = f"TF200016: The following project does not exist: {wanted}."
            raise not_found("ProjectDoesNotExistWithNameException", message)
        return web.json_response(project)
