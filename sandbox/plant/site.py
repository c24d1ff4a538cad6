"""Serves the plant at `/plant`: the page, one snapshot of everything, its changes as events, logs, and what people do.

Answers of acts are `{ok: true, …}`, or `{ok: false, message}` with a sentence for who did it.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.azure.twin import AzureTwin
from sandbox.devops.twin import DevOpsTwin
from sandbox.edge.edge import Edge
from sandbox.plant import logs
from sandbox.plant.acts import Acts
from sandbox.plant.lines import LinesView
from sandbox.plant.people import RefusedError
from sandbox.plant.pipelines import PipelinesView
from sandbox.plant.speed import Speed
from sandbox.plant.trouble import Troubles
from sandbox.plant.workspace import WorkspaceView
from sandbox.slack.twin import SlackTwin
from sandbox.slack.workspace import PEOPLE

PAGE = Path(__file__).parent / "page"
LOOK_SECONDS, KEEP_ALIVE_SECONDS = 0.4, 10.0
Json = dict[str, Any]


class Plant:
    """Reads the twins in their own event loop, so a snapshot is of one moment."""

    def __init__(self, slack: SlackTwin, azure: AzureTwin, devops: DevOpsTwin, edge: Edge) -> None:
        self._azure = azure
        self._devops = devops
        self._workspace = WorkspaceView(azure)
        self._pipelines = PipelinesView(devops)
        self._lines = LinesView(edge)
        self._acts = Acts(devops)
        self._troubles = Troubles(slack, azure, devops, edge)
        self._speed = Speed(azure, devops, edge)
        self._closing = asyncio.Event()

    def app(self) -> web.Application:
        """To be mounted at `/plant`."""
        app = web.Application()
        app.add_routes(
            [
                web.get("", _index),
                web.static("/page", PAGE),
                web.get("/state", self._answering(lambda _: self.state())),
                web.get("/events", self._events),
                web.get("/speed", self._answering(lambda _: {"times": self._speed.times})),
                web.post("/speed", self._set_speed),
                web.get("/jobs/{run}/log", self._answering(self._job_log)),
                web.get("/runs/{run}/logs/{log}", self._answering(self._step_log)),
                web.get("/files", self._answering(lambda r: {"files": self._acts.files(r.query["branch"])})),
                web.get("/file", self._answering(self._file)),
                web.post("/people/{user}/{act}", self._act),
                web.get("/devices/{device}/picture", self._picture),
                web.post("/devices/{device}/{what}", self._answering(self._happen)),
                web.post("/troubles/{key}/make", self._answering(self._make_trouble)),
                web.post("/troubles/{key}/clear", self._answering(self._clear_trouble)),
            ]
        )
        app.on_shutdown.append(self._close)
        return app

    def state(self) -> Json:
        return {
            "people": [
                {"id": p.id, "name": p.name, "real_name": p.real_name, "title": p.title} for p in PEOPLE
            ],
            "azure": self._workspace.state(),
            "devops": self._pipelines.state(),
            "edge": self._lines.state(),
            "troubles": self._troubles.state(),
            "times": self._speed.times,
            "at": time.time(),
        }

    async def _close(self, _: web.Application) -> None:
        self._troubles.clear_all()
        self._closing.set()

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        with contextlib.suppress(ConnectionResetError):  # the reader has left
            await response.prepare(request)
            await self._send_changes(response)
        return response

    async def _send_changes(self, response: web.StreamResponse) -> None:
        """The whole snapshot whenever it has changed: the twins move on in too many places to tell of each. Now and
        then also when it has not, which tells whether the reader is still there."""
        shown: Json = {"at": 0.0}
        while not self._closing.is_set():
            state = self.state()
            if state | {"at": shown["at"]} != shown or state["at"] - shown["at"] > KEEP_ALIVE_SECONDS:
                shown = state
                await response.write(f"data: {json.dumps(state)}\n\n".encode())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), LOOK_SECONDS)

    def _answering(self, read: Callable[[web.Request], Json]) -> Handler:
        async def answer(request: web.Request) -> web.Response:
            try:
                return web.json_response({"ok": True, **read(request)})
            except RefusedError as refused:
                return web.json_response({"ok": False, "message": str(refused)})
            except (KeyError, ValueError) as wrong:
                return web.json_response({"ok": False, "message": f"The page asked wrongly: {wrong}."})

        return answer

    async def _act(self, request: web.Request) -> web.StreamResponse:
        given = await request.json()
        user, act = request.match_info["user"], request.match_info["act"]
        return await self._answering(lambda _: self._acts.do(act, user, given))(request)

    async def _set_speed(self, request: web.Request) -> web.StreamResponse:
        given = await request.json()

        def change(_: web.Request) -> Json:
            self._speed.set(fast=bool(given["fast"]))
            return {"times": self._speed.times}

        return await self._answering(change)(request)

    def _job_log(self, request: web.Request) -> Json:
        return {"lines": logs.of_job(self._azure, request.match_info["run"])}

    def _step_log(self, request: web.Request) -> Json:
        run, log = int(request.match_info["run"]), int(request.match_info["log"])
        return {"lines": logs.of_step(self._devops, run, log)}

    def _file(self, request: web.Request) -> Json:
        return {"text": self._acts.read(request.query["branch"], request.query["path"])}

    async def _picture(self, request: web.Request) -> web.Response:
        try:
            picture = self._lines.picture(request.match_info["device"])
        except RefusedError as none:
            raise web.HTTPNotFound(text=str(none)) from None
        return web.Response(body=picture, content_type="image/jpeg", headers={"Cache-Control": "no-store"})

    def _happen(self, request: web.Request) -> Json:
        self._lines.happen(request.match_info["device"], request.match_info["what"])
        return {}

    def _make_trouble(self, request: web.Request) -> Json:
        self._troubles.make(request.match_info["key"])
        return {}

    def _clear_trouble(self, request: web.Request) -> Json:
        self._troubles.clear(request.match_info["key"])
        return {}


async def _index(_: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / "index.html")
