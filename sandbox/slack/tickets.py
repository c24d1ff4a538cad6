"""Short-lived permissions that come with an interaction: trigger ids and response addresses."""

import secrets
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeVar

from .refusal import Refused
from .workspace import Clock

RESPONSE_SECONDS = 30 * 60.0
RESPONSE_USES = 5
REMEMBERED = 60 * 60.0  # seconds that it is known why an old trigger id is refused


@dataclass
class Trigger:
    user: str
    issued: float
    view_id: str | None
    used: bool = False


class Triggers:
    """A trigger id opens or pushes one view, within `lifetime` seconds of what the person did."""

    def __init__(self, clock: Clock, lifetime: float) -> None:
        self._clock = clock
        self._lifetime = lifetime
        self._issued: dict[str, Trigger] = {}

    def issue(self, user: str, view_id: str | None = None) -> str:
        now = self._clock()
        _forget(self._issued, now - max(REMEMBERED, self._lifetime))
        trigger_id = f"{int(now * 1000)}.{secrets.randbelow(10**10):010d}.{secrets.token_hex(16)}"
        self._issued[trigger_id] = Trigger(user, now, view_id)
        return trigger_id

    def check(self, trigger_id: str) -> Trigger:
        """:raises Refused: `invalid_trigger_id`, `exchanged_trigger_id` or `expired_trigger_id`"""
        trigger = self._issued.get(trigger_id)
        if trigger is None:
            raise Refused("invalid_trigger_id")
        if trigger.used:
            raise Refused("exchanged_trigger_id")
        if self._clock() - trigger.issued > self._lifetime:
            raise Refused("expired_trigger_id")
        return trigger


@dataclass
class Hook:
    """A response_url: where it posts, for whom, and the message it may replace or delete."""

    channel: str
    user: str
    issued: float
    original_ts: str | None = None
    thread_ts: str | None = None
    uses: int = 0


Issued = TypeVar("Issued", Trigger, Hook)


class Hooks:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._issued: dict[str, Hook] = {}

    def issue(
        self, channel: str, user: str, original_ts: str | None = None, thread_ts: str | None = None
    ) -> str:
        """A new address's secret part."""
        key, now = secrets.token_urlsafe(16), self._clock()
        _forget(self._issued, now - RESPONSE_SECONDS)
        self._issued[key] = Hook(channel, user, now, original_ts, thread_ts)
        return key

    def use(self, key: str) -> Hook:
        """:raises Refused: with status 404: `expired_url` after 30 minutes, `used_url` after five uses"""
        hook = self._issued.get(key)
        if hook is None or self._clock() - hook.issued > RESPONSE_SECONDS:
            raise Refused("expired_url", status=404)
        if hook.uses >= RESPONSE_USES:
            raise Refused("used_url", status=404)
        hook.uses += 1
        return hook


def _forget(issued: dict[str, Issued], before: float) -> None:
    """Those that were issued before that moment, for a sandbox may run for days. They are in order."""
    old = takewhile(lambda each: each[1].issued < before, issued.items())
    for key in [key for key, _ in old]:
        del issued[key]
