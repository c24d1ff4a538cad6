"""An Azure that says exactly what a test tells it: for shapes and faults that a well-behaved server never shows."""

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import trustme
from aiohttp import web

from infra.azureml.connection import WorkspaceId
from sandbox.faults import Faults

WORKSPACE = WorkspaceId("11111111-2222-3333-4444-555555555555", "line", "vision")
HISTORY = f"/history/v1.0{WORKSPACE.path}"
MLFLOW = f"/mlflow/v2.0{WORKSPACE.path}/api/2.0/mlflow"
REGION = f"/subscriptions/{WORKSPACE.subscription}/providers/Microsoft.MachineLearningServices/locations/weur"


class Answers:
    """Scripted answers by method and path. A path that begins with `./` is below the workspace."""

    def __init__(self, folder: Path) -> None:
        self.faults = Faults()
        self.ca = folder / "ca.pem"
        self.port = 0
        self._told: dict[tuple[str, str], tuple[int, Any]] = {}

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def says(self, method: str, path: str, body: Any, status: int = 200) -> None:
        self._told[method, _full(path)] = (status, body)

    def forgets(self, method: str, path: str) -> None:
        self._told.pop((method, _full(path)), None)

    def asked(self, method: str = "*", path: str = "") -> list[str]:
        """The paths asked for, with their queries, without cloud metadata, tokens and discovery."""
        quiet = ("/metadata/", "/msi/", "/discovery")
        return [e.path for e in self.faults.log(method, path) if not e.path.startswith(quiet)]

    def sent(self, method: str, path: str) -> Any:
        """The JSON body of the last such request."""
        return json.loads(self.faults.log(method, path)[-1].body)

    def environment(self) -> dict[str, str]:
        return {
            "ARM_CLOUD_METADATA_URL": f"{self.url}/metadata/endpoints",
            "REQUESTS_CA_BUNDLE": str(self.ca),
            "IDENTITY_ENDPOINT": f"{self.url}/msi/token",
            "IDENTITY_HEADER": "here",
        }

    async def answer(self, request: web.Request) -> web.Response:
        status, body = self._told.get((request.method, request.path), (404, _NOT_FOUND))
        if isinstance(body, bytes):
            return web.Response(status=status, body=body)
        return web.json_response(body, status=status)

    @contextmanager
    def serving(self) -> Iterator["Answers"]:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca))
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(tls)
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        runner = asyncio.run_coroutine_threadsafe(self._start(tls), loop).result(60)
        try:
            self._say_where_everything_is()
            yield self
        finally:
            self.faults.clear()
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(60)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(60)
            loop.close()

    async def _start(self, tls: ssl.SSLContext) -> web.AppRunner:
        app = web.Application(middlewares=[self.faults.middleware])
        app.router.add_route("*", "/{path:.*}", self.answer)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        self.port = runner.addresses[0][1]
        return runner

    def _say_where_everything_is(self) -> None:
        self.says(
            "GET",
            "/metadata/endpoints",
            {
                "name": f"answers-{self.port}",
                "portal": "https://portal.azure.com",
                "resourceManager": f"{self.url}/",
                "authentication": {"loginEndpoint": f"{self.url}/"},
                "suffixes": {"storage": "core.windows.net"},
            },
        )
        token = {"access_token": "token", "expires_on": str(int(time.time()) + 3600), "token_type": "Bearer"}
        self.says("GET", "/msi/token", token)
        self.says("GET", ".", {"properties": {"discoveryUrl": f"{self.url}/discovery"}})
        self.says("GET", "/discovery", {"api": self.url})


_NOT_FOUND = {"error": {"code": "ResourceNotFound", "message": "It is not there."}}


def _full(path: str) -> str:
    return WORKSPACE.path + path[1:] if path.startswith(".") else path
