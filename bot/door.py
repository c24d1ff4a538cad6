"""Slack's door to Spotter, which opens before Spotter is built behind it: that takes longer than all that Slack needs.

Only where this process has claimed a SQLite database. Replicas on PostgreSQL are built first, as others can serve
while one starts, or fails to.
"""

import asyncio
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import structlog

from bot.http import WebServer
from bot.loading import load
from bot.settings import Settings, read_policy
from bot.slack_socket import SocketMode
from bot.waiting_room import WaitingRoom
from commands.kit.clock import Clock
from commands.kit.errors import UserError
from storage import claim

if TYPE_CHECKING:
    from bot.app import Spotter

log = structlog.get_logger("spotter")
ACKING = 16
CONNECTS_WITHIN = 0.25  # seconds, in which building Spotter does not want the interpreter
FIRST_COME = 0.05  # seconds, in which it does not either, for those who stood before the door
TURNS = 0.001  # seconds, after which whoever builds, follows or computes hands the interpreter on to who answers Slack


class Door:
    """`serve()` serves until SIGTERM or SIGINT, then stops gracefully."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # a pool of its own, so that answers which wait for Slack's Web API keep no acknowledgement waiting
        self._acking = ThreadPoolExecutor(ACKING, thread_name_prefix="ack")
        self._waiting = WaitingRoom(self._acking)

    def serve(self) -> bool:
        """False where a call hangs and was left behind; all that must survive is stored.

        Raises UserError, and StoreInUse."""
        sys.setswitchinterval(TURNS)
        file = claim.file_of(self._settings.store_url)
        if file is None:
            return asyncio.run(self._serve())
        with claim.take(file):
            return asyncio.run(self._serve(claimed=True))

    async def _serve(self, *, claimed: bool = False) -> bool:
        spotter = None if claimed else self._build(claimed=False)
        stopping = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stopping.set)
        socket, server = await self._open()
        try:
            if spotter is None:
                await _connected(socket)
                await asyncio.sleep(FIRST_COME)
                spotter = await asyncio.to_thread(self._build, claimed=True)
            spotter.start()
            self._waiting.inside.set_result(spotter.inside)
            log.info("serving", port=self._settings.port, mode="socket" if socket else "http")
            await stopping.wait()
            log.info("stopping")
        finally:
            if socket is not None:
                await socket.stop()
            await server.stop()
            if spotter is None:
                self._acking.shutdown()
        finished = await asyncio.to_thread(spotter.stop, self._acking)
        log.info("stopped", finished=finished)
        return finished

    async def _open(self) -> tuple[SocketMode | None, WebServer]:
        settings, socket = self._settings, None
        if settings.slack_app_token is not None:
            token = settings.slack_app_token.get_secret_value()
            socket = SocketMode(self._waiting.dispatch, token, settings.slack_api)
        server = WebServer(
            self._waiting.dispatch,
            self._waiting.inside,
            self._acking,
            socket.connected if socket else None,
            settings.signing_secret,
        )
        try:
            await server.start(settings.host, settings.port)
        except OSError as refused:
            place = f"{settings.host}:{settings.port}"
            raise UserError(
                f"cannot serve on {place} ({refused.strerror}).", "Set HOST or PORT."
            ) from refused
        if socket is not None:
            await socket.start()
        return socket, server

    def _build(self, *, claimed: bool) -> "Spotter":
        """Who waits hears where it fails. Raises UserError and others."""
        try:
            make: type[Spotter] = load("bot.app:Spotter")
            return make(self._settings, read_policy(), Clock(), claimed=claimed)
        except BaseException as failed:
            self._waiting.inside.set_exception(failed)
            raise


async def _connected(socket: SocketMode | None) -> None:
    """Returns once Slack is connected, or after a moment in which it is not."""
    try:
        async with asyncio.timeout(CONNECTS_WITHIN):
            while socket is not None and not await socket.connected():  # noqa: ASYNC110  slack_sdk does not tell
                await asyncio.sleep(CONNECTS_WITHIN / 50)
    except TimeoutError:
        pass
