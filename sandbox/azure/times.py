"""Azure's spellings of time."""

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    return datetime.now(UTC)


def arm_time(moment: datetime) -> str:
    """Seven decimals and a Z, as Azure Resource Manager writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def history_time(moment: datetime | None) -> str | None:
    """Seven decimals and an offset, as run history writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0+00:00" if moment else None


def milliseconds(moment: datetime | None) -> int | None:
    return round(moment.timestamp() * 1000) if moment else None


def duration(span: timedelta) -> str:
    """A .NET time span, `hh:mm:ss.fffffff`."""
    seconds, micros = divmod(max(0, round(span.total_seconds() * 1_000_000)), 1_000_000)
    return f"{seconds // 3600:02}:{seconds % 3600 // 60:02}:{seconds % 60:02}.{micros:06}0"
