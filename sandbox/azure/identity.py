"""Token endpoints: managed identity as App Service and Azure ML jobs offer it, and Entra's own for client secrets."""

import secrets
import time

from aiohttp import web

from sandbox.azure.errors import ServiceError
from sandbox.azure.tokens import Tokens

BOT_PRINCIPAL = "5d0b3c0a-2f47-4f9b-9a58-0f6c3d1e7a21"
JOB_PRINCIPAL = "e7f4a1c9-6b32-47d0-8c15-94ab20d3f586"


class Identity:
    """Who may ask for tokens, and for whom they are minted."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self.header = secrets.token_hex(16)
        self.job_secret = secrets.token_hex(16)
        self.client_id = "0c9a4f6e-8d1b-4d55-b0f7-3b1c2a9e6f48"
        self.client_secret = secrets.token_urlsafe(24)

    async def managed_identity(self, request: web.Request) -> web.Response:
        """GET with `resource`; the version of the protocol says which header proves the caller is local."""
        principal = self._local_caller(request)
        resource = request.query.get("resource", "")
        token, expires = self._mint(resource, principal)
        return web.json_response(
            {
                "access_token": token,
                "expires_on": str(expires),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": principal,
            }
        )

    def _local_caller(self, request: web.Request) -> str:
        version = request.query.get("api-version")
        if version == "2019-08-01" and request.headers.get("X-IDENTITY-HEADER") == self.header:
            return BOT_PRINCIPAL
        if version == "2017-09-01" and request.headers.get("secret") == self.job_secret:
            return JOB_PRINCIPAL
        raise ServiceError(401, {"statusCode": 401, "message": "The caller did not prove that it runs here."})

    def _mint(self, resource: str, principal: str) -> tuple[str, int]:
        if resource.removesuffix("/.default").rstrip("/") not in self._tokens.known:
            raise entra_error(
                400,
                "invalid_resource",
                500011,
                f"The resource principal named {resource} was not found in the tenant.",
            )
        return self._tokens.mint(resource, principal)

    async def openid_configuration(self, request: web.Request) -> web.Response:
        base = f"{request.url.origin()}/{request.match_info['tenant']}"
        return web.json_response(
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "issuer": f"{base}/v2.0",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "response_types_supported": ["code", "id_token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def client_credentials(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("grant_type") != "client_credentials":
            raise entra_error(
                400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type."
            )
        if form.get("client_id") != self.client_id:
            raise entra_error(
                400, "unauthorized_client", 700016, "Application was not found in the directory."
            )
        if not secrets.compare_digest(str(form.get("client_secret")), self.client_secret):
            raise entra_error(401, "invalid_client", 7000215, "Invalid client secret provided.")
        token, expires = self._mint(str(form.get("scope", "")), self.client_id)
        lasts = expires - int(time.time())
        return web.json_response(
            {"token_type": "Bearer", "expires_in": lasts, "ext_expires_in": lasts, "access_token": token}
        )


def entra_error(status: int, error: str, code: int, text: str) -> ServiceError:
    return ServiceError(
        status, {"error": error, "error_description": f"AADSTS{code}: {text}", "error_codes": [code]}
    )
