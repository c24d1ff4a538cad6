"""The registry over HTTP: the OCI distribution API, and the exchange of an Entra token for the registry's own."""

import secrets
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.azure.errors import ServiceError
from sandbox.azure.tokens import ARM_RESOURCES, Tokens
from sandbox.edge.registry.store import DIGEST, MANIFEST_TYPE, REPOSITORY, TAG, Store, digest_of

OWN_RESOURCE = "https://containerregistry.azure.net"


class RegistryApi:
    """`tokens` are the Azure twin's; its own are minted with the registry's host name as audience."""

    def __init__(self, store: Store, tokens: Tokens) -> None:
        self._store = store
        self._tokens = tokens
        self._uploads: dict[str, bytes] = {}

    def app(self, *middlewares: Any) -> web.Application:
        app = web.Application(middlewares=[*middlewares, self._guard], client_max_size=1 << 30)
        name = "{name:[a-z0-9._/-]+}"
        app.add_routes(
            [
                web.get("/v2/", self._root),
                web.get(f"/v2/{name}/manifests/{{reference}}", self._manifest),
                web.put(f"/v2/{name}/manifests/{{reference}}", self._put_manifest),
                web.post(f"/v2/{name}/blobs/uploads/", self._begin),
                web.put(f"/v2/{name}/blobs/uploads/{{upload}}", self._finish),
                web.get(f"/v2/{name}/blobs/{{digest}}", self._blob),
                web.post("/oauth2/exchange", self._exchange),
                web.post("/oauth2/token", self._token),
            ]
        )
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/v2/"):
            try:
                claims = self._tokens.check(request.headers.get("Authorization"), {self._store.host})
            except web.HTTPException:
                claims = {}
            if claims.get("grant_type") != "access_token":
                host = self._store.host
                realm = f'Bearer realm="https://{host}/oauth2/token",service="{host}"'
                raise _refusal(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": realm})
        try:
            return await handler(request)
        except ServiceError:
            raise
        except web.HTTPException as missing:
            raise _refusal(missing.status_code, "UNSUPPORTED", "The operation is unsupported.") from None

    async def _root(self, request: web.Request) -> web.Response:
        return web.json_response({})

    async def _manifest(self, request: web.Request) -> web.Response:
        """GET and HEAD."""
        repository = request.match_info["name"]
        digest = self._store.digest(repository, request.match_info["reference"])
        content = self._store.blob(repository, digest) if digest else None
        if digest is None or content is None:
            raise _refusal(404, "MANIFEST_UNKNOWN", "manifest unknown")
        headers = {"Docker-Content-Digest": digest, "Content-Type": MANIFEST_TYPE}
        return web.Response(body=content, headers=headers)

    async def _put_manifest(self, request: web.Request) -> web.Response:
        repository, reference = request.match_info["name"], request.match_info["reference"]
        content = await request.read()
        given = DIGEST.fullmatch(reference) is not None
        if not REPOSITORY.fullmatch(repository):
            raise _refusal(400, "NAME_INVALID", "invalid repository name")
        if not TAG.fullmatch(reference) and reference != digest_of(content):
            raise _refusal(400, "DIGEST_INVALID" if given else "TAG_INVALID", "invalid reference")
        try:
            digest = self._store.put_manifest(repository, reference, content)
        except (ValueError, KeyError, TypeError) as wrong:
            raise _refusal(400, "MANIFEST_INVALID", str(wrong)) from None
        location = f"/v2/{repository}/manifests/{digest}"
        return web.Response(status=201, headers={"Docker-Content-Digest": digest, "Location": location})

    async def _begin(self, request: web.Request) -> web.Response:
        upload = secrets.token_hex(16)
        self._uploads[upload] = b""
        location = f"/v2/{request.match_info['name']}/blobs/uploads/{upload}"
        return web.Response(status=202, headers={"Location": location, "Docker-Upload-UUID": upload})

    async def _finish(self, request: web.Request) -> web.Response:
        if self._uploads.pop(request.match_info["upload"], None) is None:
            raise _refusal(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        content, wanted = await request.read(), request.query.get("digest", "")
        if digest_of(content) != wanted:
            raise _refusal(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        repository = request.match_info["name"]
        self._store.put_blob(repository, content)
        headers = {"Docker-Content-Digest": wanted, "Location": f"/v2/{repository}/blobs/{wanted}"}
        return web.Response(status=201, headers=headers)

    async def _blob(self, request: web.Request) -> web.Response:
        """GET and HEAD."""
        content = self._store.blob(request.match_info["name"], request.match_info["digest"])
        if content is None:
            raise _refusal(404, "BLOB_UNKNOWN", "blob unknown to registry")
        return web.Response(body=content, content_type="application/octet-stream")

    async def _exchange(self, request: web.Request) -> web.Response:
        """An Entra token for a refresh token of the registry's."""
        form = await request.post()
        if form.get("grant_type") != "access_token" or form.get("service") != self._store.host:
            raise _refusal(400, "UNSUPPORTED", "grant_type access_token for this service is expected")
        audiences = {*ARM_RESOURCES, *self._tokens.known, OWN_RESOURCE} - {"https://iothubs.azure.net"}
        claims = self._tokens.check("Bearer " + str(form.get("access_token")), audiences)
        token, _ = self._tokens.mint(self._store.host, claims["oid"], grant_type="refresh_token")
        return web.json_response({"refresh_token": token})

    async def _token(self, request: web.Request) -> web.Response:
        """A refresh token for one that opens a repository."""
        form = await request.post()
        claims = self._tokens.check("Bearer " + str(form.get("refresh_token")), {self._store.host})
        if claims.get("grant_type") != "refresh_token" or not str(form.get("scope")).startswith(
            "repository:"
        ):
            raise _refusal(401, "UNAUTHORIZED", "authentication required")
        token, _ = self._tokens.mint(self._store.host, claims["oid"], grant_type="access_token")
        return web.json_response({"access_token": token})


def _refusal(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> ServiceError:
    return ServiceError(status, {"errors": [{"code": code, "message": message, "detail": None}]}, headers)
