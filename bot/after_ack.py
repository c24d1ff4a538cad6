"""What follows an acknowledgement begins when that has left, or both would want the interpreter at the same moment.

Bolt has lazy listeners for this, but copies each request for them before it answers.
"""

from collections.abc import Callable
from concurrent.futures import Executor

import structlog
from slack_bolt import App, BoltContext, BoltRequest, BoltResponse

from bot.watchdog import Watchdog

log = structlog.get_logger("answers")
LATER = "spotter_later"
Work = Callable[[], object]
Dispatched = tuple[BoltResponse, Callable[[], None]]


def follow(context: BoltContext, work: Work) -> None:
    """Have this done when the acknowledgement has left."""
    context[LATER] = work


class AfterAck:
    def __init__(self, pool: Executor, watchdog: Watchdog) -> None:
        self._pool = pool
        self._watchdog = watchdog

    def dispatch(self, app: App, request: BoltRequest) -> Dispatched:
        """Bolt's answer, and what to call when it has left, or could not be sent."""
        with self._watchdog.over("acknowledgement"):
            answer = app.dispatch(request)
        work: Work | None = request.context.get(LATER)

        def begin() -> None:
            if work is not None:
                self._pool.submit(self._do, work)

        return answer, begin

    def _do(self, work: Work) -> None:
        with self._watchdog.over("answer"):
            try:
                work()
            except Exception:
                log.exception("answer_failed")
