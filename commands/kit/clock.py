"""The one source of time."""

from datetime import UTC, datetime


class Clock:
    def now(self) -> datetime:
        """The current time, aware, in UTC."""
        return datetime.now(UTC)
