"""Filling in inputs: what a person says, as the value that Slack's client would send."""

from typing import Any

from .controls import Control
from .wire import Json, RefusedError, Wire

_WRITTEN = {
    "plain_text_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "number_input": "value",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "users_select": "selected_user",
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
    "multi_users_select": "selected_users",
    "multi_channels_select": "selected_channels",
    "multi_conversations_select": "selected_conversations",
}
_MANY = ("multi_static_select", "multi_external_select", "checkboxes")


def picked(wire: Wire, container: Json, control: Control, said: Any, values: Json | None = None) -> Json:
    """The element's own fields for what was said: text as it is, options by their text, lists for several.

    :raises RefusedError: for an option that is not offered, naming those that are
    """
    kind = control.element["type"]
    if kind in _WRITTEN:
        return {_WRITTEN[kind]: said}
    if kind in _MANY:
        texts = [said] if isinstance(said, str) else list(said)
        found = [_option(offered(wire, container, control, text, values), text) for text in texts]
        return {"selected_options": found}
    if said is None:
        return {"selected_option": None}
    return {"selected_option": _option(offered(wire, container, control, str(said), values), str(said))}


def offered(
    wire: Wire, container: Json, control: Control, typed: str, values: Json | None = None
) -> list[Json]:
    """The options there are after typing that into the select."""
    holder = control.element
    if holder["type"] in ("external_select", "multi_external_select"):
        holder = wire.post(
            "suggest",
            container=container,
            block_id=control.block_id,
            action_id=control.action_id,
            value=typed,
            values=values or {},
        )
    options: list[Json] = list(holder.get("options") or [])
    for group in holder.get("option_groups") or []:
        options += group["options"]
    return options


def _option(options: list[Json], text: str) -> Json:
    """The option of that text, else the only one that contains it."""
    exact = [option for option in options if option["text"]["text"] == text]
    near = [option for option in options if text.lower() in option["text"]["text"].lower()]
    if exact or len(near) == 1:
        return (exact or near)[0]
    listed = ", ".join(f"“{option['text']['text']}”" for option in options) or "no options at all"
    raise RefusedError(f"“{text}” is not offered (or several are like it), only {listed}")
