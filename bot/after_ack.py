"""What follows an acknowledgement begins when that has left, or both would want the interpreter at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from slack_bolt import App, BoltRequest, BoltResponse

from bot.watchdog import Watchdog

Dispatched = tuple[BoltResponse, Callable[[], None]]


class AfterAck(Executor):
    """Bolt's executor for lazy listeners: what it is handed during `dispatch` waits until the answer has left."""

    def __init__(self, pool: Executor, watchdog: Watchdog) -> None:
        self._pool = pool
        self._watchdog = watchdog
        self._here = threading.local()

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Nobody waits for its future."""

        def watched() -> None:
            with self._watchdog.over("answer"):
                work(*args, **kwargs)

        self._here.waiting.append(watched)
        return Future()

    def dispatch(self, app: App, request: BoltRequest) -> Dispatched:
        """Bolt's answer, and what to call when it has left, or could not be sent."""
        waiting: list[Callable[[], Any]] = []
        self._here.waiting = waiting
        with self._watchdog.over("acknowledgement"):
            answer = app.dispatch(request)

        def begin() -> None:
            for work in waiting:
                self._pool.submit(work)

        return answer, begin
