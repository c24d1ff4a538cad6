"""How long a service asks to be left alone, which it says in headers, in whatever way it likes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from infra.http.fields import decimal

LONGEST_REST = 300.0
"""Seconds, whatever a service asks for: a wait may be stored, outlives restarts then, and must end by itself."""
_HEADERS = (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("Retry-After", 1.0))


def seconds_asked(headers: Mapping[str, str]) -> float | None:
    """From 0 to LONGEST_REST. None where the headers ask for nothing, or for nothing that makes sense."""
    for name, unit in _HEADERS:
        found = decimal(headers, name)
        if found is not None and found >= 0:
            return min(found * unit, LONGEST_REST)
    try:
        until = parsedate_to_datetime(headers.get("Retry-After", ""))
    except (ValueError, OverflowError):
        return None
    left = until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)
    return min(max(0.0, left.total_seconds()), LONGEST_REST)
