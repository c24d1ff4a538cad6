"""When digests come: in words and as crontab lines, and on the days when clocks change."""

from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.kit.errors import UserError
from commands.kit.schedule import DAYS, parse

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
EVERY_NIGHT, EVERY_HOUR = "every day at 2:30", "every hour"


@pytest.mark.parametrize(
    ("zone", "said", "after", "comes"),
    [
        # there is no 02:30 on the day on which clocks go forward: it comes at the first time that there is
        (BERLIN, EVERY_NIGHT, "2026-03-28 12:00", ["29 03:00+0200", "30 02:30+0200"]),
        (NEW_YORK, EVERY_NIGHT, "2026-03-07 12:00", ["08 03:00-0400", "09 02:30-0400"]),
        (BERLIN, "Sundays at 2:30", "2026-03-28 12:00", ["29 03:00+0200", "05 02:30+0200"]),
        # there are two of them on the day on which clocks go back: it comes at the first one, and once
        (BERLIN, EVERY_NIGHT, "2026-10-24 12:00", ["25 02:30+0200", "26 02:30+0100"]),
        (NEW_YORK, "every day at 1:30", "2026-10-31 12:00", ["01 01:30-0400", "02 01:30-0500"]),
        (NEW_YORK, EVERY_NIGHT, "2026-10-31 12:00", ["01 02:30-0500", "02 02:30-0500"]),
        # asked between the two
        (BERLIN, EVERY_NIGHT, "2026-10-25 02:40", ["26 02:30+0100", "27 02:30+0100"]),
        # every hour means every hour that passes
        (BERLIN, EVERY_HOUR, "2026-03-29 00:30", ["29 01:00+0100", "29 03:00+0200", "29 04:00+0200"]),
        (BERLIN, EVERY_HOUR, "2026-10-25 01:30", ["25 02:00+0200", "25 02:00+0100", "25 03:00+0100"]),
        (LORD_HOWE, "every day at 1:45", "2026-04-04 12:00", ["05 01:45+1100", "06 01:45+1030"]),
        (BERLIN, "last of the month at 17:00", "2027-02-01 00:00", ["28 17:00+0100", "31 17:00+0200"]),
        (BERLIN, "31st of the month at 9:00", "2026-11-22 00:00", ["31 09:00+0100", "31 09:00+0100"]),
        (BERLIN, "0 9 1 * 1", "2026-11-27 00:00", ["30 09:00+0100", "01 09:00+0100", "07 09:00+0100"]),
    ],
)
def test_times_come_once_also_where_clocks_change(zone: str, said: str, after: str, comes: list[str]) -> None:
    at = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    found = islice(parse(said).after(at, zone), len(comes))
    assert [f"{time.astimezone(ZoneInfo(zone)):%d %H:%M%z}" for time in found] == comes


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK])
@pytest.mark.parametrize("said", [EVERY_NIGHT, "every day at 1:30", "weekdays at 8:30"])
def test_a_year_has_one_for_each_of_its_days(zone: str, said: str) -> None:
    start, end = (datetime(year, 1, 1, tzinfo=ZoneInfo(zone)) for year in (2026, 2027))
    days = [time.astimezone(ZoneInfo(zone)).date() for time in islice(parse(said).after(start, zone), 366)]
    of_year = [day for day in days if day < end.date()]
    assert len(of_year) == len(set(of_year)) == (261 if said.startswith("week") else 365)


