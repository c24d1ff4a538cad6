"""A skill of opsdroid: `!ping`."""

from typing import Any

from opsdroid.matchers import match_regex  # type: ignore[import-not-found]  # in its own environment only
from opsdroid.skill import Skill  # type: ignore[import-not-found]  # as above


class Ping(Skill):  # type: ignore[misc]  # as above
    @match_regex("^!ping$")  # type: ignore[untyped-decorator]  # as above
    async def ping(self, message: Any) -> None:
        await message.respond("pong")
