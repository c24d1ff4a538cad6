"""Notes what became of a message that was sent: the store then says what is to be done about it, and when."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError

from bot.refusals import rest_asked
from commands.kit.clock import Clock
from commands.kit.health import SLACK, Health
from storage import audit, messages
from storage.database import Store
from storage.messages import WantedMessage

log = structlog.get_logger("courier")

GRACE = timedelta(seconds=2)
LONGEST_WAIT = timedelta(seconds=8)
NO_TROUBLE: dict[str, Any] = {"posting_since": None, "tries": 0, "next_try_at": None, "trouble": None}


class Outcomes:
    """`resting` tells until when a channel is left alone; `wake` asks for another look at what is wanted."""

    def __init__(self, store: Store, clock: Clock, health: Health, wake: Callable[[], None]) -> None:
        self.resting: dict[str, datetime] = {}
        self._store = store
        self._clock = clock
        self._health = health
        self._wake = wake

    def shown(self, message: WantedMessage, *, ts: str, revision: int) -> None:
        self._health.well(SLACK)
        self._health.well(SLACK, about=message.channel)
        shown = {
            "ts": ts,
            "channel": message.channel,
            "shown_revision": revision,
            "shown_at": self._clock.now(),
        }
        with self._store.write() as tx:
            messages.change(tx, message.key, **shown, **NO_TROUBLE)

    def simplify(self, message: WantedMessage) -> None:
        simpler = {"full": "drawn" if "drawn" in message.wanted else "plain", "drawn": "plain"}
        form = simpler.get(message.form, "text")
        with self._store.write() as tx:
            messages.change(tx, message.key, form=form, posting_since=None)
        self._wake()

    def post_anew(self, message: WantedMessage) -> None:
        """Someone deleted it just before it told of a result, which people must still read."""
        with self._store.write() as tx:
            messages.reopen(tx, replace(message, state="gone"))
        self._wake()

    def say_privately(self, message: WantedMessage, error: str) -> None:
        """From now on this message is written to a person instead."""
        with self._store.write() as tx:
            messages.move(tx, message.key, message.fallback or "", trouble=error)
            audit.record(
                tx,
                at=self._clock.now(),
                actor="spotter",
                action="message.private",
                subject=message.key,
                channel=message.channel,
                error=error,
            )
        self._wake()

    def unclear(self, message: WantedMessage, reason: str) -> None:
        """It may have been posted: keep `posting_since`, so that the next attempt looks first."""
        self._health.trouble(SLACK, f"Slack did not answer ({reason})")
        self.later(message, GRACE, reason)

    def not_posted(self, message: WantedMessage) -> None:
        """Slack said no, so there is nothing to look for."""
        with self._store.write() as tx:
            messages.change(tx, message.key, posting_since=None)

    def rest(self, message: WantedMessage, refused: SlackApiError) -> None:
        """As long as Slack asks for, the whole channel."""
        until = self._clock.now() + rest_asked(refused)
        self.resting[message.channel] = until
        with self._store.write() as tx:
            messages.change(tx, message.key, next_try_at=until, trouble="Slack asked Spotter to slow down")

    def later(self, message: WantedMessage, shortest: timedelta, reason: str) -> None:
        """Each time a little later."""
        wait = max(shortest, min(GRACE * 2 ** min(message.tries, 10), LONGEST_WAIT))
        with self._store.write() as tx:
            messages.change(
                tx,
                message.key,
                tries=message.tries + 1,
                next_try_at=self._clock.now() + wait,
                trouble=reason,
            )

    def end(self, message: WantedMessage, state: str, reason: str) -> None:
        log.warning("message_given_up", key=message.key, state=state, reason=reason)
        with self._store.write() as tx:
            messages.change(tx, message.key, state=state, trouble=reason, posting_since=None)