@pytest.mark.parametrize(
    ("said", "cron", "words"),
    [
        ("weekdays at 8:30", "30 8 * * 1-5", "weekdays at 8:30"),
        ("Mondays 9:00", "0 9 * * 1", "Mondays at 9:00"),
        ("every day at 7", "0 7 * * *", "every day at 7:00"),
        ("first of the month at 9:00", "0 9 1 * *", "first of the month at 9:00"),
        ("Mon,Thu 14:00", "0 14 * * 1,4", "Mondays and Thursdays at 14:00"),
        ("on fridays and tue, at 2:15 pm", "15 14 * * 2,5", "Tuesdays and Fridays at 14:15"),
        ("sat-mon noon", "0 12 * * 0,1,6", "Mondays, Saturdays and Sundays at 12:00"),
        ("Every weekday at 8 and 16", "0 8,16 * * 1-5", "weekdays at 8:00 and 16:00"),
        ("the 22nd of every month 12 am", "0 0 22 * *", "22nd of the month at 0:00"),
        ("30 8 * * MON-FRI", "30 8 * * 1-5", "weekdays at 8:30"),
        ("0 9 * * 7", "0 9 * * 0", "Sundays at 9:00"),
        ("*/15 8-17 * * 1-5", "*/15 8-17 * * 1-5", "*/15 8-17 * * 1-5"),
    ],
)
def test_words_and_crontab_lines_are_understood_and_said_back(said: str, cron: str, words: str) -> None:
    plan = parse(said)
    assert (plan.cron, plan.words) == (cron, words)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("", "Such as “weekdays at 8:30”"),
        ("fortnightly", "“fortnightly” is no time"),
        ("8:30", "does not say on which days"),
        ("weekdays", "“weekdays” has no time. Such as “weekdays at 9:00”"),
        ("Moonday at 9", "The day of “moonday at 9” cannot be “moonday”"),
        ("Mondays at 25:00", "The time cannot be “25:00”"),
        ("32nd of the month at 9", "cannot be “32”"),
        ("every day at 8:30 and 9:00", "differ in their minutes"),
        ("61 8 * * *", "The minute of “61 8 * * *” cannot be “61”"),
        ("0 24 * * *", "The hour of “0 24 * * *” cannot be “24”"),
        ("0 9 31 2 *", "The day of month of “0 9 31 2 *” cannot be “31”"),
        ("0 9 * 13 *", "The month of “0 9 * 13 *” cannot be “13”"),
        ("0 9 * * FOO", "The day of week of “0 9 * * FOO” cannot be “FOO”"),
        ("0 9 * *", "five fields (minute, hour, day of month, month, day of week), “0 9 * *” has 4"),
        ("0 0 9 * * *", "has 6"),
        ("x" * 300, "longer"),
    ],
)
def test_what_is_no_schedule_is_told_by_its_field_with_an_example(said: str, told: str) -> None:
    with pytest.raises(UserError) as refused:
        parse(said)
    assert told in str(refused.value)
    assert refused.value.field == "when"


numbers = st.one_of(
    st.just("*"), st.integers(0, 70).map(str), st.sampled_from(["*/2", "1-5", "3,7", "L", "MON", "0-59/7"])
)
crontabs = st.lists(numbers, min_size=4, max_size=6).map(" ".join)
days = st.sampled_from(
    ["every day", "weekdays", "weekends", *DAYS, "mon-wed", "tue, fri", "1st of the month", "moons"]
)
clocks = st.one_of(
    st.tuples(st.integers(0, 30), st.integers(0, 70)).map(lambda time: f"{time[0]}:{time[1]:02d}"),
    st.sampled_from(["7", "7 am", "12 pm", "noon", "25"]),
)
sentences = st.builds("{}{}{}".format, days, st.sampled_from([" at ", " ", ", "]), clocks)


@given(crontabs | sentences | st.text(max_size=150) | st.text(" 0123456789*/-,:.amponthedy", max_size=40))
def test_any_schedule_is_the_one_that_its_words_say_and_anything_else_a_plain_refusal(said: str) -> None:
    try:
        plan = parse(said)
    except UserError as refused:
        assert refused.problem and refused.next_step
        return
    assert parse(plan.words) == plan
    assert parse(plan.cron) == plan
    first, second = islice(plan.after(datetime(2026, 11, 22, tzinfo=UTC), BERLIN), 2)
    assert first < second
    assert plan.explained
