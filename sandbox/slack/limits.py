"""Rate limits: per method by tier, and about one post a second in each channel.

Slack publishes "n or more per minute" with unspecified bursts; here each tier's whole minute may be spent
at once and refills evenly.
"""

import math
from dataclasses import dataclass
from enum import Enum

from .refusal import Refused
from .workspace import Clock


@dataclass(frozen=True)
class Rate:
    per_second: float
    burst: float


class Tier(Enum):
    """Calls per minute that Slack promises; SPECIAL methods have rules of their own."""

    ONE = Rate(1 / 60, 20)
    TWO = Rate(20 / 60, 20)
    THREE = Rate(50 / 60, 50)
    FOUR = Rate(100 / 60, 100)
    SPECIAL = Rate(600 / 60, 600)


POSTS = Rate(1.0, 4)


@dataclass
class _Bucket:
    tokens: float
    filled: float


class Limits:
    """`enabled` may be turned off at any time, for tests of other things."""

    def __init__(self, clock: Clock, *, enabled: bool = True) -> None:
        self.enabled = enabled
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def spend(self, key: str, rate: Rate) -> None:
        """:raises Refused: `ratelimited`, status 429 with Retry-After in whole seconds"""
        if not self.enabled:
            return
        now = self._clock()
        bucket = self._buckets.setdefault(key, _Bucket(rate.burst, now))
        bucket.tokens = min(rate.burst, bucket.tokens + (now - bucket.filled) * rate.per_second)
        bucket.filled = now
        if bucket.tokens < 1:
            wait = math.ceil((1 - bucket.tokens) / rate.per_second)
            raise Refused("ratelimited", status=429, headers={"Retry-After": str(wait)})
        bucket.tokens -= 1
