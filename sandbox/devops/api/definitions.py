"""Definitions: pipelines as the build API knows them, which is where they are changed and deleted."""

from aiohttp import web

from sandbox.devops.builds import Pipeline
from sandbox.devops.errors import devops_error, invalid, not_found
from sandbox.devops.organisation import Organisation
from sandbox.devops.resources import Call, Resource, collection, paged
from sandbox.devops.views import definition_view


class DefinitionsApi:
    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    def resources(self) -> list[Resource]:
        return [
            Resource(
                "dbeaf647-6167-421a-bda9-c9327b25e2e6",
                "build",
                "Definitions",
                "{project}/_apis/build/Definitions/{definitionId}",
                {"GET": self._get, "PUT": self._update, "DELETE": self._delete},
                version=7,
            )
        ]

    def _pipeline(self, call: Call) -> Pipeline:
        found = self._organisation.pipelines.get(call.number("definitionId"))
        if found is None:
            message = f"The requested definition {call.values['definitionId']} could not be found."
            raise not_found("DefinitionNotFoundException", message)
        return found

    async def _get(self, call: Call) -> web.Response:
        if "definitionId" in call.values:
            return web.json_response(definition_view(self._organisation, self._pipeline(call)))
        name = call.query.get("name", "").lower()
        chosen = [p for p in self._organisation.pipelines.values() if not name or p.name.lower() == name]
        page, token = paged(call, chosen, lambda pipeline: pipeline.id, size=1000)
        return collection([definition_view(self._organisation, pipeline) for pipeline in page], token)

    async def _update(self, call: Call) -> web.Response:
        """Takes a whole definition with the revision that it changes."""
        pipeline, body = self._pipeline(call), await call.body()
        if body.get("revision") != pipeline.revision:
            message = (
                f"Definition {pipeline.id} was changed by someone else; its revision is {pipeline.revision}."
            )
            raise devops_error(409, "InvalidDefinitionException", message)
        path = str((body.get("process") or {}).get("yamlFilename") or "").lstrip("/")
        if not path or not body.get("name"):
            raise invalid("A definition needs its name and its process with a yamlFilename.")
        pipeline.name, pipeline.folder = str(body["name"]), str(body.get("path") or pipeline.folder)
        pipeline.path, pipeline.revision = path, pipeline.revision + 1
        return web.json_response(definition_view(self._organisation, pipeline))

    async def _delete(self, call: Call) -> web.Response:
        pipeline = self._pipeline(call)
        builds = self._organisation.builds
        if any(build.pipeline is pipeline and not build.over for build in builds.values()):
            message = f"Definition {pipeline.id} cannot be deleted: it has runs that are under way."
            raise devops_error(400, "CannotDeleteDefinitionBuildExistsException", message)
        for number in [build.id for build in builds.values() if build.pipeline is pipeline]:
            del builds[number]
        del self._organisation.pipelines[pipeline.id]
        return web.Response(status=204)
