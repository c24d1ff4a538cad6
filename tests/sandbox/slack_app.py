"""A small app on slack_sdk's own Socket Mode client, which answers as a test tells it to."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from aiohttp import WSMessage
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.twin import SlackTwin

Json = dict[str, Any]
SILENCE: Json = {"silence": True}
Answer = Callable[[SocketModeRequest], Json | None]


def acknowledge(_: SocketModeRequest) -> None:
    return None


class SocketApp:
    """`answer` gives the payload of the acknowledgement, None for a bare one, or SILENCE for none at all."""

    def __init__(
        self, twin: SlackTwin, loop: asyncio.AbstractEventLoop, answer: Answer = acknowledge
    ) -> None:
        self.answer = answer
        self.received: list[SocketModeRequest] = []
        self.frames: list[Json] = []
        self._news = threading.Condition()
        self._twin, self._loop = twin, loop
        self._clients: list[SocketModeClient] = []

    def connect(self) -> "SocketApp":
        before = self._twin.connections
        asyncio.run_coroutine_threadsafe(self._connect(), self._loop).result(60)
        self.until(lambda: self._twin.connections > before)
        return self

    def close(self) -> None:
        for client in self._clients:
            closing = client.close()  # type: ignore[no-untyped-call]  # as the SDK has it
            asyncio.run_coroutine_threadsafe(closing, self._loop).result(60)

    def gets(self, kind: str, **fields: Any) -> SocketModeRequest:
        """Waits for a request of that envelope type whose payload has these fields."""

        def found() -> SocketModeRequest | None:
            for request in self.received:
                if request.type == kind and fields.items() <= request.payload.items():
                    return request
            return None

        request: SocketModeRequest = self.until(found)
        return request

    def until(self, look: Callable[[], Any], timeout: float = 60.0) -> Any:
        deadline = time.monotonic() + timeout
        while not (found := look()):
            left = deadline - time.monotonic()
            assert left > 0, f"not in time; got {[(r.type, r.payload.get('type')) for r in self.received]}"
            with self._news:
                self._news.wait(min(left, 0.02))
        return found

    async def _connect(self) -> None:
        env = self._twin.env()
        web = AsyncWebClient(env["SLACK_BOT_TOKEN"], base_url=env["SLACK_API_URL"])
        client = SocketModeClient(env["SLACK_APP_TOKEN"], web_client=web, ping_interval=1)
        client.on_message_listeners.append(self._hear)
        client.socket_mode_request_listeners.append(self._take)
        self._clients.append(client)
        await client.connect()  # type: ignore[no-untyped-call]  # as the SDK has it

    async def _hear(self, frame: WSMessage) -> None:
        with self._news:
            self.frames.append(json.loads(frame.data))
            self._news.notify_all()

    async def _take(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        with self._news:
            self.received.append(request)
            self._news.notify_all()
        answer = self.answer(request)
        if answer is not SILENCE:
            await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, answer))
