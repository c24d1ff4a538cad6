"""The blocks, and which of them messages, modals and Home may have."""

from collections.abc import Iterator
from typing import Any

from .charts import DATA_TABLE, DATA_VISUALIZATION, TABLE
from .composition import ID, IMAGE, RICH_TEXT, SLACK_FILE, URL, mrkdwn, plain, text
from .elements import AS_ACCESSORY, BUTTON, IN_ACTIONS, IN_CONTEXT_ACTIONS, IN_INPUT
from .rules import (
    Fields,
    Rule,
    at,
    at_least_one,
    boolean,
    by_type,
    exactly_one,
    listing,
    one_of,
    shape,
    string,
    typed,
)


def _block(kind: str, required: Fields, optional: Fields | None = None, *further: Rule) -> Rule:
    return typed(kind, required, {"block_id": string(0, 255), **(optional or {})}, *further)


_CONTEXT_ITEM = by_type({"image": IMAGE, "plain_text": plain(2000), "mrkdwn": mrkdwn(2000)})
_SECTION = _block(
    "section",
    {},
    {
        "text": text(3000),
        "fields": listing(text(2000), 1, 10),
        "accessory": AS_ACCESSORY,
        "expand": boolean,
    },
    at_least_one("text", "fields"),
)
_IMAGE = _block(
    "image",
    {"alt_text": string(1, 2000)},
    {"image_url": URL, "slack_file": SLACK_FILE, "title": plain(2000)},
    exactly_one("image_url", "slack_file"),
)
_VIDEO = _block(
    "video",
    {
        "alt_text": string(1, 2000),
        "title": plain(200),
        "video_url": string(1, 3000, r"https://.+"),
        "thumbnail_url": URL,
    },
    {
        "title_url": URL,
        "description": plain(200),
        "provider_icon_url": URL,
        "provider_name": string(),
        "author_name": string(0, 50),
    },
)
_INPUT = _block(
    "input",
    {"label": plain(2000), "element": IN_INPUT},
    {"hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
)
_ICON = typed("icon", {"name": string(1)})


def _one_icon(card: Any, pointer: str) -> Iterator[str]:
    if "icon" in card and "slack_icon" in card:
        yield at("must define only one of `icon` or `slack_icon`", pointer)


_CARD = _block(
    "card",
    {},
    {
        "hero_image": IMAGE,
        "icon": IMAGE,
        "slack_icon": _ICON,
        "title": text(150),
        "subtitle": text(150),
        "body": text(200),
        "subtext": text(200),
        "actions": listing(BUTTON, 1, 3),
    },
    at_least_one("hero_image", "title", "actions", "body"),
    _one_icon,
)
_SOURCE = typed("url", {"url": URL, "text": string(1)})
_TASK: Fields = {"task_id": string(1, 255), "title": string(1)}
_TASK_PARTS: Fields = {
    "details": RICH_TEXT,
    "output": RICH_TEXT,
    "sources": listing(_SOURCE),
    "block_id": string(0, 255),
}
_SHOWN_STATUS = ("in_progress", "complete", "error")
_PLANNED_TASK = shape(
    _TASK, {**_TASK_PARTS, "type": one_of("task_card"), "status": one_of("pending", *_SHOWN_STATUS)}
)

_EVERYWHERE: Fields = {
    "section": _SECTION,
    "divider": _block("divider", {}),
    "image": _IMAGE,
    "actions": _block("actions", {"elements": listing(IN_ACTIONS, 1, 25)}),
    "context": _block("context", {"elements": listing(_CONTEXT_ITEM, 1, 10)}),
    "header": _block("header", {"text": plain(150)}),
    "rich_text": RICH_TEXT,
    "video": _VIDEO,
    "card": _CARD,
}
_IN_CONTAINER = by_type(
    {
        **{
            k: _EVERYWHERE[k]
            for k in ("actions", "context", "divider", "header", "image", "section", "video")
        },
        "table": TABLE,
    }
)
_CONTAINER = _block(
    "container",
    {"child_blocks": listing(_IN_CONTAINER, 1, 10)},
    {
        "title": plain(150),
        "rich_text_title": RICH_TEXT,
        "subtitle": text(150),
        "icon": IMAGE,
        "width": one_of("narrow", "standard", "wide", "full"),
        "is_collapsible": boolean,
        "default_collapsed": boolean,
        "has_header_divider": boolean,
    },
    at_least_one("title", "rich_text_title"),
)

MESSAGE: Fields = {
    **_EVERYWHERE,
    "markdown": _block("markdown", {"text": string(1, 12_000)}),
    "context_actions": _block("context_actions", {"elements": listing(IN_CONTEXT_ACTIONS, 1, 5)}),
    "file": _block("file", {"external_id": ID, "source": one_of("remote")}),
    "table": TABLE,
    "data_table": DATA_TABLE,
    "data_visualization": DATA_VISUALIZATION,
    "carousel": _block("carousel", {"elements": listing(by_type({"card": _CARD}), 1, 10)}),
    "container": _CONTAINER,
    "task_card": typed("task_card", _TASK, {**_TASK_PARTS, "status": one_of(*_SHOWN_STATUS)}),
    "plan": _block("plan", {"title": string(1)}, {"tasks": listing(_PLANNED_TASK), "status": string()}),
}
HOME: Fields = {**_EVERYWHERE, "input": _INPUT}
_ALERT = _block(
    "alert",
    {"text": text(200)},
    {"level": one_of("default", "info", "warning", "error", "success")},
)
MODAL: Fields = {**_EVERYWHERE, "input": _INPUT, "alert": _ALERT}

_BOTH: Fields = {
    "blocks": listing(by_type(HOME), 0, 100),
    "private_metadata": string(0, 3000),
    "callback_id": string(0, 255),
    "external_id": string(0, 255),
}
VIEWS = by_type(
    {
        "home": typed("home", {"blocks": _BOTH["blocks"]}, _BOTH),
        "modal": typed(
            "modal",
            {"title": plain(24), "blocks": listing(by_type(MODAL), 0, 100)},
            {
                **{name: rule for name, rule in _BOTH.items() if name != "blocks"},
                "submit": plain(24),
                "close": plain(24),
                "clear_on_close": boolean,
                "notify_on_close": boolean,
                "submit_disabled": boolean,
            },
        ),
    }
)
BLOCKS_IN_MESSAGE = listing(by_type(MESSAGE), 0, 50)
