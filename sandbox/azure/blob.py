"""The Blob service: Put Blob, blocks, metadata, reads with ranges, listing, for signed URLs and Entra tokens."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Set
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape

from aiohttp import web

from sandbox.azure.storage import Blob, Datastore, Storage
from sandbox.azure.tokens import STORAGE_RESOURCE, Tokens

HOST_SUFFIX = ".blob.core.windows.net"
PAGE = 1000
READ = "microsoft.storage/storageaccounts/blobservices/containers/blobs/read"
NEEDED = {"GET": "r", "HEAD": "r", "PUT": "w", "DELETE": "d"}


class BlobError(web.HTTPException):
    def __init__(self, status: int, code: str, message: str) -> None:
        self.status_code = status
        body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
        super().__init__(text=body, content_type="application/xml", headers={"x-ms-error-code": code})


class BlobService:
    def __init__(self, storage: Storage, tokens: Tokens, forbidden: Set[str]) -> None:
        self._storage = storage
        self._tokens = tokens
        self._forbidden = forbidden
        self._blocks: dict[tuple[str, str], dict[str, bytes]] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        store, name = self._target(request)
        self._authorise(request, store, name)
        operation = (request.method, request.query.get("comp", ""))
        if operation == ("GET", "list"):
            return self._list(request, store)
        if request.method == "GET" and request.query.get("restype") == "container":
            return self._answer(200)
        try:
            store.path_of(name)
        except ValueError:
            raise BlobError(400, "InvalidUri", "The requested URI does not represent any resource.") from None
        match operation:
            case ("PUT", ""):
                return self._created(
                    store.put(name, self._checked(request, await request.read()), _metadata(request))
                )
            case ("PUT", "block"):
                blocks = self._blocks.setdefault((store.name, name), {})
                blocks[request.query["blockid"]] = self._checked(request, await request.read())
                return self._answer(201)
            case ("PUT", "blocklist"):
                return self._commit(request, store, name, await request.text())
            case ("PUT", "metadata"):
                store.metadata[self._existing(store, name).name] = _metadata(request)
                return self._answer(200)
            case ("GET" | "HEAD", "" | "metadata"):
                return self._read(request, self._existing(store, name))
            case ("DELETE", ""):
                self._existing(store, name).path.unlink()
                return self._answer(202)
        raise BlobError(
            400, "InvalidQueryParameterValue", "Value for one of the query parameters is invalid."
        )

    def _target(self, request: web.Request) -> tuple[Datastore, str]:
        account = request.host.partition(":")[0].removesuffix(HOST_SUFFIX)
        container, _, name = request.match_info["path"].partition("/")
        store = self._storage.container(account, container)
        if store is None:
            raise BlobError(404, "ContainerNotFound", "The specified container does not exist.")
        return store, name

    def _authorise(self, request: web.Request, store: Datastore, name: str) -> None:
        if "sig" not in request.query:
            try:
                self._tokens.check(request.headers.get("Authorization"), {STORAGE_RESOURCE})
            except web.HTTPException as refused:
                if "Authorization" not in request.headers:
                    raise BlobError(
                        409, "PublicAccessNotPermitted", "Public access is not permitted."
                    ) from None
                code = "InvalidAuthenticationInfo"
                error = BlobError(401, code, "Server failed to authenticate the request.")
                error.headers["WWW-Authenticate"] = refused.headers.get("WWW-Authenticate", "Bearer")
                raise error from None
            if request.method in ("GET", "HEAD") and READ in self._forbidden:
                message = "This request is not authorized to perform this operation using this permission."
                raise BlobError(403, "AuthorizationPermissionMismatch", message)
            return
        query = dict(request.query)
        expected = self._storage.signature(store, name, query)
        expires = datetime.fromisoformat(query.get("se", "1970-01-01T00:00:00Z"))
        if not hmac.compare_digest(expected, query["sig"]) or expires < datetime.now(UTC):
            raise BlobError(403, "AuthenticationFailed", "Server failed to authenticate the request.")
        needed = "l" if query.get("comp") == "list" else NEEDED[request.method]
        if needed not in query.get("sp", "") and not (needed == "w" and "c" in query["sp"]):
            raise BlobError(403, "AuthorizationPermissionMismatch", "This request is not authorized.")

    def _checked(self, request: web.Request, content: bytes) -> bytes:
        digest = request.headers.get("Content-MD5")
        if (
            digest
            and base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode() != digest
        ):
            raise BlobError(400, "Md5Mismatch", "The MD5 value specified in the request did not match.")
        return content

    def _commit(self, request: web.Request, store: Datastore, name: str, listing: str) -> web.Response:
        blocks = self._blocks.pop((store.name, name), {})
        wanted = [part.partition("<")[0] for part in listing.split("<Latest>")[1:]]
        if any(block not in blocks for block in wanted):
            raise BlobError(400, "InvalidBlockList", "The specified block list is invalid.")
        return self._created(store.put(name, b"".join(blocks[block] for block in wanted), _metadata(request)))

    def _existing(self, store: Datastore, name: str) -> Blob:
        blob = store.get(name)
        if blob is None:
            raise BlobError(404, "BlobNotFound", "The specified blob does not exist.")
        return blob

    def _read(self, request: web.Request, blob: Blob) -> web.Response:
        content = blob.path.read_bytes()
        total = len(content)
        headers = _properties(blob)
        asked = request.headers.get("x-ms-range") or request.headers.get("Range")
        status = 200
        if asked and request.method == "GET":
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last) if last else total - 1, total - 1)
            if start >= total:
                raise BlobError(416, "InvalidRange", "The range specified is invalid for the current size.")
            content = content[start : end + 1]
            headers["Content-Range"] = f"bytes {start}-{end}/{total}"
            status = 206
        return self._answer(status, headers, content)

    def _list(self, request: web.Request, store: Datastore) -> web.Response:
        prefix, delimiter = request.query.get("prefix", ""), request.query.get("delimiter", "")
        after = request.query.get("marker", "")
        page = min(int(request.query.get("maxresults", PAGE)), PAGE)
        entries: dict[str, Blob | None] = {}
        for blob in store.blobs(prefix):
            head, found, _ = blob.name[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            key = prefix + head + delimiter if found else blob.name
            if key > after:
                entries[key] = None if found else blob
        names = sorted(entries)
        shown, more = names[:page], len(names) > page
        parts = [_listed(name, entries[name]) for name in shown]
        body = (
            f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="https://{request.host}/" '
            f'ContainerName="{store.container}"><Prefix>{escape(prefix)}</Prefix><Blobs>{"".join(parts)}</Blobs>'
            f"<NextMarker>{escape(shown[-1]) if more else ''}</NextMarker></EnumerationResults>"
        )
        return self._answer(200, {"Content-Type": "application/xml"}, body.encode())

    def _created(self, blob: Blob) -> web.Response:
        return self._answer(
            201, {"ETag": blob.etag, "Last-Modified": format_datetime(blob.modified, usegmt=True)}
        )

    def _answer(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> web.Response:
        common = {"x-ms-version": "2025-01-05", "x-ms-request-id": secrets.token_hex(16)}
        return web.Response(status=status, body=body, headers={**common, **(headers or {})})


def _metadata(request: web.Request) -> dict[str, str]:
    prefix = "x-ms-meta-"
    return {
        k.lower().removeprefix(prefix): v for k, v in request.headers.items() if k.lower().startswith(prefix)
    }


def _properties(blob: Blob) -> dict[str, str]:
    return {
        "Content-Type": "application/octet-stream",
        "Accept-Ranges": "bytes",
        "ETag": blob.etag,
        "Last-Modified": format_datetime(blob.modified, usegmt=True),
        "x-ms-blob-type": "BlockBlob",
        **{f"x-ms-meta-{key}": value for key, value in blob.metadata.items()},
    }


def _listed(name: str, blob: Blob | None) -> str:
    if blob is None:
        return f"<BlobPrefix><Name>{escape(name)}</Name></BlobPrefix>"
    metadata = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in blob.metadata.items())
    return (
        f"<Blob><Name>{escape(name)}</Name><Properties>"
        f"<Last-Modified>{format_datetime(blob.modified, usegmt=True)}</Last-Modified><Etag>{blob.etag}</Etag>"
        f"<Content-Length>{blob.size}</Content-Length><Content-Type>application/octet-stream</Content-Type>"
        f"<BlobType>BlockBlob</BlobType></Properties><Metadata>{metadata}</Metadata></Blob>"
    )
