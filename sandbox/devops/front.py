"""The one handler of the organisation: who calls, which resource, which version; and how it refuses."""

import logging
import uuid

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.azure.errors import ServiceError
from sandbox.devops.errors import devops_error, not_found
from sandbox.devops.identities import NotAuthorizedError, SignInRequiredError
from sandbox.devops.organisation import NAME, PROJECT, Organisation
from sandbox.devops.resources import Call, Resource, Router, check_api_version

log = logging.getLogger(__name__)

SIGN_IN = """<!DOCTYPE html>
<html lang="en-US">
<head><title>Azure DevOps Services | Sign In</title></head>
<body><h1>Sign in to your account</h1></body>
</html>
"""


class Front:
    def __init__(self, organisation: Organisation, resources: list[Resource]) -> None:
        self._organisation = organisation
        self._router = Router(resources)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Everything below `/{organisation}`."""
        try:
            caller = self._organisation.access.caller(request.headers.get("Authorization"))
        except SignInRequiredError:
            return web.Response(status=203, text=SIGN_IN, content_type="text/html")
        except NotAuthorizedError as refused:
            headers = {
                "X-TFS-ServiceError": str(refused),
                "WWW-Authenticate": f'Bearer, Basic realm="{self._organisation.base_url}"',
            }
            return web.Response(status=401, text=f"Access Denied: {refused}", headers=headers)
        _, _, below = request.rel_url.raw_path.lstrip("/").partition("/")
        below = "/" + below.rstrip("/")
        if request.method == "OPTIONS" and below.lower() == "/_apis":
            locations = [resource.location() for resource in self._router.resources if resource.id]
            return web.json_response({"count": len(locations), "value": locations})
        found = self._router.find(below)
        if found is None:
            raise not_found("VssResourceNotFoundException", f"No resource was found at {below}.")
        resource, values = found
        self._check_project(values)
        work = resource.work.get(request.method)
        if work is None:
            message = f"The requested resource does not support http method '{request.method}'."
            raise devops_error(405, "UnsupportedHttpMethodException", message)
        check_api_version(request, resource)
        return await work(Call(request, caller, values))

    def _check_project(self, values: dict[str, str]) -> None:
        given = values.get("project")
        if given is not None and given.lower() not in (PROJECT.lower(), self._organisation.project_id):
            message = (
                f"TF200016: The following project does not exist: {given}. Verify that the name of the project is "
                "correct and that the project exists on the specified Azure DevOps Server."
            )
            raise not_found("ProjectDoesNotExistWithNameException", message)


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Gives every answer its activity id, and what breaks the twin the service's own shape."""
    activity = {"ActivityId": str(uuid.uuid4()), "X-TFS-ProcessId": str(uuid.uuid4())}
    try:
        response = await handler(request)
        response.headers.update(activity)
        return response
    except ServiceError as refused:
        refused.headers.update(activity)
        raise
    except web.HTTPException:
        raise not_found("VssResourceNotFoundException", f"Only the organisation {NAME} is here.") from None
    except Exception:
        log.exception("%s %s broke the twin", request.method, request.path_qs)
        raise devops_error(500, "VssServiceException", "The twin broke; its log says where.") from None
