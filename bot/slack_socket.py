"""Socket Mode: two WebSocket connections that hand on each envelope, and acknowledge it."""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

import aiohttp
import structlog
from slack_bolt import BoltRequest, BoltResponse
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.after_ack import Dispatched

log = structlog.get_logger("socket")
CONNECTIONS = 2
PING_SECONDS = 2
ACK_SECONDS = 3
REPLACE_AFTER = 30.0
FAREWELL = 60.0  # seconds after which a connection is hung up that Slack has not closed though it said so
MOST_OPENINGS, IN_SECONDS = 5, 10.0


class SocketMode:
    """Two connections, so that Slack's routine reconnects never leave a moment without one. Where Slack says goodbye
    on one, another takes its place, and the old one serves until Slack closes it: slack_sdk by itself would hang up
    first, and drop what is on its way."""

    def __init__(
        self,
        dispatch: Callable[[BoltRequest], Awaitable[Dispatched]],
        app_token: str,
        api_url: str,
    ) -> None:
        self._dispatch = dispatch
        self._app_token = app_token
        self._api_url = api_url
        self._clients: set[_Client] = set()
        self._keepers: set[asyncio.Task[None]] = set()
        self._under_way: set[asyncio.Task[object]] = set()

    async def start(self) -> None:
        """Begin to connect; keeps trying while Slack cannot be reached."""
        self._keepers = {asyncio.create_task(self._keep(place)) for place in range(CONNECTIONS)}

    async def connected(self) -> bool:
        return await self._connected() is not None

    async def _connected(self) -> "_Client | None":
        """Rather one on which Slack has not said goodbye."""
        for client in sorted(self._clients, key=lambda each: each.dismissed.is_set()):
            if await client.is_connected():
                return client
        return None

    async def stop(self) -> None:
        """Acknowledge what is being worked on, then hang up."""
        for keeper in self._keepers:
            keeper.cancel()
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=ACK_SECONDS)
        for client in list(self._clients):
            await client.close()  # type: ignore[no-untyped-call]  # untyped in slack_sdk

    async def _keep(self, place: int) -> None:
        """slack_sdk's client reconnects by itself, but may try a used-up address for ever: then it is replaced."""
        openings: deque[float] = deque(maxlen=MOST_OPENINGS)
        while True:
            client = _Client(self._app_token, self._api_url, openings)
            self._clients.add(client)
            client.socket_mode_request_listeners.append(self._receive)
            connecting = asyncio.create_task(client.connect())  # type: ignore[no-untyped-call]  # untyped in slack_sdk
            if await _is_dismissed(client):
                leaving = asyncio.create_task(self._see_off(client))
                self._keepers.add(leaving)
                leaving.add_done_callback(self._keepers.discard)
                continue
            log.warning("socket_replaced", place=place)
            connecting.cancel()
            await self._hang_up(client)

    async def _see_off(self, client: "_Client") -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL):
                while await client.is_connected():  # noqa: ASYNC110  slack_sdk does not tell of every end
                    await asyncio.sleep(PING_SECONDS / 2)
        await self._hang_up(client)

    async def _hang_up(self, client: "_Client") -> None:
        self._clients.discard(client)
        await client.close()  # type: ignore[no-untyped-call]  # untyped in slack_sdk

    async def _receive(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        work = asyncio.create_task(self._answer(client, request))
        self._under_way.add(work)
        work.add_done_callback(self._under_way.discard)
        await work

    async def _answer(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        bolt_request = BoltRequest(mode="socket_mode", body=request.payload)
        answer, begin_the_rest = await self._dispatch(bolt_request)
        try:
            if answer.status == 200:
                response = SocketModeResponse(envelope_id=request.envelope_id, payload=_payload(answer))
                await self._acknowledge(client, response)
        except (aiohttp.ClientError, ConnectionError) as lost:
            log.warning("ack_lost", envelope=request.envelope_id, error=str(lost))
        finally:
            begin_the_rest()

    async def _acknowledge(self, client: AsyncBaseSocketModeClient, response: SocketModeResponse) -> None:
        """Over the connection that brought it, also once Slack has said goodbye there; over another where it is
        closed, in the hope that Slack takes it."""
        if not await client.is_connected():
            client = await self._connected() or client
        try:
            await client.send_socket_mode_response(response)
        except (aiohttp.ClientError, ConnectionError):
            other = await self._connected()
            if other is None:
                raise
            await other.send_socket_mode_response(response)


class _Client(SocketModeClient):
    """Asks for a new address at most five times in ten seconds: where there are too many connections already, Slack
    closes each new one at once. `openings` are the times of the last ones; `dismissed` is set once Slack has said that
    it closes this one."""

    def __init__(self, app_token: str, api_url: str, openings: deque[float]) -> None:
        super().__init__(
            app_token=app_token,
            web_client=AsyncWebClient(base_url=api_url, timeout=10, retry_handlers=[]),
            ping_interval=PING_SECONDS,
            logger=logging.getLogger("slack_sdk.socket_mode"),
        )
        self.dismissed = asyncio.Event()
        self._openings = openings

    async def connect_to_new_endpoint(self, force: bool = False) -> None:
        """`force` is how slack_sdk tells that Slack said goodbye."""
        if force:
            self.auto_reconnect_enabled = False
            self.dismissed.set()
        elif not self.dismissed.is_set():
            await super().connect_to_new_endpoint()

    async def issue_new_wss_url(self) -> str:
        loop = asyncio.get_running_loop()
        if len(self._openings) == MOST_OPENINGS:
            await asyncio.sleep(max(0.0, self._openings[0] + IN_SECONDS - loop.time()))
        self._openings.append(loop.time())
        return await super().issue_new_wss_url()


async def _is_dismissed(client: _Client) -> bool:
    """Returns once Slack has said goodbye, or the client was without a connection for long: then False."""
    loop = asyncio.get_running_loop()
    last_seen = loop.time()
    while loop.time() - last_seen < REPLACE_AFTER:
        with suppress(TimeoutError):
            return await asyncio.wait_for(client.dismissed.wait(), PING_SECONDS / 2)
        if await client.is_connected():
            last_seen = loop.time()
    return False


def _payload(answer: BoltResponse) -> dict[str, object] | None:
    if not answer.body:
        return None
    if "json" in answer.first_headers().get("content-type", ""):
        payload: dict[str, object] = json.loads(answer.body)
        return payload
    return {"text": answer.body}
