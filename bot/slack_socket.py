"""Socket Mode: two WebSocket connections that hand each envelope to the Bolt app, in threads."""

import asyncio
import json
import logging
from concurrent.futures import Executor

from slack_bolt import App, BoltRequest, BoltResponse
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

CONNECTIONS = 2
PING_SECONDS = 2


class SocketMode:
    """Two connections, so that Slack's routine reconnects never leave a moment without one."""

    def __init__(self, app: App, app_token: str, api_url: str, executor: Executor) -> None:
        self._app = app
        self._executor = executor
        self._clients = [
            SocketModeClient(
                app_token=app_token,
                web_client=AsyncWebClient(base_url=api_url, timeout=10),
                ping_interval=PING_SECONDS,
                logger=logging.getLogger("slack_sdk.socket_mode"),
            )
            for _ in range(CONNECTIONS)
        ]
        self._connecting: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to connect; keeps trying while Slack cannot be reached."""
        for client in self._clients:
            client.socket_mode_request_listeners.append(self._receive)
            self._connecting.append(asyncio.create_task(self._connect(client)))

    async def connected(self) -> bool:
        for client in self._clients:
            if await client.is_connected():
                return True
        return False

    async def stop(self) -> None:
        for task in self._connecting:
            task.cancel()
        for client in self._clients:
            await client.close()  # type: ignore[no-untyped-call]  # untyped in slack_sdk

    async def _connect(self, client: SocketModeClient) -> None:
        wait = 0.5
        while True:
            try:
                await client.connect()  # type: ignore[no-untyped-call]  # untyped in slack_sdk
                return
            except Exception as failed:
                logging.getLogger("socket").warning("Slack's Socket Mode cannot be reached: %s", failed)
                await asyncio.sleep(wait)
                wait = min(wait * 2, 10)

    async def _receive(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        loop = asyncio.get_running_loop()
        bolt_request = BoltRequest(mode="socket_mode", body=request.payload)
        answer = await loop.run_in_executor(self._executor, self._app.dispatch, bolt_request)
        if answer.status == 200:
            await client.send_socket_mode_response(
                SocketModeResponse(envelope_id=request.envelope_id, payload=_payload(answer))
            )


def _payload(answer: BoltResponse) -> dict[str, object] | None:
    if not answer.body:
        return None
    if "json" in answer.first_headers().get("content-type", ""):
        payload: dict[str, object] = json.loads(answer.body)
        return payload
    return {"text": answer.body}
