"""When nothing is shipped: windows of the week or of the calendar, in a target's own time zone.

"fri 15:00 - mon 06:00" comes every week; "2026-12-19 - 2027-01-06" covers both days.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_OF_DAY = 24 * 60
WEEKLY = re.compile(r"([a-z]{3}) (\d\d):(\d\d) - ([a-z]{3}) (\d\d):(\d\d)")
DATES = re.compile(r"(\d{4}-\d\d-\d\d) - (\d{4}-\d\d-\d\d)")


@dataclass(frozen=True)
class Weekly:
    """Minutes since Monday 00:00, the end not included. A window may run over the end of the week."""

    start: int
    end: int

    def covers(self, at: datetime) -> bool:
        now = at.weekday() * MINUTES_OF_DAY + at.hour * 60 + at.minute
        if self.start <= self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end


@dataclass(frozen=True)
class Dates:
    first: date
    last: date

    def covers(self, at: datetime) -> bool:
        return self.first <= at.date() <= self.last


def parse(text: str) -> Weekly | Dates:
    """Raises ValueError, which says how a window is written."""
    words = " ".join(text.lower().replace("–", "-").split())
    if weekly := WEEKLY.fullmatch(words):
        window = Weekly(_minute(*weekly.groups()[:3]), _minute(*weekly.groups()[3:]))
        if window.start == window.end:
            raise ValueError("ends when it begins, so it covers nothing")
        return window
    if dates := DATES.fullmatch(words):
        first, last = map(date.fromisoformat, dates.groups())
        if last < first:
            raise ValueError("ends before it begins")
        return Dates(first, last)
    raise ValueError('is written as "fri 15:00 - mon 06:00" or "2026-12-19 - 2027-01-06"')


def is_frozen(window: str, at: datetime, zone: str) -> bool:
    return parse(window).covers(at.astimezone(ZoneInfo(zone)))


def _minute(day: str, hour: str, minute: str) -> int:
    if day not in DAYS or int(hour) > 23 or int(minute) > 59:
        raise ValueError(f"has no day and time: {day} {hour}:{minute}")
    return DAYS.index(day) * MINUTES_OF_DAY + int(hour) * 60 + int(minute)
