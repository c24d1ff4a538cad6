"""How things stand with the services that Spotter depends on."""

import threading
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import OperationalError

from commands.kit.clock import Clock
from storage.leases import Lease

AZURE, DEVOPS, IOT_HUB = "Azure Machine Learning", "Azure DevOps", "IoT Hub"
SLACK, DATABASE = "Slack", "The database"


@dataclass(frozen=True)
class Trouble:
    service: str
    reason: str
    since: datetime


class Health:
    """Remembers who is in trouble since when. `about` tells apart those who noticed. Safe to share between threads.

    A replica that stands by hears from the one that leads, which alone asks most services."""

    def __init__(self, clock: Clock, lease: Lease | None = None) -> None:
        self._clock = clock
        self._lease = lease
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

    def does_not_write(self, trouble: OperationalError, about: str) -> None:
        """Of the database."""
        self.trouble(DATABASE, f"It does not let Spotter write ({trouble.orig})", about)

    def forget(self, *, but: Collection[str]) -> None:
        """What was noticed by others than these, which look no more and so would never say that it is over."""
        with self._lock:
            self._troubles = {key: trouble for key, trouble in self._troubles.items() if key[1] in but}

    def troubles(self) -> list[Trouble]:
        """Who is in trouble now, each service once, longest first."""
        with self._lock:
            by_age = sorted([*self._troubles.values(), *self._heard()], key=lambda trouble: trouble.since)
        return list({trouble.service: trouble for trouble in reversed(by_age)}.values())[::-1]

    def said(self) -> list[list[str]]:
        """What this replica has noticed, for the others to hear."""
        with self._lock:
            found = list(self._troubles.values())
        return [[trouble.service, trouble.reason, trouble.since.isoformat()] for trouble in found]

    def _heard(self) -> list[Trouble]:
        if self._lease is None or self._lease.is_held:
            return []
        said: list[list[str]] = self._lease.heard or []
        return [Trouble(service, reason, datetime.fromisoformat(since)) for service, reason, since in said]

    def part(self) -> str:
        """What this replica does beside answering people; nothing is said where there are no others."""
        if self._lease is None or not self._lease.is_shared:
            return ""
        if self._lease.is_held:
            return "This replica leads."
        return f"This replica stands by; {self._lease.of or 'none'} leads."
