"""A plugin of Errbot: `!ping`."""

from typing import Any

from errbot import BotPlugin, botcmd  # type: ignore[import-not-found]  # in its own environment only


class Ping(BotPlugin):  # type: ignore[misc]  # as above
    @botcmd  # type: ignore[untyped-decorator]  # as above
    def ping(self, message: Any, arguments: str) -> str:
        """Answers."""
        return "pong"
