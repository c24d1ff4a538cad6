"""The inline form of a command: values in the order of its fields, or `name=value` in any order."""

import shlex

from commands.kit.blocks import Message, note
from commands.kit.command import Command
from commands.kit.errors import UserError
from commands.kit.words import code, esc


def read(command: Command, typed: str) -> dict[str, str]:
    """What was typed after the command, by field name. Raises UserError with the usage."""
    try:
        words = shlex.split(typed.replace("“", '"').replace("”", '"'))
    except ValueError as broken:
        raise UserError("A quotation mark is not closed.", f"Write it as {command.usage}.") from broken
    names = [field.name for field in command.fields]
    values: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if equals and name in names:
            values[name] = value
            continue
        free = next((field for field in command.fields if field.rest or field.name not in values), None)
        if free is None:
            raise UserError(f"“{esc(word[:80])}” is one word too many.", f"Write it as {command.usage}.")
        values[free.name] = f"{values[free.name]} {word}" if free.name in values else word
    return values


def complete(command: Command, values: dict[str, str]) -> bool:
    """Whether every required field has a value."""
    return all(values.get(field.name) for field in command.fields if field.required)


def explain(command: Command) -> Message:
    """How to write a command in one line, with its examples."""
    rest = ""
    if any(field.required for field in command.fields):
        rest = f" Leave some out, or type {code(command.name)} alone, and a form asks for the rest."
    examples = "".join(f"\n{code(typed)} {esc(told)}" for typed, told in command.examples)
    return note(f"{esc(command.summary)}. Write it as {code(command.usage)}.{rest}{examples}")
