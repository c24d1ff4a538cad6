"""Numbers, times and names as people read them."""

import re
from datetime import UTC, datetime, timedelta

NOISE = 0.0005
SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}


LOOKALIKES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "*": "∗", "~": "∼", "`": "ˋ"})


def esc(text: object) -> str:
    """Outside text made harmless in Slack's mrkdwn: no mention, link or format survives."""
    return str(text).translate(LOOKALIKES)


MARKS = re.compile(r"(?<!\w)[*`]([^*`\n]+)[*`](?!\w)")
TOKENS = re.compile(r"<([^<>|]*)\|?([^<>]*)>")


def unmarked(text: str) -> str:
    """Mrkdwn as plain words, for notifications and screen readers: a link or time by its label, a mention in words."""
    return MARKS.sub(r"\1", TOKENS.sub(lambda token: token[2] or _mentioned(token[1]), text))


def _mentioned(target: str) -> str:
    if target.startswith("!subteam^"):
        return "that group"
    return "that person" if target.startswith("@") else "that channel" if target.startswith("#") else target


def code(text: object) -> str:
    """Outside text as inline code."""
    return f"`{esc(text)}`"


def metric(value: float | None) -> str:
    """A metric between 0 and 1 with three decimals, or a dash where there is none."""
    return "–" if value is None else f"{value:.3f}"


def delta(now: float | None, before: float | None) -> str:
    """How a metric moved, in points: "+0.014 better", "−0.020 worse", "unchanged", or a dash."""
    if now is None or before is None:
        return "–"
    moved = round(now, 3) - round(before, 3)
    if abs(moved) < NOISE:
        return "unchanged"
    return f"+{moved:.3f} better" if moved > 0 else f"−{-moved:.3f} worse"


def count(number: int, one: str, many: str | None = None) -> str:
    """ "1 image", "240 images"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def duration(span: timedelta) -> str:
    """ "40 s", "4 min", "1 h 5 min", "2 d 3 h"."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < 90:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def money(amount: float, currency: str) -> str:
    """ "€1.90", "1.90 CHF"; no cents from a hundred on."""
    shown = f"{amount:,.0f}" if round(amount, 2) >= 100 else f"{amount:,.2f}"
    sign = SIGNS.get(currency)
    return f"{sign}{shown}" if sign else f"{shown} {currency}"


def when(at: datetime) -> str:
    """A Slack date token: each reader sees their own zone."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{utc(at)}>"


def utc(at: datetime) -> str:
    """A time for places that take no token."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def shorten(text: str, limit: int) -> str:
    """The text cut to `limit` characters, with an ellipsis where something is missing."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def listing(names: list[str], limit: int = 5) -> str:
    """ "a, b and 3 more"."""
    if len(names) <= limit:
        return ", ".join(names)
    return f"{', '.join(names[:limit])} and {len(names) - limit} more"
