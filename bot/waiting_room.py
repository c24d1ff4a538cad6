"""Between Slack's door and Spotter, which may not be built behind it yet.

A command that only tells is then acknowledged, and answered as soon as that can be. All else waits with its
acknowledgement, for what changes something must be stored before. What has waited too long, for that or for a thread,
is not begun at all: Slack tells the person that it failed, and nothing may come of it later.
"""

import asyncio
import time
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial

import structlog
from slack_bolt import BoltRequest, BoltResponse

from bot.after_ack import Dispatched
from bot.http import Inside
from bot.refusals import NO_ANSWER
from commands.only_tell import ONLY_TELL

log = structlog.get_logger("answers")
BEGIN_SECONDS = 2.0  # from arrival, of the three that Slack waits
CANNOT_START = (
    "Spotter could not start, so nothing was looked up. Whoever runs it finds the reason in its log."
)
_NOT_BEGUN: Dispatched = (BoltResponse(status=503), lambda: None)


class WaitingRoom:
    """`inside` is given its result, or exception, by whoever builds Spotter. `acking` answers. What arrived more than
    `begin_within` seconds ago is not begun."""

    def __init__(self, acking: Executor, begin_within: float = BEGIN_SECONDS) -> None:
        self.inside: Future[Inside] = Future()
        self.inside.set_running_or_notify_cancel()  # who gives up waiting does not cancel it for others
        self._acking = acking
        self._begin_within = begin_within

    async def dispatch(self, request: BoltRequest) -> Dispatched:
        """The answer that acknowledges, and what to call when it has left. 503, which acknowledges nothing, where
        that took too long or Spotter cannot be built. To be called in the event loop as soon as the request is
        there."""
        latest = time.monotonic() + self._begin_within
        if not self.inside.done():
            if request.body.get("command") in ONLY_TELL:
                return BoltResponse(status=200), partial(self._answer_later, request)
            with suppress(Exception):  # what it was is told by whoever builds it
                await asyncio.wait_for(asyncio.wrap_future(self.inside), self._begin_within)
        if not self.inside.done() or self.inside.exception():
            return _NOT_BEGUN
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._acking, self._begin, self.inside.result(), request, latest)

    def _begin(self, inside: Inside, request: BoltRequest, latest: float) -> Dispatched:
        if time.monotonic() < latest:
            return inside.dispatch(request)
        log.warning("not_begun", reason="it waited too long for a thread")
        return _NOT_BEGUN

    def _answer_later(self, request: BoltRequest) -> None:
        self.inside.add_done_callback(lambda inside: self._acking.submit(self._answer, inside, request))

    def _answer(self, inside: Future[Inside], request: BoltRequest) -> None:
        if inside.exception() is None:
            _, begin_the_rest = inside.result().dispatch(request)
            begin_the_rest()
            return
        from slack_sdk.webhook import WebhookClient

        try:
            WebhookClient(request.body["response_url"], timeout=10).send(text=CANNOT_START)
        except NO_ANSWER as failed:
            log.warning("answer_not_given", error=str(failed))
