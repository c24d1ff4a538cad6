"""The bot's own web server: health, readiness, metrics, Slack's requests in HTTP mode, and hooks."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from slack_bolt import BoltRequest
from slack_sdk.signature import SignatureVerifier

from bot.after_ack import Dispatched

if TYPE_CHECKING:
    from bot.hooks import Hooks
    from commands.kit.services import Services
    from storage.leases import Lease

LARGEST_BODY = 1024 * 1024
LAST_SECONDS = 3.0  # for requests that are under way when Spotter stops, as long as Slack waits


@dataclass(frozen=True)
class Inside:
    """Spotter as the door sees it, once it is built; hooks are None where no secret for them is set."""

    dispatch: Callable[[BoltRequest], Dispatched]
    services: "Services"
    lease: "Lease"
    hooks: "Hooks | None"


class WebServer:
    """`/healthz`: the process lives. `/readyz`: it can serve, else 503 with the reasons, and whether it leads.
    `/metrics`: Prometheus. `/slack/events`: commands, clicks and events, in HTTP mode only. `/hooks/…`, `/checks/…`:
    where a secret for them is set. It may start before there is anything `inside`: then it is not ready, and hooks
    wait."""

    def __init__(
        self,
        dispatch: Callable[[BoltRequest], Awaitable[Dispatched]],
        inside: Future[Inside],
        executor: Executor,
        connected: Callable[[], Awaitable[bool]] | None,
        signing_secret: str | None,
    ) -> None:
        self._dispatch = dispatch
        self._inside = inside
        self._executor = executor
        self._connected = connected
        self._verifier = SignatureVerifier(signing_secret or "")
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> None:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        if self._connected is None and self._verifier.signing_secret:
            app.router.add_post("/slack/events", self._slack)
        app.router.add_post("/{kind:hooks|checks}/{about}", self._hook)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=LAST_SECONDS)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def _readyz(self, _request: web.Request) -> web.Response:
        if not self._inside.done():
            starting = {"service": "Spotter", "reason": "it is starting", "since": ""}
            return web.json_response({"ready": False, "leads": False, "degraded": [starting]}, status=503)
        services, lease = self._inside.result().services, self._inside.result().lease
        loop = asyncio.get_running_loop()
        reasons = [
            {"service": trouble.service, "reason": trouble.reason, "since": trouble.since.isoformat()}
            for trouble in services.health.troubles()
        ]
        serving = await loop.run_in_executor(self._executor, services.store.answers)
        if not serving:
            reasons.append({"service": "database", "reason": "it does not answer", "since": ""})
        if self._connected is not None and not await self._connected():
            serving = False
            reasons.append({"service": "Slack", "reason": "Socket Mode is not connected", "since": ""})
        body = {"ready": serving, "leads": lease.is_held, "degraded": reasons}
        return web.json_response(body, status=200 if serving else 503)

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _hook(self, request: web.Request) -> web.StreamResponse:
        hooks = (await asyncio.wrap_future(self._inside)).hooks
        handler = hooks.handlers.get(request.path) if hooks else None
        if handler is None:
            raise web.HTTPNotFound
        return await handler(request)

    def _is_slacks(self, body: str, headers: Mapping[str, str]) -> bool:
        """Asked before Bolt, which reads a body before it looks who sent it, and stumbles over odd headers."""
        try:
            stamp, signature = headers["X-Slack-Request-Timestamp"], headers["X-Slack-Signature"]
            return self._verifier.is_valid(body, stamp, signature)
        except (KeyError, TypeError, ValueError):
            return False

    async def _slack(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode("utf-8", "replace")
        if not self._is_slacks(body, request.headers):
            raise web.HTTPUnauthorized
        headers: dict[str, str | Sequence[str]] = dict(request.headers)
        bolt_request = BoltRequest(body=body, query=request.query_string, headers=headers)
        answer, begin_the_rest = await self._dispatch(bolt_request)
        response = web.Response(
            status=answer.status,
            text=answer.body,
            content_type=answer.first_headers().get("content-type", "text/plain").partition(";")[0],
        )
        try:
            await response.prepare(request)
            await response.write_eof()
        finally:
            begin_the_rest()
        return response
