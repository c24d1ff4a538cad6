"""What follows an acknowledgement begins when that has left, or both would want the interpreter at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from slack_bolt import App, BoltRequest, BoltResponse

Dispatched = tuple[BoltResponse, Callable[[], None]]


class AfterAck(Executor):
    """Bolt's executor for lazy listeners: what it is handed during `dispatch` waits until the answer has left."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._here = threading.local()

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Nobody waits for its future."""
        self._here.waiting.append(lambda: work(*args, **kwargs))
        return Future()

    def dispatch(self, app: App, request: BoltRequest) -> Dispatched:
        """Bolt's answer, and what to call when it has left, or could not be sent."""
        waiting: list[Callable[[], Any]] = []
        self._here.waiting = waiting
        answer = app.dispatch(request)

        def begin() -> None:
            for work in waiting:
                self._pool.submit(work)

        return answer, begin
