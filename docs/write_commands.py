"""Writes docs/commands.md from the declarations of the commands: `.venv/bin/python docs/write_commands.py`."""

from pathlib import Path

from commands import rooms
from commands.kit.command import Command, Field

FILE = Path(__file__).parent / "commands.md"
BEGINNING = """# Commands

Written from the commands' declarations by `docs/write_commands.py`; a test holds it against them.

Typed without what it needs, a command asks in a form with type-ahead; typed in one line, it starts at once. Arguments
go by their place or by name, as in `cluster=gpu-cluster`; what has spaces stands in quotes. In a thread, where Slack
has no slash commands, mention the bot: `@Spotter runs`. A role is who may do it ([policy](policy.md#roles)).
"""


def page() -> str:
    return "\n".join([BEGINNING, *map(_section, rooms.ALL)])


def _section(command: Command) -> str:
    lines = [f"## `{command.usage}`", "", f"{command.summary}. Role: `{command.role}`.", ""]
    if command.fields:
        lines += [
            "| argument | in the form | left out | |",
            "|---|---|---|---|",
            *map(_row, command.fields),
            "",
        ]
    if command.examples:
        lines += [
            "| such as | |",
            "|---|---|",
            *(f"| `{typed}` | {told} |" for typed, told in command.examples),
            "",
        ]
    if others := sorted({each.role for each in command.actions.values()} - {command.role, "view"}):
        roles = " or ".join(f"`{role}`" for role in others)
        lines += [f"Some of its buttons ask for the role {roles}.", ""]
    return "\n".join(lines)


def _row(field: Field) -> str:
    left_out = "it asks" if field.required else f"`{field.default}`" if field.default else "–"
    meaning = ". ".join(each.removesuffix(".") for each in (field.hint, field.rule) if each)
    return f"| `{field.name}` | {field.label} | {left_out} | {meaning} |"


if __name__ == "__main__":
    FILE.write_text(page())
