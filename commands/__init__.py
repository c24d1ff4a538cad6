"""What people can do: one room per command, with its declaration, handler, followers and messages.

The rooms are loaded when somebody asks for `ALL`: Spotter opens its door to Slack before that.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commands.kit.command import Command
    from commands.rooms import ALL as ALL

ONLY_TELL = frozenset({"/runs", "/models", "/exports", "/publish", "/spotter"})
"""Commands that change nothing by being typed, and so may be acknowledged before the rooms are loaded."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> "list[Command]":
        if name != "ALL":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from commands.rooms import ALL

        return ALL
