"""What people enter in selects and inputs: checked as Slack's client does, shaped as its payloads are."""

import re
from typing import Any

from ..refusal import Json, Refused
from ..views import elements

VALUE_KEYS = {
    "plain_text_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "number_input": "value",
    "rich_text_input": "rich_text_value",
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "overflow": "selected_option",
    "multi_static_select": "selected_options",
    "multi_external_select": "selected_options",
    "checkboxes": "selected_options",
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "channels_select": "selected_channel",
    "multi_channels_select": "selected_channels",
    "conversations_select": "selected_conversation",
    "multi_conversations_select": "selected_conversations",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
}
STATEFUL = frozenset(VALUE_KEYS) - {"overflow"}
_SHAPES = {"datepicker": r"\d{4}-\d{2}-\d{2}", "timepicker": r"\d{2}:\d{2}"}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
Offered = dict[str, set[str]]


def chosen(block: Json, element: Json, payload: Json, offered: Offered) -> Json:
    """The action of a block_actions payload. A button's value is the message's, not the caller's."""
    action = {"action_id": element["action_id"], "block_id": block["block_id"], "type": element["type"]}
    if element["type"] not in VALUE_KEYS:
        return action | {name: element[name] for name in ("text", "value", "style", "url") if name in element}
    kept: Json = {name: element[name] for name in ("placeholder", "confirm") if name in element}
    kept |= {name: value for name, value in element.items() if name.startswith("initial_")}
    return action | kept | {_key(element): _checked(element, payload.get(_key(element)), offered)}


def entered(blocks: list[Json], given: Json, so_far: Json, offered: Offered) -> Json:
    """`state.values` of these blocks: what was given now, else before, else at first, else null or []."""
    values: Json = {}
    for block in blocks:
        for element in elements(block):
            if element["type"] not in STATEFUL:
                continue
            key = _key(element)
            value = given.get(block["block_id"], {}).get(element["action_id"], {})
            known = so_far.get(block["block_id"], {}).get(element["action_id"], {})
            now = known.get(key, initial(element))
            if key in value:
                now = _checked(element, value[key], offered)
            shaped = {"type": element["type"], key: now}
            values.setdefault(block["block_id"], {})[element["action_id"]] = shaped
    return values


def initial(element: Json) -> Any:
    for name in ("initial_value", "initial_option", "initial_options", "initial_date", "initial_time"):
        if name in element:
            return element[name]
    for name, value in element.items():
        if name.startswith("initial_"):
            return value
    return [] if _key(element).endswith("s") else None


def complaints(blocks: list[Json], values: Json) -> dict[str, str]:
    """What Slack's client says on fields before it sends anything, by block_id."""
    found = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        value = values[block["block_id"]][element["action_id"]][_key(element)]
        problem = _problem(element, value, optional=block.get("optional", False))
        if problem:
            found[block["block_id"]] = problem
    return found


def _problem(element: Json, value: Any, *, optional: bool) -> str | None:
    if value in (None, "", []):
        return None if optional else "Please complete this required field."
    kind = element["type"]
    if kind == "plain_text_input":
        least, most = element.get("min_length", 0), element.get("max_length", 3000)
        if len(value) < least:
            return f"Please use at least {least} characters."
        if len(value) > most:
            return f"Please use at most {most} characters."
    if kind == "number_input":
        return _number_problem(element, value)
    if kind == "email_text_input" and not _EMAIL.fullmatch(value):
        return "Please enter a valid email address."
    if kind == "url_text_input" and not re.match(r"https?://", value):
        return "Please enter a valid URL."
    return None


def _number_problem(element: Json, value: str) -> str | None:
    pattern = r"-?\d+(\.\d+)?" if element["is_decimal_allowed"] else r"-?\d+"
    if not re.fullmatch(pattern, value):
        return "Please enter a valid number."
    low, high = element.get("min_value"), element.get("max_value")
    if low is not None and float(value) < float(low):
        return f"Please enter a number of {low} or more."
    if high is not None and float(value) > float(high):
        return f"Please enter a number of {high} or less."
    return None


def _key(element: Json) -> str:
    return VALUE_KEYS[element["type"]]


def _checked(element: Json, value: Any, offered: Offered) -> Any:
    """:raises Refused: `invalid_option` for an option that the select does not have"""
    kind = element["type"]
    if value in (None, "", []):
        return [] if _key(element).endswith("s") else None
    if kind in _SHAPES and not re.fullmatch(_SHAPES[kind], str(value)):
        raise Refused("invalid_value", message="That is not a date or time.")
    if not _key(element).startswith("selected_option"):
        return value
    options = value if isinstance(value, list) else [value]
    known = _values_of(element) | offered.get(element["action_id"], set())
    unknown = [option for option in options if option.get("value") not in known]
    if unknown:
        raise Refused("invalid_option", message=f"{unknown[0].get('value')} is not among the options.")
    return value


def _values_of(element: Json) -> set[str]:
    return {option["value"] for option in options_of(element)}


def options_of(holder: Json) -> list[Json]:
    """Every option of a select, or of an answer to a suggestion; also the ones chosen at first."""
    found = list(holder.get("options") or [])
    for group in holder.get("option_groups") or []:
        found += group["options"]
    found += holder.get("initial_options") or []
    return found + ([holder["initial_option"]] if holder.get("initial_option") else [])
