"""Long-running operations: accepted now, finished later, polled in between."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox.azure.arm.resources import LOCATION
from sandbox.azure.errors import arm_error
from sandbox.azure.place import PROVIDER
from sandbox.azure.times import arm_time, now
from sandbox.azure.workspace import Workspace


@dataclass
class Operation:
    task: asyncio.Task[dict[str, Any] | None]
    not_before: float
    started: str
    error: dict[str, Any] | None = None

    @property
    def done(self) -> bool:
        return self.task.done() and time.monotonic() >= self.not_before


class Operations:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known: dict[str, Operation] = {}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(LOCATION + "/mfeOperationResults/{operation}", self.result),
            web.get(LOCATION + "/mfeOperationsStatus/{operation}", self.status),
        ]

    def start(self, work: Callable[[], Awaitable[dict[str, Any] | None]], least: float) -> dict[str, str]:
        """Begins `work` (which lasts at least `least` seconds to those who poll) and returns the answer's headers.

        What `work` returns is the body of the last poll's answer; a ServiceError that it raises is that answer.
        """
        operation_id = str(uuid.uuid4())

        async def run() -> dict[str, Any] | None:
            return await work()

        task = asyncio.get_running_loop().create_task(run())
        self._known[operation_id] = Operation(task, time.monotonic() + least, arm_time(now()))
        place = self._workspace.place
        area = f"/subscriptions/{place.subscription}/providers/{PROVIDER}/locations/{place.region}"
        version = "api-version=2024-01-01-preview"
        return {
            "Location": f"{self._workspace.base_url}{area}/mfeOperationResults/{operation_id}?{version}",
            "Azure-AsyncOperation": f"{self._workspace.base_url}{area}/mfeOperationsStatus/{operation_id}?{version}",
            "Retry-After": str(self._workspace.pace.retry_after),
        }

    def _find(self, request: web.Request) -> Operation:
        operation = self._known.get(request.match_info["operation"])
        if operation is None:
            raise arm_error(404, "NotFound", f"Operation {request.match_info['operation']} was not found.")
        return operation

    async def result(self, request: web.Request) -> web.Response:
        operation = self._find(request)
        if operation.done:
            body = operation.task.result()
            return web.Response(status=200) if body is None else web.json_response(body)
        headers = {
            "Location": f"{self._workspace.base_url}{request.rel_url}",
            "Retry-After": str(self._workspace.pace.retry_after),
        }
        return web.Response(status=202, headers=headers)

    async def status(self, request: web.Request) -> web.Response:
        operation = self._find(request)
        body = {
            "id": request.path,
            "name": request.match_info["operation"],
            "status": "Succeeded" if operation.done else "InProgress",
            "startTime": operation.started,
        }
        headers = {} if operation.done else {"Retry-After": str(self._workspace.pace.retry_after)}
        return web.json_response(body, headers=headers)
