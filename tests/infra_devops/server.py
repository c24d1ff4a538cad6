"""An Azure DevOps that says what a test tells it, and starts runs: for what a well-behaved one never shows."""

import asyncio
import base64
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from infra.devops.connection import Place
from sandbox.faults import Faults

TOKEN = "a-personal-access-token"
AUDIENCE = "499b84ac-1321-427f-aa17-267ca6975798"
PROJECT = "Bottling line"
PIPELINE_ID = 7
REPOSITORY_ID = "0f6d6e0e-7a55-4f6b-a7f3-1d1f0e5b1c11"
YAML = """
trigger: none
parameters:
- {name: correlationId, type: string, default: none}
- {name: force, displayName: Publish again, type: boolean, default: false}
- {name: size, type: string, default: small, values: [small, medium]}
- name: target
steps:
- ${{ if eq(parameters.force, true) }}:
  - script: echo again
"""


@dataclass
class Server:
    """Answers by method and path below `/org/<project>/_apis/`; runs are kept, and come back as builds and as runs.

    `lists_parameters` and `keeps_parameters` tell whether lists of builds show parameters, and whether runs get them.
    """

    faults: Faults = field(default_factory=Faults)
    port: int = 0
    runs: list[dict[str, Any]] = field(default_factory=list)
    lists_parameters: bool = True
    keeps_parameters: bool = True
    hidden: int = 0
    """How many lists do not show the newest run yet."""
    token: str = TOKEN
    scheme: str = "http"
    bearer: int = 1
    """The number of the Entra token that is accepted; the identity endpoint gives out this one."""
    is_user: bool = True
    """Whether that identity is a user of the organisation; a stranger's token is as good as none."""
    _told: dict[tuple[str, str], tuple[int, Any, dict[str, str]]] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        return Place(f"{self.scheme}://localhost:{self.port}/org", PROJECT)

    def says(
        self, method: str, path: str, body: Any, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self._told[method, path] = (status, body, headers or {})

    def asked(self, method: str = "*", path: str = "") -> list[str]:
        return [entry.path for entry in self.faults.log(method, path)]

    def sent(self, method: str, path: str) -> Any:
        """The JSON body of the last such request."""
        return json.loads(self.faults.log(method, path)[-1].body)

    def started(self, run_id: int, parameters: dict[str, str], *, ago: timedelta = timedelta()) -> None:
        self.runs.append({"id": run_id, "at": datetime.now(UTC) - ago, "parameters": parameters})

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/msi/token":
            scope = request.query["resource"]
            token = {"access_token": f"{scope} {self.bearer}", "expires_on": str(int(time.time()) + 3600)}
            return web.json_response(token | {"token_type": "Bearer", "resource": scope})
        if request.headers.get("Authorization") not in self._accepted():
            page = "<html><title>Azure DevOps Services | Sign In</title></html>"
            return web.Response(status=203, text=page, content_type="text/html")
        if "api-version" not in request.query:
            return web.json_response({"message": "No api-version was supplied."}, status=400)
        path = request.path.partition("/_apis/")[2]
        if (request.method, path) in self._told:
            status, body, headers = self._told[request.method, path]
            return web.json_response(body, status=status, headers=headers)
        return await self._run(request, path)

    def _accepted(self) -> set[str]:
        basic = base64.b64encode(f":{self.token}".encode()).decode()
        return {f"Basic {basic}"} | ({f"Bearer {AUDIENCE} {self.bearer}"} if self.is_user else set())

    async def _run(self, request: web.Request, path: str) -> web.StreamResponse:
        match request.method, path.split("/"):
            case "POST", ["pipelines", _, "runs"]:
                asked = await request.json()
                given = asked["templateParameters"] if self.keeps_parameters else {}
                ref = asked["resources"]["repositories"]["self"]["refName"]
                run = {
                    "id": 100 + len(self.runs),
                    "at": datetime.now(UTC),
                    "parameters": given,
                    "branch": ref,
                }
                self.runs.append(run)
                return web.json_response(_as_run(run))
            case "GET", ["pipelines", _, "runs", number] if found := self._found(number):
                return web.json_response(_as_run(found))
            case "GET", ["build", "builds"]:
                shown = self.runs[:-1] if self.hidden > 0 else self.runs
                self.hidden -= 1
                builds = [_as_build(run, self.lists_parameters) for run in reversed(shown)]
                return web.json_response({"count": len(builds), "value": builds})
            case "GET", ["build", "builds", number] if found := self._found(number):
                return web.json_response(_as_build(found, self.lists_parameters))
        refusal = {"$id": "1", "message": f"TF1: {path} is not there.", "typeKey": "NotFoundException"}
        return web.json_response(refusal, status=404)

    def _found(self, number: str) -> dict[str, Any] | None:
        return next((run for run in self.runs if str(run["id"]) == number), None)


def _as_run(run: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": run["id"],
        "name": f"20261122.{run['id']}",
        "state": "inProgress",
        "createdDate": run["at"].isoformat(),
        "templateParameters": run["parameters"],
        "resources": {"repositories": {"self": {"refName": run.get("branch", "refs/heads/main")}}},
        "_links": {"web": {"href": f"https://dev.azure.com/org/_build/results?buildId={run['id']}"}},
    }


def _as_build(run: dict[str, Any], with_parameters: bool) -> dict[str, Any]:
    build: dict[str, Any] = {
        "id": run["id"],
        "buildNumber": f"20261122.{run['id']}",
        "status": "inProgress",
        "definition": {"id": PIPELINE_ID, "name": "publish"},
        "sourceBranch": run.get("branch", "refs/heads/main"),
        "sourceVersion": "5f3c1e0",
        "reason": "manual",
        "requestedFor": {"displayName": "Spotter"},
        "queueTime": run["at"].isoformat().replace("+00:00", "1Z"),
    }
    return build | ({"templateParameters": run["parameters"]} if with_parameters else {})


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(scheme="https" if tls else "http")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(_start(server, tls), loop).result(60)
    try:
        yield server
    finally:
        server.faults.clear()
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


async def _start(server: Server, tls: ssl.SSLContext | None) -> web.AppRunner:
    app = web.Application(middlewares=[server.faults.middleware])
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    server.port = runner.addresses[0][1]
    return runner
