"""What follows an acknowledgement begins when that has left, or both would want the interpreter at the same moment.

Bolt has lazy listeners for this, but copies each request for them before it answers.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from functools import partial

import structlog
from slack_bolt import App, BoltContext, BoltRequest, BoltResponse

from bot.watchdog import Watchdog

log = structlog.get_logger("answers")
LATER = "spotter_later"
Work = Callable[[], object]
Wake = Callable[[str], None]
Dispatched = tuple[BoltResponse, Callable[[], None]]
_here = threading.local()


def follow(context: BoltContext, work: Work) -> None:
    """Have this done when the acknowledgement has left."""
    context[LATER] = work


def deferred(wake: Wake) -> Wake:
    """That way to wake somebody, which waits while this thread is at an acknowledgement until that has left."""

    def wake_later(name: str) -> None:
        waiting: list[Work] | None = getattr(_here, "waiting", None)
        if waiting is None:
            wake(name)
        else:
            waiting.append(partial(wake, name))

    return wake_later


class AfterAck:
    def __init__(self, pool: Executor, watchdog: Watchdog) -> None:
        self._pool = pool
        self._watchdog = watchdog

    def dispatch(self, app: App, request: BoltRequest) -> Dispatched:
        """Bolt's answer, and what to call when it has left, or could not be sent."""
        waiting: list[Work] = []
        _here.waiting = waiting
        try:
            with self._watchdog.over("acknowledgement"):
                answer = app.dispatch(request)
        finally:
            _here.waiting = None
        if LATER in request.context:
            waiting.append(request.context[LATER])

        def begin() -> None:
            if waiting:
                self._pool.submit(self._do, waiting)

        return answer, begin

    def _do(self, waiting: Iterable[Work]) -> None:
        with self._watchdog.over("answer"):
            for work in waiting:
                try:
                    work()
                except Exception:
                    log.exception("answer_failed")
