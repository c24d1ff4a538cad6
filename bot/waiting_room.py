"""Who comes to Slack's door before Spotter is built behind it.

A command that only tells is acknowledged, and answered as soon as that can be. All else waits with its acknowledgement,
for what changes something must be stored before.
"""

from concurrent.futures import Executor, Future
from functools import partial

import structlog
from slack_bolt import BoltRequest, BoltResponse

from bot.after_ack import Dispatched
from bot.http import Inside
from bot.refusals import NO_ANSWER
from commands import ONLY_TELL

log = structlog.get_logger("answers")
ACK_SECONDS = (
    2.5  # of the three that Slack waits; who was told that it took too long must not see it done later
)
CANNOT_START = (
    "Spotter could not start, so nothing was looked up. Whoever runs it finds the reason in its log."
)


class WaitingRoom:
    """`inside` is given its result, or exception, by whoever builds Spotter. `acking` answers."""

    def __init__(self, acking: Executor) -> None:
        self.inside: Future[Inside] = Future()
        self.inside.set_running_or_notify_cancel()  # who gives up waiting does not cancel it for others
        self._acking = acking

    def dispatch(self, request: BoltRequest) -> Dispatched:
        """The answer that acknowledges, and what to call when it has left. 503, which acknowledges nothing, where
        Spotter takes too long or cannot be built."""
        if not self.inside.done() and request.body.get("command") in ONLY_TELL:
            return BoltResponse(status=200), partial(self._answer_later, request)
        try:
            inside = self.inside.result(ACK_SECONDS)
        except Exception:  # told by whoever builds it
            return BoltResponse(status=503), lambda: None
        return inside.dispatch(request)

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
