"""Socket Mode: tickets, up to ten WebSocket connections, envelopes and their acknowledgements."""

import asyncio
import contextlib
import json
import random
import secrets
import uuid
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from .link import ANSWER_SECONDS, Answer, Kind, Retry
from .refusal import Json, Refused
from .workspace import APP, Clock

MOST_CONNECTIONS = 10
TICKET_SECONDS = 30.0
PING_SECONDS = 5.0


@dataclass(eq=False)
class Connection:
    socket: web.WebSocketResponse
    transport: asyncio.Transport | None
    host: str
    silent: bool = False
    under_way: set[asyncio.Timeout] = field(default_factory=set)


class SocketMode:
    def __init__(self, clock: Clock, patience: float) -> None:
        self.enabled = True
        self.connections: list[Connection] = []
        self._clock = clock
        self._patience = patience
        self._tickets: dict[str, float] = {}
        self._waiting: dict[str, asyncio.Future[Json]] = {}

    def ticket(self) -> str:
        """The query of a WebSocket address that works once, for a short while."""
        if not self.enabled:
            raise Refused("socket_mode_disabled")
        ticket, now = secrets.token_urlsafe(24), self._clock()
        self._tickets = {each: at for each, at in self._tickets.items() if now - at <= TICKET_SECONDS}
        self._tickets[ticket] = now
        return f"ticket={ticket}&app_id={secrets.token_hex(32)}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        issued = self._tickets.pop(request.query.get("ticket", ""), None)
        if issued is None or self._clock() - issued > TICKET_SECONDS:
            raise web.HTTPUnauthorized(text="invalid ticket")
        socket = web.WebSocketResponse(autoping=False, max_msg_size=4 * 1024 * 1024)
        await socket.prepare(request)
        connection = Connection(socket, request.transport, f"applink-{secrets.token_hex(4)}")
        if len(self.connections) >= MOST_CONNECTIONS:
            await self._say_disconnect(connection, "too_many_websockets")
            return socket
        self.connections.append(connection)
        pings = asyncio.get_running_loop().create_task(_ping(connection))
        try:
            await socket.send_json(self._hello(connection))
            await self._receive(connection)
        finally:
            pings.cancel()
            if connection in self.connections:
                self.connections.remove(connection)
            self._hurry(connection)
        return socket

    async def _receive(self, connection: Connection) -> None:
        async for message in connection.socket:
            if connection.silent:
                continue
            if message.type == WSMsgType.PING:
                await connection.socket.pong(message.data)
            elif message.type == WSMsgType.TEXT:
                self._acknowledge(message.data)

    async def send(
        self, kind: Kind, payload: Json, *, answerable: bool, retry: Retry | None = None
    ) -> Answer:
        """To one connection at random, as Slack does. The ack may come over any: after a refresh slack_sdk sends it
        over the new one."""
        live = [c for c in self.connections if not c.socket.closed]
        if not live:
            return Answer("unreachable", reason="connection_failed")
        connection = random.choice(live)  # noqa: S311  nothing is kept secret by it
        envelope: Json = {
            "envelope_id": str(uuid.uuid4()),
            "payload": payload,
            "type": kind,
            "accepts_response_payload": answerable,
        }
        if kind == "events_api":
            envelope |= {
                "retry_attempt": retry.number if retry else 0,
                "retry_reason": retry.reason if retry else "",
            }
        acknowledged: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[envelope["envelope_id"]] = acknowledged
        try:
            async with asyncio.timeout(self._patience) as limit:
                connection.under_way.add(limit)
                if not connection.silent:
                    await connection.socket.send_json(envelope)
                answer = await acknowledged
            return Answer("acked", answer if answerable else {})
        except TimeoutError:
            return Answer("timeout", reason="timeout")
        except ConnectionError:
            return Answer("timeout", reason="connection_failed")
        finally:
            self._waiting.pop(envelope["envelope_id"], None)
            connection.under_way.discard(limit)

    def _hurry(self, closed: Connection) -> None:
        """What went over a connection that is closed now may be acknowledged over another one, but not much later."""
        soon = asyncio.get_running_loop().time() + ANSWER_SECONDS
        for limit in [each for each in closed.under_way if not each.expired()]:
            limit.reschedule(min(limit.when() or soon, soon))

    def _acknowledge(self, frame: str) -> None:
        answer = json.loads(frame)
        waiting = self._waiting.get(answer.get("envelope_id", ""))
        if waiting is not None and not waiting.done():
            waiting.set_result(answer.get("payload") or {})

    async def disconnect(self, reason: str, most: int | None = None) -> None:
        """Slack's own goodbye on the oldest connections: `warning`, `refresh_requested` or `link_disabled`."""
        self.enabled = self.enabled and reason != "link_disabled"
        for connection in self.connections[:most]:
            await self._say_disconnect(connection, reason)

    async def abort(self) -> None:
        """Cuts every connection without a word."""
        for connection in list(self.connections):
            self.connections.remove(connection)
            if connection.transport is not None:
                connection.transport.abort()

    async def fall_silent(self) -> None:
        """Leaves every connection half-open: nothing is sent any more, no ping answered."""
        for connection in self.connections:
            connection.silent = True

    async def close(self) -> None:
        for connection in list(self.connections):
            await connection.socket.close()

    def _hello(self, connection: Connection) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {
                "host": connection.host,
                "build_number": 10,
                "approximate_connection_time": 18060,
            },
            "connection_info": {"app_id": APP},
        }

    async def _say_disconnect(self, connection: Connection, reason: str) -> None:
        goodbye: Json = {"type": "disconnect", "reason": reason, "debug_info": {"host": connection.host}}
        if reason == "too_many_websockets":
            goodbye |= {"num_connections": len(self.connections), "connection_info": {"app_id": APP}}
        if reason != "warning" and connection in self.connections:
            self.connections.remove(connection)
        with contextlib.suppress(ConnectionError):
            await connection.socket.send_json(goodbye)
            if reason != "warning":
                await connection.socket.close()


async def _ping(connection: Connection) -> None:
    while True:
        await asyncio.sleep(PING_SECONDS)
        if not connection.silent:
            await connection.socket.ping(f"Ping from {connection.host}".encode())
