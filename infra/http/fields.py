"""Reading JSON that others wrote: whatever is missing or of the wrong type becomes an empty value, never a crash."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

_FRACTION = re.compile(r"(\.\d{6})\d+")
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?")
_UNITS = (86400, 3600, 60, 1)


def value(data: Any, *path: str) -> Any:
    for key in path:
        if not isinstance(data, Mapping):
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
    return "" if found is None or isinstance(found, Mapping | list) else str(found)


def texts(data: Any, *path: str) -> dict[str, str]:
    """A mapping of strings, such as tags; entries without a value are dropped."""
    return {str(key): str(entry) for key, entry in mapping(data, *path).items() if entry is not None}


def whole(data: Any, *path: str) -> int | None:
    try:
        return int(value(data, *path))
    except (TypeError, ValueError):
        return None


def decimal(data: Any, *path: str) -> float | None:
    """A finite number, also where it is written as text; None otherwise."""
    try:
        found = float(value(data, *path))
    except (TypeError, ValueError):
        return None
    return found if abs(found) != float("inf") and found == found else None


def seconds(data: Any, *path: str) -> int | None:
    """Whole seconds of a duration such as PT180S, which a service may hand back as PT3M."""
    match = _DURATION.fullmatch(text(data, *path))
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
    except (ValueError, OverflowError, OSError):
        return None
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
