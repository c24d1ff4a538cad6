"""How things stand with the services that Spotter depends on."""

import threading
from dataclasses import dataclass
from datetime import datetime

from commands.kit.clock import Clock


@dataclass(frozen=True)
class Trouble:
    service: str
    reason: str
    since: datetime


class Health:
    """Remembers who is in trouble since when. Safe to share between threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._troubles: dict[str, Trouble] = {}
        self._lock = threading.Lock()

    def well(self, service: str) -> None:
        with self._lock:
            self._troubles.pop(service, None)

    def trouble(self, service: str, reason: str) -> None:
        with self._lock:
            known = self._troubles.get(service)
            since = known.since if known else self._clock.now()
            self._troubles[service] = Trouble(service, reason, since)

    def troubles(self) -> list[Trouble]:
        """Who is in trouble now, longest first."""
        with self._lock:
            return sorted(self._troubles.values(), key=lambda trouble: trouble.since)
