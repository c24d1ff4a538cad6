"""How things stand with the services that Spotter depends on."""

import threading
from dataclasses import dataclass
from datetime import datetime

from commands.kit.clock import Clock

AZURE, DEVOPS, IOT_HUB = "Azure Machine Learning", "Azure DevOps", "IoT Hub"
SLACK, DATABASE = "Slack", "The database"


@dataclass(frozen=True)
class Trouble:
    service: str
    reason: str
    since: datetime


class Health:
    """Remembers who is in trouble since when. `about` tells apart those who noticed. Safe to share between threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._troubles: dict[tuple[str, str], Trouble] = {}
        self._lock = threading.Lock()

    def well(self, service: str, about: str = "") -> None:
        with self._lock:
            self._troubles.pop((service, about), None)

    def trouble(self, service: str, reason: str, about: str = "") -> None:
        with self._lock:
            known = self._troubles.get((service, about))
            since = known.since if known else self._clock.now()
            self._troubles[service, about] = Trouble(service, reason, since)

    def troubles(self) -> list[Trouble]:
        """Who is in trouble now, each service once, longest first."""
        with self._lock:
            by_age = sorted(self._troubles.values(), key=lambda trouble: trouble.since)
        return list({trouble.service: trouble for trouble in reversed(by_age)}.values())[::-1]
