"""Slack on one machine: the Web API, Socket Mode or signed HTTP, and the side where people are."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler

from ..faults import Faults
from . import responses, uploads
from .announce import announce
from .api import endpoint
from .app import InstalledApp
from .feeds import Feeds
from .files import Files
from .http_mode import HttpMode
from .limits import Limits
from .link import ANSWER_SECONDS, REDELIVERY, Answer, AppLink, Kind
from .messages import Change, Message, Messages
from .payloads import Payloads
from .people_side import endpoints
from .refusal import Json
from .schedule import Schedule
from .socket_mode import SocketMode
from .state import Slack
from .tickets import Hooks, Triggers
from .views import Views
from .workspace import Clock, Person, UserGroup, Workspace

Serve = Callable[[Slack, web.Request], Awaitable[web.StreamResponse]]
Result = TypeVar("Result")
PAGE = Path(__file__).parent / "page"


class SlackTwin:
    """`faults` lets a test misbehave; `redelivery` are the seconds between tries to deliver an event; `patience` those
    in which the app must answer a question, and in which a trigger id opens a view."""

    def __init__(
        self,
        *,
        faults: Faults | None = None,
        manifest: Json | None = None,
        clock: Clock = time.time,
        rate_limits: bool = True,
        redelivery: tuple[float, ...] = REDELIVERY,
        patience: float = ANSWER_SECONDS,
    ) -> None:
        self.faults = faults or Faults()
        self.app = InstalledApp()
        self.url = ""
        self._clock = clock
        self._patience = patience
        self._loop: asyncio.AbstractEventLoop | None = None
        self._runner: web.AppRunner | None = None
        self._slack = _empty(
            self.app, clock, rate_limits=rate_limits, redelivery=redelivery, patience=patience
        )
        self._http: HttpMode | None = None
        self._beside: dict[str, web.Application] = {}
        if manifest is not None:
            self.install(manifest)

    @property
    def limits(self) -> Limits:
        return self._slack.limits

    def install(self, manifest: Json) -> None:
        """Installs or reinstalls the app from its manifest; its tokens stay the same."""
        self.app.read(manifest)
        self._choose_transport()

    def beside(self, path: str, title: str, page: web.Application) -> None:
        """Serves another page at the same address, such as `/plant`, and links to it; before `start`."""
        self._beside[path] = page
        self._slack.links.append({"title": title, "url": path})

    def env(self) -> dict[str, str]:
        """What an app needs to speak to this Slack; after `start`."""
        return {
            "SLACK_API_URL": f"{self.url}/api/",
            "SLACK_BOT_TOKEN": self.app.bot_token,
            "SLACK_APP_TOKEN": self.app.app_token,
            "SLACK_SIGNING_SECRET": self.app.signing_secret,
        }

    async def start(self, listening: socket.socket | None = None) -> None:
        """Serves on the given socket, else on a free port of this machine."""
        server = web.Application(middlewares=[self.faults.middleware], client_max_size=64 * 1024**2)
        server.add_routes(self._routes())
        for path, page in self._beside.items():
            server.add_subapp(path, page)
        self._loop = asyncio.get_running_loop()
        self._runner = web.AppRunner(server, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        if listening is None:
            await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        else:
            await web.SockSite(self._runner, listening).start()
        bound = self._runner.addresses[0][1]
        self.url = self._slack.url = f"http://127.0.0.1:{bound}"
        self._http = HttpMode(self.app, self._clock, self._patience)
        self._choose_transport()

    async def stop(self) -> None:
        self.faults.clear()
        self._slack.feeds.close()
        self._slack.schedule.close()
        await self._slack.link.close()
        await self._slack.sockets.close()
        if self._http:
            await self._http.close()
        if self._runner:
            await self._runner.cleanup()

    def archive(self, name: str) -> None:
        """Archives the channel of that name: it can be read, and nobody can post there any more."""
        for channel in self._slack.workspace.channels.values():
            channel.is_archived = channel.is_archived or channel.name == name

    def refuses_blocks(self, *kinds: str) -> None:
        """From now on the workspace knows no such blocks in messages, as before Slack has rolled them out there."""
        self._slack.workspace.refused_blocks = frozenset(kinds)

    def welcomes(self, person: Person, *groups: str) -> None:
        """Somebody new, or somebody of whom something has changed, in every open channel and in these user groups."""
        workspace = self._slack.workspace
        workspace.people[person.id] = person
        for channel in workspace.channels.values():
            if not channel.is_private and not channel.is_im and person.id not in channel.members:
                channel.members.append(person.id)
        for group in groups:
            workspace.groups.setdefault(group, UserGroup(group, group.lower(), group, []))
            workspace.groups[group].users.append(person.id)

    def leaves_group(self, user: str, group: str) -> None:
        """Takes a person out of a user group."""
        self._slack.workspace.groups[group].users.remove(user)

    def disconnect(self, reason: str = "refresh_requested", *, most: int | None = None) -> None:
        """Says goodbye on the oldest Socket Mode connections: `warning`, `refresh_requested`, `too_many_websockets` or
        `link_disabled`."""
        self._on_loop(partial(self._slack.sockets.disconnect, reason, most))

    def cut_connections(self) -> None:
        """Drops every Socket Mode connection without a word."""
        self._on_loop(self._slack.sockets.abort)

    def fall_silent(self) -> None:
        """Leaves every present Socket Mode connection half-open."""
        self._on_loop(self._slack.sockets.fall_silent)

    def deliver_again(self, kind: Kind, times: int = 1) -> list[Answer]:
        """What the app was last sent of this kind, once more: double clicks and broken networks do that."""
        return self._on_loop(partial(self._slack.link.repeat, kind, times))

    @property
    def connections(self) -> int:
        """Socket Mode connections now open."""
        return len(self._slack.sockets.connections)

    def _on_loop(self, act: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Runs an act on the twin's own loop, from any other thread, and waits for it."""
        if self._loop is None:
            raise RuntimeError("the twin is not started")
        return asyncio.run_coroutine_threadsafe(act(), self._loop).result(timeout=10)

    def _choose_transport(self) -> None:
        self._slack.link.transport = self._slack.sockets if self.app.socket_mode else self._http

    def _with_state(self, serve: Serve) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await serve(self._slack, request)

        return handle

    def _routes(self) -> list[web.AbstractRouteDef]:
        slack = self._slack
        return [
            web.route("*", "/api/{method}", self._with_state(endpoint.answer)),
            web.get("/link/", slack.sockets.serve),
            web.post("/response/{key}", self._with_state(responses.respond)),
            web.post("/upload/v1/{key}", self._with_state(uploads.receive)),
            web.get("/files-pri/{file}/{rest:.+}", self._with_state(uploads.serve)),
            *endpoints.routes(slack),
            web.get("/", _index),
            web.static("/page", PAGE),
        ]


async def _index(_: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / "index.html")


def _empty(
    app: InstalledApp,
    clock: Clock,
    *,
    rate_limits: bool,
    redelivery: tuple[float, ...],
    patience: float,
) -> Slack:
    """A workspace in which nothing was said yet."""

    def changed(change: Change, message: Message, before: Message | None) -> None:
        announce(slack, change, message, before)

    workspace, feeds = Workspace(clock), Feeds()
    messages = Messages(workspace, changed)
    slack = Slack(
        workspace=workspace,
        app=app,
        feeds=feeds,
        messages=messages,
        views=Views(workspace, feeds),
        triggers=Triggers(clock, patience),
        hooks=Hooks(clock),
        limits=Limits(clock, enabled=rate_limits),
        files=Files(workspace),
        schedule=Schedule(workspace),
        link=AppLink(redelivery),
        sockets=SocketMode(clock, patience),
        payloads=Payloads(workspace, messages, app.verification_token),
    )
    return slack
