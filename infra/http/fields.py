"""Reading JSON that others wrote: whatever is missing or of the wrong type becomes an empty value, never a crash."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

_FRACTION = re.compile(r"(\.\d{6})\d+")
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?")
_LONGEST_DURATION = 60
_UNITS = (86400, 3600, 60, 1)
_LARGEST = 2**31 - 1
"""What every database takes as a whole number."""


def value(data: Any, *path: str) -> Any:
    for key in path:
        if not isinstance(data, dict | Mapping):  # by far most are, and that is found out sooner
            return None
        data = data.get(key)
    return data


def mapping(data: Any, *path: str) -> Mapping[str, Any]:
    found = value(data, *path)
    return found if isinstance(found, Mapping) else {}


def sequence(data: Any, *path: str) -> Sequence[Any]:
    found = value(data, *path)
    return found if isinstance(found, list) else ()


def text(data: Any, *path: str) -> str:
    found = value(data, *path)
    return "" if found is None or isinstance(found, Mapping | list) else storable(found)


def texts(data: Any, *path: str) -> dict[str, str]:
    """A mapping of strings, such as tags; entries without a value are dropped."""
    return {
        storable(key): storable(entry) for key, entry in mapping(data, *path).items() if entry is not None
    }


def whole(data: Any, *path: str) -> int | None:
    """An integer of 32 bits, also where it is written as text."""
    try:
        found = int(value(data, *path))
    except (TypeError, ValueError, OverflowError):
        return None
    return found if abs(found) <= _LARGEST else None


def decimal(data: Any, *path: str) -> float | None:
    """A finite number, also where it is written as text; None otherwise."""
    try:
        found = float(value(data, *path))
    except (TypeError, ValueError, OverflowError):
        return None
    return found if abs(found) != float("inf") and found == found else None


def seconds(data: Any, *path: str) -> int | None:
    """Whole seconds of a duration such as PT180S, which a service may hand back as PT3M."""
    match = _DURATION.fullmatch(text(data, *path)[:_LONGEST_DURATION])
    if match is None or not any(match.groups()):
        return None
    return sum(int(part or 0) * unit for part, unit in zip(match.groups(), _UNITS, strict=True))


def moment(data: Any, *path: str) -> datetime | None:
    """A time in UTC, from ISO 8601 with up to seven decimals or milliseconds since 1970."""
    found = value(data, *path)
    try:
        if isinstance(found, int | float):
            return datetime.fromtimestamp(found / 1000, UTC)
        parsed = datetime.fromisoformat(_FRACTION.sub(r"\1", str(found)))
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def storable(found: object) -> str:
    """Without what no database takes as text: halves of characters, and NUL."""
    told = str(found)
    if not told.isascii():
        told = told.encode("utf-8", "replace").decode()
    return told.replace("\0", "")
