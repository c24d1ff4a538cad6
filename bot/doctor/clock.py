"""This machine's clock, held against the time that a service tells with its answers."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bot.doctor.finding import Verdict, ok, problem, skipped, warning

NOTICED = 30
REFUSED = 300  # seconds; from there on signed requests and tokens are refused
REMEDY = "Let the machine keep time, for example with chrony or systemd-timesyncd."


def skew(told: str, now: datetime) -> Verdict:
    """`told` is the Date header of an answer that just came."""
    try:
        there = parsedate_to_datetime(told)
    except ValueError:
        return skipped("The answer named no time.")
    ahead = round((now - there.astimezone(UTC)).total_seconds())
    which = "ahead of" if ahead > 0 else "behind"
    seen = f"This machine's clock is {abs(ahead)} s {which} theirs."
    if abs(ahead) >= REFUSED:
        return problem(f"{seen} Signatures and tokens are refused.", REMEDY)
    if abs(ahead) >= NOTICED:
        return warning(seen, REMEDY)
    return ok("Within seconds of theirs.")
