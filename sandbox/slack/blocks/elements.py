"""Interactive elements: buttons, selects, pickers and inputs."""

from .composition import (
    CONFIRM,
    DISPATCH,
    ID,
    IMAGE,
    LINK_OPTION,
    OPTION,
    OPTION_GROUPS,
    OPTIONS,
    RICH_OPTION,
    RICH_TEXT,
    URL,
    initial_among_options,
    plain,
)
from .rules import (
    Fields,
    Rule,
    boolean,
    by_type,
    exactly_one,
    integer,
    listing,
    one_of,
    shape,
    string,
    typed,
)

_DATE, _TIME = r"\d{4}-\d{2}-\d{2}", r"([01]\d|2[0-3]):[0-5]\d"
_ACTION: Fields = {"action_id": ID}
_FOCUS: Fields = {**_ACTION, "focus_on_load": boolean}
_PICK: Fields = {**_FOCUS, "placeholder": plain(150), "confirm": CONFIRM}
_WRITE: Fields = {**_FOCUS, "placeholder": plain(150), "dispatch_action_config": DISPATCH}
_MANY: Fields = {"max_selected_items": integer(1, 100)}
_CONVERSATIONS: Fields = {
    "default_to_current_conversation": boolean,
    "filter": shape(
        {},
        {
            "include": listing(one_of("im", "mpim", "private", "public"), 1),
            "exclude_external_shared_channels": boolean,
            "exclude_bot_users": boolean,
        },
    ),
}
_RESPONSE_URL: Fields = {"response_url_enabled": boolean}
_FIXED: Fields = {"options": OPTIONS, "option_groups": OPTION_GROUPS}
_ONE_SOURCE = exactly_one("options", "option_groups")

BUTTON = typed(
    "button",
    {"text": plain(75)},
    {
        **_ACTION,
        "url": URL,
        "value": string(0, 2000),
        "style": one_of("primary", "danger"),
        "confirm": CONFIRM,
        "accessibility_label": string(0, 75),
    },
)
_CHOICES = {"options": listing(RICH_OPTION, 1, 10)}
_RADIO = typed(
    "radio_buttons",
    _CHOICES,
    {**_FOCUS, "initial_option": RICH_OPTION, "confirm": CONFIRM},
    initial_among_options,
)
_CHECKBOXES = typed(
    "checkboxes",
    _CHOICES,
    {**_FOCUS, "initial_options": listing(RICH_OPTION, 1, 10), "confirm": CONFIRM},
    initial_among_options,
)
_OVERFLOW = typed("overflow", {"options": listing(LINK_OPTION, 1, 5)}, {**_ACTION, "confirm": CONFIRM})
_PICKERS: Fields = {
    "datepicker": typed("datepicker", {}, {**_PICK, "initial_date": string(pattern=_DATE)}),
    "timepicker": typed(
        "timepicker", {}, {**_PICK, "initial_time": string(pattern=_TIME), "timezone": string(1)}
    ),
    "datetimepicker": typed(
        "datetimepicker",
        {},
        {**_FOCUS, "confirm": CONFIRM, "initial_date_time": integer(1_000_000_000, 9_999_999_999)},
    ),
}


def _select(kind: str, optional: Fields, required: Fields | None = None, *further: Rule) -> Rule:
    return typed(kind, required or {}, {**_PICK, **optional}, *further)


_INITIAL_OPTION: Fields = {"initial_option": OPTION}
_INITIAL_OPTIONS: Fields = {"initial_options": listing(OPTION, 1, 100)}
_QUERY: Fields = {"min_query_length": integer(0, 100)}
_SELECTS: Fields = {
    "static_select": _select(
        "static_select", {**_FIXED, **_INITIAL_OPTION}, None, _ONE_SOURCE, initial_among_options
    ),
    "external_select": _select("external_select", {**_QUERY, **_INITIAL_OPTION}),
    "users_select": _select("users_select", {"initial_user": ID}),
    "conversations_select": _select(
        "conversations_select", {"initial_conversation": ID, **_CONVERSATIONS, **_RESPONSE_URL}
    ),
    "channels_select": _select("channels_select", {"initial_channel": ID, **_RESPONSE_URL}),
}
_MULTI_SELECTS: Fields = {
    "multi_static_select": _select(
        "multi_static_select",
        {**_FIXED, **_INITIAL_OPTIONS, **_MANY},
        None,
        _ONE_SOURCE,
        initial_among_options,
    ),
    "multi_external_select": _select("multi_external_select", {**_QUERY, **_INITIAL_OPTIONS, **_MANY}),
    "multi_users_select": _select("multi_users_select", {"initial_users": listing(ID), **_MANY}),
    "multi_conversations_select": _select(
        "multi_conversations_select", {"initial_conversations": listing(ID), **_CONVERSATIONS, **_MANY}
    ),
    "multi_channels_select": _select("multi_channels_select", {"initial_channels": listing(ID), **_MANY}),
}
_DECIMAL = string(pattern=r"-?\d+(\.\d+)?")
_TEXT_INPUTS: Fields = {
    "plain_text_input": typed(
        "plain_text_input",
        {},
        {
            **_WRITE,
            "initial_value": string(0, 3000),
            "multiline": boolean,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        },
    ),
    "email_text_input": typed("email_text_input", {}, {**_WRITE, "initial_value": string()}),
    "url_text_input": typed("url_text_input", {}, {**_WRITE, "initial_value": string()}),
    "number_input": typed(
        "number_input",
        {"is_decimal_allowed": boolean},
        {**_WRITE, "initial_value": _DECIMAL, "min_value": _DECIMAL, "max_value": _DECIMAL},
    ),
    "rich_text_input": typed("rich_text_input", {}, {**_WRITE, "initial_value": RICH_TEXT}),
}
_FEEDBACK_BUTTON = shape(
    {"text": plain(75), "value": string(0, 2000)}, {"accessibility_label": string(0, 75)}
)

_SHARED: Fields = {"radio_buttons": _RADIO, "checkboxes": _CHECKBOXES, **_PICKERS, **_SELECTS}
_CLICKED: Fields = {"button": BUTTON, "overflow": _OVERFLOW}

IN_ACTIONS = by_type({**_CLICKED, **_SHARED, **_MULTI_SELECTS})
AS_ACCESSORY = by_type({"image": IMAGE, **_CLICKED, **_SHARED, **_MULTI_SELECTS})
IN_INPUT = by_type({**_SHARED, **_MULTI_SELECTS, **_TEXT_INPUTS})
IN_CONTEXT_ACTIONS = by_type(
    {
        "feedback_buttons": typed(
            "feedback_buttons",
            {"positive_button": _FEEDBACK_BUTTON, "negative_button": _FEEDBACK_BUTTON},
            _ACTION,
        ),
        "icon_button": typed(
            "icon_button",
            {"icon": string(1), "text": plain(75)},
            {
                **_ACTION,
                "value": string(0, 2000),
                "confirm": CONFIRM,
                "accessibility_label": string(0, 75),
                "visible_to_user_ids": listing(ID),
            },
        ),
    }
)
INTERACTIVE = frozenset(
    {*_CLICKED, *_SHARED, *_MULTI_SELECTS, *_TEXT_INPUTS, "feedback_buttons", "icon_button"}
)
