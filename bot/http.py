"""The bot's own web server: health, readiness, metrics, Slack's requests in HTTP mode, and hooks."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from slack_bolt import BoltRequest
from slack_sdk.signature import SignatureVerifier

from bot.after_ack import Dispatched
from bot.hooks import Hooks
from commands.kit.services import Services
from storage.leases import Lease

LARGEST_BODY = 1024 * 1024
LAST_SECONDS = 3.0  # for requests that are under way when Spotter stops, as long as Slack waits


class WebServer:
    """`/healthz`: the process lives. `/readyz`: it can serve, else 503 with the reasons, and whether it leads.
    `/metrics`: Prometheus. `/slack/events`: commands, clicks and events, in HTTP mode only. `/hooks/…`: where a secret
    for them is set."""

    def __init__(
        self,
        dispatch: Callable[[BoltRequest], Dispatched],
        services: Services,
        executor: Executor,
        connected: Callable[[], Awaitable[bool]] | None,
        signing_secret: str | None,
        hooks: Hooks | None,
        lease: Lease,
    ) -> None:
        self._dispatch = dispatch
        self._lease = lease
        self._services = services
        self._executor = executor
        self._connected = connected
        self._verifier = SignatureVerifier(signing_secret or "")
        self._hooks = hooks
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> None:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        if self._connected is None and self._verifier.signing_secret:
            app.router.add_post("/slack/events", self._slack)
        if self._hooks is not None:
            self._hooks.attach(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=LAST_SECONDS)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def _readyz(self, _request: web.Request) -> web.Response:
        loop = asyncio.get_running_loop()
        reasons = [
            {"service": trouble.service, "reason": trouble.reason, "since": trouble.since.isoformat()}
            for trouble in self._services.health.troubles()
        ]
        serving = await loop.run_in_executor(self._executor, self._services.store.answers)
        if not serving:
            reasons.append({"service": "database", "reason": "it does not answer", "since": ""})
        if self._connected is not None and not await self._connected():
            serving = False
            reasons.append({"service": "Slack", "reason": "Socket Mode is not connected", "since": ""})
        body = {"ready": serving, "leads": self._lease.is_held, "degraded": reasons}
        return web.json_response(body, status=200 if serving else 503)

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

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
        loop = asyncio.get_running_loop()
        answer, begin_the_rest = await loop.run_in_executor(self._executor, self._dispatch, bolt_request)
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
