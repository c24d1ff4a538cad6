"""What the caller may do: permission bits of a security namespace, held against tokens that name things."""

from aiohttp import web

from sandbox.devops.errors import devops_error
from sandbox.devops.identities import BUILD_NAMESPACE
from sandbox.devops.organisation import Organisation
from sandbox.devops.resources import Call, Resource, collection


class SecurityApi:
    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    def resources(self) -> list[Resource]:
        return [
            Resource(
                "dd3b8bd6-c7fc-4cbd-929a-933d9c011c9d",
                "Security",
                "Permissions",
                "_apis/permissions/{securityNamespaceId}/{permissions}",
                {"GET": self._has},
                version=2,
            )
        ]

    async def _has(self, call: Call) -> web.Response:
        """For each token whether the caller has all of the bits."""
        namespace = call.values["securityNamespaceId"].lower()
        if namespace != BUILD_NAMESPACE:
            message = f"The security namespace {namespace} does not exist, or is not served by the sandbox."
            raise devops_error(404, "InvalidSecurityNamespaceException", message)
        bits = call.number("permissions")
        tokens = call.query.get("tokens", "").split(call.query.get("delimiter", ","))
        access, project = self._organisation.access, self._organisation.project_id
        return collection(
            [
                token.startswith(project) and access.may(call.caller, bits, token.rpartition("/")[2])
                for token in tokens
            ]
        )
