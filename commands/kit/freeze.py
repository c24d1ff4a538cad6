"""When nothing is shipped: windows of the week or of the calendar, in a target's own time zone.

"fri 15:00 - mon 06:00" comes every week; "2026-12-19 - 2027-01-06" covers both days.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_OF_DAY = 24 * 60
MINUTES_OF_WEEK = 7 * MINUTES_OF_DAY
LONGEST = timedelta(days=366)
WEEKLY = re.compile(r"([a-z]{3}) (\d\d):(\d\d) - ([a-z]{3}) (\d\d):(\d\d)")
DATES = re.compile(r"(\d{4}-\d\d-\d\d) - (\d{4}-\d\d-\d\d)")


@dataclass(frozen=True)
class Weekly:
    """Minutes since Monday 00:00, the end not included. A window may run over the end of the week."""

    start: int
    end: int

    def covers(self, at: datetime) -> bool:
        now = _minute_of_week(at)
        if self.start <= self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end

    def end_after(self, at: datetime) -> datetime:
        """When the window that covers `at` is over, by the clock on the wall."""
        left = (self.end - _minute_of_week(at)) % MINUTES_OF_WEEK
        return at.replace(second=0, microsecond=0) + timedelta(minutes=left)


@dataclass(frozen=True)
class Dates:
    first: date
    last: date

    def covers(self, at: datetime) -> bool:
        return self.first <= at.date() <= self.last

    def end_after(self, at: datetime) -> datetime:
        return datetime.combine(self.last + timedelta(days=1), time(), at.tzinfo)


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
        if last == date.max:
            raise ValueError("never ends")
        return Dates(first, last)
    raise ValueError('is written as "fri 15:00 - mon 06:00" or "2026-12-19 - 2027-01-06"')


def frozen_until(windows: Sequence[str], at: datetime, zone: str) -> datetime | None:
    """When it is over, in that time zone: windows that overlap or follow each other are one. None while none covers
    `at`. Of windows that leave no room between them the end is told of those that cover the next year."""
    parsed = [parse(window) for window in windows]
    moment = start = at.astimezone(ZoneInfo(zone))
    while moment - start < LONGEST and (covering := [each for each in parsed if each.covers(moment)]):
        moment = max(each.end_after(moment) for each in covering)
    return moment if moment != start else None


def _minute_of_week(at: datetime) -> int:
    return at.weekday() * MINUTES_OF_DAY + at.hour * 60 + at.minute


def _minute(day: str, hour: str, minute: str) -> int:
    if day not in DAYS or int(hour) > 23 or int(minute) > 59:
        raise ValueError(f"has no day and time: {day} {hour}:{minute}")
    return DAYS.index(day) * MINUTES_OF_DAY + int(hour) * 60 + int(minute)
