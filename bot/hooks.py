"""News pushed by Azure DevOps and Azure: hints that make followers look at once. Polling remains the truth."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from typing import Any

import structlog
from aiohttp import web
from prometheus_client import Counter
from sqlalchemy.exc import OperationalError

from bot.watchdog import Watchdog
from commands.deploy.checks import verdict
from commands.kit.command import Follower
from commands.kit.health import AZURE, DEVOPS
from commands.kit.services import Services
from storage import marks

log = structlog.get_logger("hooks")
TAKEN = Counter("spotter_hooks_total", "Pushed news", ["service", "outcome"])
HEADER, PARAMETER = "X-Spotter-Secret", "secret"
HANDSHAKE = "SubscriptionValidation"
LONGEST_ID = 100
Handler = Callable[[web.Request], Awaitable[web.Response]]


class Hooks:
    """`/hooks/devops`: Azure DevOps service hooks, known by the secret in the header `X-Spotter-Secret`.
    `/hooks/azure`: Event Grid with its own event schema, known by the secret in the query, `?secret=…`.
    `/checks/deployment`: the check of the edge targets' environments, with the same header; 200 for a run that was
    approved, else 403 and the reason.

    Who does not give the secret learns nothing. What is delivered twice counts once; its content is not believed.
    Checks ask Azure, which may take its time: they run in `checking`, and keep nothing else waiting.
    """

    def __init__(
        self,
        secret: str,
        followers: Sequence[Follower],
        services: Services,
        executor: Executor,
        checking: Executor,
        watchdog: Watchdog,
    ) -> None:
        self._secret = secret.encode()
        self._followers = [follower for follower in followers if follower.hinted]
        self._services = services
        self._executor = executor
        self._checking = checking
        self._watchdog = watchdog

        self.handlers: dict[str, Handler] = {
            "/hooks/devops": self._devops,
            "/hooks/azure": self._azure,
            "/checks/deployment": self._check,
        }

    async def _devops(self, request: web.Request) -> web.Response:
        self._must_know(request.headers.get(HEADER))
        event = await _json(request)
        if not isinstance(event, dict):
            raise web.HTTPBadRequest
        return await self._take(DEVOPS, [f"{_id(event, 'subscriptionId')}:{_id(event, 'notificationId')}"])

    async def _azure(self, request: web.Request) -> web.Response:
        self._must_know(request.query.get(PARAMETER))
        events = await _json(request)
        if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
            raise web.HTTPBadRequest
        if request.headers.get("aeg-event-type") == HANDSHAKE:
            return web.json_response({"validationResponse": _code(events)})
        return await self._take(AZURE, [_id(event, "id") for event in events])

    async def _check(self, request: web.Request) -> web.Response:
        self._must_know(request.headers.get(HEADER))
        asked = await _json(request)
        run = str(asked.get("buildId", "")) if isinstance(asked, dict) else ""
        if not (run.isascii() and run.isdigit() and len(run) < LONGEST_ID):
            raise web.HTTPBadRequest
        loop = asyncio.get_running_loop()
        approved, reason = await loop.run_in_executor(self._checking, self._verdict, int(run))
        TAKEN.labels(DEVOPS, "approved" if approved else "not approved").inc()
        return web.json_response({"approved": approved, "reason": reason}, status=200 if approved else 403)

    def _verdict(self, run: int) -> tuple[bool, str]:
        with self._watchdog.over("check"):
            return verdict(run, self._services)

    def _must_know(self, given: str | None) -> None:
        if not hmac.compare_digest((given or "").encode(), self._secret):
            TAKEN.labels("", "refused").inc()
            raise web.HTTPUnauthorized

    async def _take(self, service: str, deliveries: list[str]) -> web.Response:
        loop = asyncio.get_running_loop()
        try:
            is_news = await loop.run_in_executor(self._executor, self._are_new, service, deliveries)
        except OperationalError as trouble:
            log.warning("hook_not_taken", service=service, error=str(trouble.orig))
            raise web.HTTPServiceUnavailable from trouble  # and it is delivered again
        TAKEN.labels(service, "news" if is_news else "known").inc()
        for follower in self._followers:
            if is_news and follower.service == service:
                await loop.run_in_executor(self._executor, self._services.wake, follower.name)
        return web.Response()

    def _are_new(self, service: str, deliveries: list[str]) -> bool:
        """Whether any of them was not delivered before; remembers them all."""
        now = self._services.clock.now()
        with self._services.store.write() as tx:
            first = [marks.first_delivery(tx, f"{service}:{each}", now) for each in deliveries]
        return any(first)


async def _json(request: web.Request) -> Any:
    try:
        return await request.json()
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest from None


def _id(event: dict[str, Any], key: str) -> str:
    given = event.get(key)
    if not isinstance(given, str | int) or not 0 < len(str(given)) <= LONGEST_ID:
        raise web.HTTPBadRequest
    return str(given)


def _code(events: list[dict[str, Any]]) -> str:
    """What Event Grid wants to hear back; its handshake comes alone."""
    data = events[0].get("data") if len(events) == 1 else None
    code = data.get("validationCode") if isinstance(data, dict) else None
    if not isinstance(code, str):
        raise web.HTTPBadRequest
    return code
