"""Composition objects: text, options, confirmation dialogs, pictures and rich text."""

from collections.abc import Iterator
from typing import Any

from .rules import Rule, at, boolean, by_type, exactly_one, integer, listing, one_of, shape, string, typed

URL = string(1, 3000)
ID = string(1, 255)


def plain(most: int, least: int = 1) -> Rule:
    return typed("plain_text", {"text": string(least, most)}, {"emoji": boolean})


def mrkdwn(most: int, least: int = 1) -> Rule:
    return typed("mrkdwn", {"text": string(least, most)}, {"verbatim": boolean})


def text(most: int, least: int = 1) -> Rule:
    """Either sort of text object."""
    return by_type({"plain_text": plain(most, least), "mrkdwn": mrkdwn(most, least)})


CONFIRM = shape(
    {"title": plain(100), "text": text(300)},
    {"confirm": plain(30), "deny": plain(30), "style": one_of("primary", "danger")},
)
DISPATCH = shape({"trigger_actions_on": listing(one_of("on_enter_pressed", "on_character_entered"), 1, 2)})
SLACK_FILE = shape({}, {"id": ID, "url": URL}, exactly_one("id", "url"))
_PICTURE = {"image_url": URL, "slack_file": SLACK_FILE}
IMAGE = typed("image", {"alt_text": string(1, 2000)}, _PICTURE, exactly_one("image_url", "slack_file"))

OPTION = shape({"text": plain(75), "value": string(1, 150)}, {"description": plain(75)})
RICH_OPTION = shape({"text": text(75), "value": string(1, 150)}, {"description": text(75)})
LINK_OPTION = shape({"text": plain(75), "value": string(1, 150)}, {"description": plain(75), "url": URL})
OPTION_GROUP = shape({"label": plain(75), "options": listing(OPTION, 1, 100)})
OPTIONS = listing(OPTION, 1, 100)
OPTION_GROUPS = listing(OPTION_GROUP, 1, 100)


def initial_among_options(value: Any, pointer: str) -> Iterator[str]:
    """What is chosen at first must be one of the options, exactly."""
    options = list(value.get("options", []))
    for group in value.get("option_groups", []):
        options += group["options"]
    if "initial_option" in value and value["initial_option"] not in options:
        yield at("must be one of the provided options", f"{pointer}/initial_option")
    for index, option in enumerate(value.get("initial_options", [])):
        if option not in options:
            yield at("must be one of the provided options", f"{pointer}/initial_options/{index}")


_STYLE = shape(
    {},
    dict.fromkeys(
        ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"), boolean
    ),
)
_STYLED = {"style": _STYLE}
_INLINE = by_type(
    {
        "text": typed("text", {"text": string(1)}, _STYLED),
        "link": typed("link", {"url": URL}, {"text": string(), "unsafe": boolean, **_STYLED}),
        "emoji": typed(
            "emoji", {"name": string(1)}, {"unicode": string(), "skin_tone": integer(1, 6), **_STYLED}
        ),
        "user": typed("user", {"user_id": ID}, _STYLED),
        "usergroup": typed("usergroup", {"usergroup_id": ID}, _STYLED),
        "channel": typed("channel", {"channel_id": ID}, _STYLED),
        "broadcast": typed("broadcast", {"range": one_of("here", "channel", "everyone")}, _STYLED),
        "color": typed("color", {"value": string(1)}, _STYLED),
        "date": typed(
            "date",
            {"timestamp": integer(0, 2**40), "format": string(1)},
            {"url": URL, "fallback": string(), **_STYLED},
        ),
    }
)
_SECTION = typed("rich_text_section", {"elements": listing(_INLINE)})
_BORDER = {"border": integer(0, 1)}
RICH_TEXT_PARTS = by_type(
    {
        "rich_text_section": _SECTION,
        "rich_text_list": typed(
            "rich_text_list",
            {"style": one_of("bullet", "ordered"), "elements": listing(_SECTION)},
            {"indent": integer(0, 8), "offset": integer(0, 10_000), **_BORDER},
        ),
        "rich_text_preformatted": typed(
            "rich_text_preformatted", {"elements": listing(_INLINE)}, {**_BORDER, "language": string()}
        ),
        "rich_text_quote": typed("rich_text_quote", {"elements": listing(_INLINE)}, _BORDER),
    }
)
RICH_TEXT = typed("rich_text", {"elements": listing(RICH_TEXT_PARTS)}, {"block_id": ID})
