"""Misbehaviour on demand, and the log of what reached a twin.

Every twin serves through `Faults.middleware`: it writes each request to `Faults.log` and plays the first
armed fault that matches. Safe to arm and to read from another thread than the server's.
"""

import asyncio
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from aiohttp import web
from aiohttp.typedefs import Middleware

Action = Literal[
    "delay", "answer", "headers", "drop_before", "drop_after", "hang_before", "hang_after", "trickle"
]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MOST_LOGGED, MOST_BYTES = 50_000, 64 * 1024 * 1024  # a sandbox may run for days


@dataclass(eq=False)
class Fault:
    """One way to misbehave for the next `times` matching requests.

    `delay` waits `seconds`, then works; `answer` replies `status`, `headers`, `body` without working;
    `headers` works, and answers with these `headers` instead of its own;
    `drop_before` / `drop_after` cut the connection before / after the work is done;
    `hang_before` / `hang_after` hold the answer until `release()`, before / after the work is done;
    `trickle` works, and lets a byte of the answer out every `seconds` until `release()`.
    """

    method: str
    path: str
    action: Action
    times: int = 1
    seconds: float = 0.0
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    forgotten: bool = False

    def matches(self, asked: "Logged") -> bool:
        right = self.method in ("*", asked.method) and re.search(self.path, asked.path) is not None
        return right and self.times > 0

    def release(self) -> None:
        self.released.set()

    def forget(self) -> None:
        """Never do what is held, for who asked for it is gone."""
        self.forgotten = True
        self.released.set()


@dataclass(frozen=True, slots=True)
class Logged:
    """A request that reached the twin. `status` is 0 where the connection was cut or never answered, `agent` what the
    one who asked calls itself, `peer` the port from which it came."""

    at: float
    method: str
    path: str
    body: bytes
    status: int
    agent: str = ""
    peer: int = 0


class Faults:
    def __init__(self) -> None:
        self._armed: list[Fault] = []
        self.taken = 0
        """How many requests there were in all."""
        self._log: deque[Logged] = deque()
        self._bytes = 0
        self._lock = threading.Lock()

    def arm(self, fault: Fault) -> Fault:
        with self._lock:
            self._armed.append(fault)
        return fault

    def disarm(self, fault: Fault) -> None:
        """Ends one fault, and what it holds."""
        fault.release()
        with self._lock:
            if fault in self._armed:
                self._armed.remove(fault)

    def clear(self) -> None:
        with self._lock:
            for fault in self._armed:
                fault.release()
            self._armed.clear()

    def log(self, method: str = "*", path: str = "") -> list[Logged]:
        """Requests so far whose path (with query) contains the regular expression `path`, oldest first."""
        with self._lock:
            seen = list(self._log)
        if method != "*":
            seen = [entry for entry in seen if entry.method == method]
        wanted = re.compile(path)
        return [entry for entry in seen if wanted.search(entry.path)] if path else seen

    def _take(self, asked: Logged) -> Fault | None:
        with self._lock:
            for fault in self._armed:
                if fault.matches(asked):
                    fault.times -= 1
                    return fault
        return None

    def _record(self, asked: Logged, status: int) -> None:
        with self._lock:
            self._log.append(replace(asked, at=time.time(), status=status))
            self.taken += 1
            self._bytes += len(asked.body)
            while len(self._log) > MOST_LOGGED or self._bytes > MOST_BYTES:
                self._bytes -= len(self._log.popleft().body)

    @property
    def middleware(self) -> Middleware:
        @web.middleware
        async def misbehave(request: web.Request, handler: Handler) -> web.StreamResponse:
            body = await request.read() if request.can_read_body else b""
            agent = sys.intern(request.headers.get("User-Agent", ""))
            peer = request.transport.get_extra_info("peername")[1] if request.transport else 0
            asked = Logged(time.time(), request.method, request.path_qs, body, 0, agent, peer)
            fault = self._take(asked)
            status = 0
            try:
                response = await _play(fault, request, handler) if fault else await handler(request)
                status = 0 if fault is not None and fault.action.startswith("drop") else response.status
                return response
            except web.HTTPException as refused:
                status = refused.status
                raise
            finally:
                self._record(asked, status)

        return misbehave


async def _play(fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse:
    if fault.action == "delay":
        fault.reached.set()
        await asyncio.sleep(fault.seconds)
        return await handler(request)
    if fault.action == "answer":
        fault.reached.set()
        return web.Response(status=fault.status, headers=fault.headers, text=fault.body)
    if fault.action == "headers":
        answered = await handler(request)
        answered.headers.update(fault.headers)
        fault.reached.set()
        return answered
    response = await handler(request) if fault.action.endswith(("after", "trickle")) else None
    fault.reached.set()
    if fault.action == "trickle":
        return await _trickle(fault, request, response)
    if fault.action.startswith("hang"):
        await _until(fault.released)
        if fault.forgotten and response is None:
            return web.Response(status=503)
        return response or await handler(request)
    _cut(request)
    return web.Response(status=500)


async def _trickle(
    fault: Fault, request: web.Request, answer: web.StreamResponse | None
) -> web.StreamResponse:
    if not isinstance(answer, web.Response) or not isinstance(answer.body, bytes):
        raise TypeError("only an answer that stands as a whole can trickle")
    slow = web.StreamResponse(status=answer.status, headers=answer.headers)
    slow.content_length = len(answer.body)
    await slow.prepare(request)
    for at in range(len(answer.body)):
        await slow.write(answer.body[at : at + 1])
        if not fault.released.is_set():
            await asyncio.sleep(fault.seconds)
    return slow


async def _until(event: threading.Event) -> None:
    while not event.is_set():  # noqa: ASYNC110  released from another thread, where no asyncio.Event reaches
        await asyncio.sleep(0.02)


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
