"""When something recurs: in words ("weekdays at 8:30") or as a crontab line, in a time zone.

cronsim counts as Debian's cron does, also where clocks change: 02:30 on a day that has no 02:30 comes at 03:00, and
on a day that has two of them at the first one. What recurs every hour follows the hours that pass.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from commands.kit.errors import UserError

DAYS = ("Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays")
MONDAY_FIRST = (1, 2, 3, 4, 5, 6, 0)
EVERY_DAY, WEEKDAYS, WEEKENDS = frozenset(range(7)), frozenset(range(1, 6)), frozenset({0, 6})
SETS = {
    "every day": EVERY_DAY,
    "each day": EVERY_DAY,
    "day": EVERY_DAY,
    "daily": EVERY_DAY,
    "weekdays": WEEKDAYS,
    "weekday": WEEKDAYS,
    "workdays": WEEKDAYS,
    "weekends": WEEKENDS,
    "weekend": WEEKENDS,
}
EXAMPLES = (
    "“weekdays at 8:30”, “Mondays 9:00”, “first of the month at 9:00”, or the crontab line “30 8 * * 1-5”"
)
FIELDS = ("minute", "hour", "day-of-month", "month", "day-of-week")
ALLOWED = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31, within its months, or L for the last one",
    "month": "1 to 12, or JAN to DEC",
    "day-of-week": "0 to 6 with Sunday as 0, or SUN to SAT",
}
LONGEST = 120
MOST_TIMES = 6

_LOOKS_LIKE_CRONTAB = re.compile(r"[\d*]\S*(\s+[\dA-Za-z*]\S*){3,}")
_TIME = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?(?: ?h| o'clock)?")
_SAID_TIME = r"(?:\d{1,2}(?:[:.]\d{2})?\s*(?:am|pm|o'clock|h)?|noon|midnight)"
_TIMES_LAST = re.compile(
    rf"(?P<days>.*?)[\s,]*(?:\bat\s+)?(?P<times>(?<![\d:.]){_SAID_TIME}(?:\s*(?:,|and|&)\s*(?:at\s+)?{_SAID_TIME})*)"
)
_OF_THE_MONTH = re.compile(
    r"(?:the )?(?:(?P<word>first|last)|(?P<number>\d{1,2})(?:st|nd|rd|th))(?: day)? of (?:the|every|each) month"
)
_PARTS = re.compile(r"\s*(?:,|\band\b|&|\+|\s)\s*")


@dataclass(frozen=True)
class Schedule:
    """`cron` has five fields; `words` say the same, and are the crontab line itself where there are no short ones."""

    cron: str
    words: str

    def after(self, at: datetime, zone: str) -> Iterator[datetime]:
        """Every time later than `at`, in UTC, soonest first."""
        for found in CronSim(self.cron, at.astimezone(ZoneInfo(zone))):
            # where the clock was just set back, the first of two equal times is over already
            if (due := found.astimezone(UTC)) > at:
                yield due

    def next(self, at: datetime, zone: str) -> datetime:
        return next(self.after(at, zone))

    @property
    def explained(self) -> str:
        """As `words`; a crontab line with what it means."""
        if self.words != self.cron:
            return self.words
        meaning = CronSim(self.cron, datetime(2000, 1, 1, tzinfo=UTC)).explain()
        return f"{self.cron} ({meaning[0].lower()}{meaning[1:]})"


def parse(text: str) -> Schedule:
    """Raises UserError, in plain words for the field `when`."""
    said = " ".join(text.split())
    if not said:
        raise _unclear("It is not said when.", f"Such as {EXAMPLES}.")
    if len(said) > LONGEST:
        raise _unclear("That is longer than any time is.", f"Write it as {EXAMPLES}.")
    if _LOOKS_LIKE_CRONTAB.fullmatch(said) and not re.search(r"\bof\b|[:.]", said):
        return _from_crontab(said)
    return _from_words(said.lower())


def _from_crontab(line: str) -> Schedule:
    cron = line.upper()
    if (number := len(cron.split())) != len(FIELDS):
        raise _unclear(
            f"A crontab line has five fields (minute, hour, day of month, month, day of week), “{line}” has {number}.",
            f"Write it as {EXAMPLES}.",
        )
    try:
        read = CronSim(cron, datetime(2000, 1, 1, tzinfo=UTC))
        next(read)
    except CronSimError as wrong:
        name = str(wrong).removeprefix("Bad ")
        value = line.split()[FIELDS.index(name)] if name in FIELDS else line
        raise _unclear(
            f"The {name.replace('-', ' ')} of “{line}” cannot be “{value}”.",
            f"It is {ALLOWED.get(name, 'a number')}; lists (1,3), ranges (1-5) and steps (*/2) are fine.",
        ) from wrong
    except StopIteration as never:
        raise _unclear(f"“{line}” never comes.", f"Write it as {EXAMPLES}.") from never
    return _in_words(cron) or Schedule(cron, cron)


def _in_words(cron: str) -> Schedule | None:
    """The plain schedules that people mean by most crontab lines."""
    read = CronSim(cron, datetime(2000, 1, 1, tzinfo=UTC))
    _, _, day, month, weekday = cron.split()
    if month != "*" or len(read.minutes) != 1:
        return None
    (minute,) = read.minutes
    if len(read.hours) == 24 and minute == 0 and day == weekday == "*":
        return Schedule("0 * * * *", "every hour")
    if len(read.hours) > MOST_TIMES:
        return None
    times = [(hour, minute) for hour in sorted(read.hours)]
    if weekday == "*" and len(read.days) == 1 and CronSim.LAST_WEEKDAY not in read.days:
        return _monthly(next(iter(read.days)), times)
    if day == "*" and all(isinstance(each, int) for each in read.weekdays):
        return _weekly(frozenset(int(str(each)) % 7 for each in read.weekdays), times)
    return None


def _from_words(said: str) -> Schedule:
    if said in ("every hour", "hourly", "each hour"):
        return Schedule("0 * * * *", "every hour")
    split = _TIMES_LAST.fullmatch(said)
    if split is None:
        if _days(said) or _OF_THE_MONTH.fullmatch(said.removeprefix("on ")):
            raise _unclear(f"“{said}” has no time.", f"Such as “{said} at 9:00”.")
        raise _unclear(f"“{said}” is no time that Spotter understands.", f"Write it as {EXAMPLES}.")
    times = _times(split["times"])
    when = split["days"].strip(" ,").removeprefix("on ").removesuffix(" at").strip(" ,")
    if monthly := _OF_THE_MONTH.fullmatch(when):
        day = {"first": 1, "last": CronSim.LAST}.get(monthly["word"]) or int(monthly["number"])
        if day > 31 or day == 0:
            raise _unclear(
                f"The day of the month of “{said}” cannot be “{day}”.", "It is 1st to 31st, or last."
            )
        return _monthly(day, times)
    days = _days(when) if when else None
    if not days:
        which = (
            f"The day of “{said}” cannot be “{when}”." if when else f"“{said}” does not say on which days."
        )
        raise _unclear(which, f"Write it as {EXAMPLES}.")
    return _weekly(days, times)


def _days(said: str) -> frozenset[int] | None:
    """Days of the week, Sunday as 0; None where one of them is no day."""
    if said in SETS:
        return SETS[said]
    found: set[int] = set()
    for part in _PARTS.split(said):
        if part in ("", "every", "each", "on"):
            continue
        if part in SETS:
            found |= SETS[part]
            continue
        first, dash, last = part.replace("–", "-").partition("-")
        start, end = _day(first), _day(last) if dash else _day(first)
        if start is None or end is None:
            return None
        found |= {(start + step) % 7 for step in range((end - start) % 7 + 1)}
    return frozenset(found) or None


def _day(word: str) -> int | None:
    """ "mon", "tues", "monday" and "mondays" are all 1."""
    if len(word) < 3:
        return None
    return next((number for number, name in enumerate(DAYS) if name.lower().startswith(word)), None)


def _times(said: str) -> list[tuple[int, int]]:
    found = {_time(part) for part in re.split(r"\s*(?:,|\band\b|&)\s*(?:at\s+)?", said)}
    if len(found) > MOST_TIMES:
        raise _unclear(
            "These are too many times.", f"At most {MOST_TIMES}; more are written as a crontab line."
        )
    if len({minute for _, minute in found}) > 1:
        raise _unclear(
            f"The times “{said}” differ in their minutes.",
            "Set a digest for each of them, or use one minute for all.",
        )
    return sorted(found)


def _time(said: str) -> tuple[int, int]:
    if said in ("noon", "midnight"):
        return (12, 0) if said == "noon" else (0, 0)
    read = _TIME.fullmatch(said.strip())
    hour, minute = (int(read[1]), int(read[2] or 0)) if read else (99, 0)
    if read and read[3]:
        hour = hour % 12 + (12 if read[3] == "pm" else 0) if 1 <= hour <= 12 else 99
    if hour > 23 or minute > 59:
        raise _unclear(f"The time cannot be “{said}”.", "It is written as 8:30, 14:00 or 2 pm.")
    return hour, minute


def _weekly(days: frozenset[int], times: list[tuple[int, int]]) -> Schedule:
    named = {EVERY_DAY: "every day", WEEKDAYS: "weekdays", WEEKENDS: "weekends"}
    field = {EVERY_DAY: "*", WEEKDAYS: "1-5"}.get(days) or ",".join(map(str, sorted(days)))
    said = named.get(days) or _enumerated(DAYS[day] for day in MONDAY_FIRST if day in days)
    return Schedule(f"{_clock_fields(times)} * * {field}", f"{said} at {_clocks(times)}")


def _monthly(day: int, times: list[tuple[int, int]]) -> Schedule:
    field = "L" if day == CronSim.LAST else str(day)
    which = {1: "first", CronSim.LAST: "last"}.get(day) or f"{day}{_ordinal(day)}"
    return Schedule(f"{_clock_fields(times)} {field} * *", f"{which} of the month at {_clocks(times)}")


def _clock_fields(times: list[tuple[int, int]]) -> str:
    return f"{times[0][1]} {','.join(str(hour) for hour, _ in times)}"


def _clocks(times: list[tuple[int, int]]) -> str:
    return _enumerated(f"{hour}:{minute:02d}" for hour, minute in times)


def _enumerated(parts: Iterable[str]) -> str:
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last


def _ordinal(number: int) -> str:
    return "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def _unclear(problem: str, next_step: str) -> UserError:
    return UserError(problem, next_step, field="when")
