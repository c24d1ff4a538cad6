"""The modal of a command, made from its fields; and what a person put into it."""

import json
from typing import Any

from commands.kit.blocks import Block, Element, context, option, plain
from commands.kit.command import Asked, Command, Field, Option
from commands.kit.errors import UserError
from commands.kit.people import Person
from commands.kit.services import Services
from commands.kit.words import shorten
from infra.http.answers import NOT_JSON
from infra.http.fields import mapping, text, texts

MAX_TITLE, MAX_HINT, MAX_OPTIONS = 24, 2000, 100
MAX_LINE, MAX_PARAGRAPH = 255, 1000
PREVIEW = "preview"


def modal(command: Command, values: dict[str, str], asked: Asked, services: Services) -> dict[str, Any]:
    """The view for these values; fields without one get what the person probably wants."""
    shown = [field for field in command.fields if not field.carried]
    filled = {field.name: _first_value(field, values, asked.person, services) for field in shown}
    carried = {field.name: values.get(field.name, "") for field in command.fields if field.carried}
    blocks = [_input(command, field, filled[field.name], asked.person, services) for field in shown]
    if command.previewed:
        entered = carried | {name: value for name, value in filled.items() if value}
        blocks.append({**context(command.previewed(entered, services)), "block_id": PREVIEW})
    origin = {"channel": asked.channel, "thread_ts": asked.thread_ts, "carried": carried}
    return {
        "type": "modal",
        "callback_id": command.word,
        "private_metadata": json.dumps(origin),
        "title": plain(command.title, MAX_TITLE),
        "submit": plain(command.submit, MAX_TITLE),
        "close": plain("Cancel", MAX_TITLE),
        "blocks": blocks,
    }


def values_of(state: dict[str, Any]) -> dict[str, str]:
    """The texts and chosen values in a submitted view's state, by field name."""
    values: dict[str, str] = {}
    for name, elements in mapping(state, "values").items():
        for element in mapping(elements).values():
            if value := text(element, "selected_option", "value") or text(element, "value"):
                values[name] = value
    return values


def told(button_value: str, *path: str) -> dict[str, str]:
    """Values that a button carries. Raises UserError for what no button of ours carries."""
    try:
        return texts(json.loads(button_value), *path)
    except NOT_JSON:
        raise UserError("That button is of another version of Spotter.", "Type the command again.") from None


def choices(field: Field, person: Person, typed: str, services: Services) -> list[Element]:
    """At most 100 options for a type-ahead field."""
    if field.choices is None:
        return []
    found = field.choices(services, person, typed.strip())[:MAX_OPTIONS]
    return [option(choice.value, choice.label, choice.note) for choice in found]


def _first_value(field: Field, values: dict[str, str], person: Person, services: Services) -> str | None:
    suggested = field.suggest(services, person) if field.suggest and field.name not in values else None
    return values.get(field.name) or suggested or field.default


def _input(command: Command, field: Field, value: str | None, person: Person, services: Services) -> Block:
    block: Block = {
        "type": "input",
        "block_id": field.name,
        "label": plain(field.label, MAX_HINT),
        "optional": not field.required,
        "element": _element(command, field, value, person, services),
    }
    if command.previewed and field.choices:
        block["dispatch_action"] = True
    if hint := _hint(field, person, services):
        block["hint"] = plain(hint, MAX_HINT)
    return block


def _hint(field: Field, person: Person, services: Services) -> str:
    is_empty = field.none and field.choices and not field.choices(services, person, "")
    return field.none if is_empty else field.hint


def _element(
    command: Command, field: Field, value: str | None, person: Person, services: Services
) -> Element:
    action_id = f"{command.word}:{field.name}"
    if field.choices is None:
        longest = MAX_PARAGRAPH if field.multiline else MAX_LINE
        element: Element = {"type": "plain_text_input", "action_id": action_id, "max_length": longest}
        if field.multiline:
            element["multiline"] = True
        return {**element, "initial_value": shorten(value, longest)} if value else element
    element = {
        "type": "external_select",
        "action_id": action_id,
        "min_query_length": 0,
        "placeholder": plain("Type to search", 150),
    }
    chosen = _matching(field.choices(services, person, value), value) if value else None
    if chosen:
        element["initial_option"] = option(chosen.value, chosen.label, chosen.note)
    return element


def _matching(options: list[Option], value: str) -> Option | None:
    """The choice of that value; `name` alone means the first `name:version`, which is the newest."""
    exact = next((choice for choice in options if choice.value == value), None)
    return exact or next((choice for choice in options if choice.value.startswith(f"{value}:")), None)
