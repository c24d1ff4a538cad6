"""Block Kit: small builders that keep to Slack's limits whatever text they are given, and the message they make."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from commands.kit.words import esc, shorten, unmarked

Block = dict[str, Any]
Element = dict[str, Any]

MAX_BLOCKS = 50
MAX_HEADER, MAX_SECTION, MAX_FIELD, MAX_CONTEXT = 150, 3000, 2000, 2000
MAX_BUTTON, MAX_OPTION, MAX_VALUE = 75, 75, 150
MAX_TEXT, MAX_ID = 4000, 255
MAX_ALT = 2000
PICTURE = "picture:"


@dataclass(frozen=True)
class Message:
    """What a message says.

    `text` is the verdict in words without markup, outside text escaped (push notifications, screen readers);
    `blocks` are the full form; `drawn` is the picture of its chart.
    """

    text: str
    blocks: Sequence[Block]
    drawn: Block | None = None

    def content(self) -> dict[str, Any]:
        """`drawn` is the full form with a picture in place of its chart, `plain` the one without any block that some
        workspaces refuse, if there are such."""
        blocks = list(self.blocks[:MAX_BLOCKS])
        plain = [_in_words(block) for block in blocks]
        content: dict[str, Any] = {"text": shorten(self.text, MAX_TEXT), "blocks": blocks}
        if self.drawn:
            content["drawn"] = [
                self.drawn if block["type"] == "data_visualization" else block for block in blocks
            ]
        return {**content, "plain": plain} if plain != blocks else content


def note(text: str) -> Message:
    """A message of one paragraph, in mrkdwn that the caller has escaped."""
    return Message(unmarked(text), [section(text)])


def plain(text: str, limit: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": shorten(text, limit) or " ", "emoji": True}


def header(text: str) -> Block:
    return {"type": "header", "text": plain(text, MAX_HEADER)}


def section(text: str, accessory: Element | None = None) -> Block:
    """A paragraph, with at most one button or select beside it."""
    block: Block = {"type": "section", "text": {"type": "mrkdwn", "text": shorten(text, MAX_SECTION) or " "}}
    if accessory is None:
        return block
    block_id = f"{accessory['action_id']}:{accessory.get('value', '')}"
    return {**block, "block_id": shorten(block_id, MAX_ID), "accessory": accessory}


def fields(pairs: Sequence[tuple[str, str]]) -> Block:
    """At most eight short label and value pairs, two across."""
    shown = [
        {"type": "mrkdwn", "text": shorten(f"*{label}*\n{value}", MAX_FIELD)} for label, value in pairs[:8]
    ]
    return {"type": "section", "fields": shown}


def context(*texts: str) -> Block:
    shown = [{"type": "mrkdwn", "text": shorten(text, MAX_CONTEXT)} for text in texts[:10] if text]
    return {"type": "context", "elements": shown}


def picture(digest: str, alt_text: str, title: str) -> Block:
    """A picture that the store keeps; the courier uploads it and puts Slack's file in its place."""
    return {
        "type": "image",
        "slack_file": {"id": f"{PICTURE}{digest}"},
        "alt_text": shorten(alt_text, MAX_ALT) or " ",
        "title": plain(title, MAX_ALT),
    }


def divider() -> Block:
    return {"type": "divider"}


def actions(*elements: Element | None) -> Block:
    """The row of buttons of a message. Its id stays the same when the message is updated, so that a click on the
    row that a person sees still finds its button."""
    return {
        "type": "actions",
        "block_id": "actions",
        "elements": [element for element in elements if element][:25],
    }


def button(
    label: str,
    action: str,
    value: str = "",
    *,
    style: str | None = None,
    confirm: Element | None = None,
) -> Element:
    """A button that calls a declared action (its `id`) with a value."""
    element: Element = {"type": "button", "action_id": action, "text": plain(label, MAX_BUTTON)}
    if value:
        element["value"] = value
    if style:
        element["style"] = style
    if confirm:
        element["confirm"] = confirm
    return element


def link(label: str, url: str, action: str) -> Element:
    """A button that opens a page; Slack still reports the click, under `action`."""
    return {"type": "button", "action_id": action, "text": plain(label, MAX_BUTTON), "url": url}


def confirm(title: str, text: str, yes: str, no: str, *, style: str = "danger") -> Element:
    """A question before a button does its work; danger is for what removes or stops something."""
    return {
        "title": plain(title, 100),
        "text": plain(text, 300),
        "confirm": plain(yes, 30),
        "deny": plain(no, 30),
        "style": style,
    }


def table(rows: Sequence[Sequence[str]], *, numbers_from: int = 1) -> Block:
    """A table whose first row is the header; columns from `numbers_from` on are aligned right."""
    cells = [[{"type": "raw_text", "text": cell or "–"} for cell in row[:20]] for row in rows[:100]]
    width = len(cells[0]) if cells else 0
    settings = [{"align": "right" if column >= numbers_from else "left"} for column in range(width)]
    return {"type": "table", "rows": cells, "column_settings": settings}


def select(placeholder: str, action: str, options: Sequence[Element]) -> Element:
    """A menu of at most 100 options; choosing one calls a declared action with its value."""
    return {
        "type": "static_select",
        "action_id": action,
        "placeholder": plain(placeholder, MAX_VALUE),
        "options": list(options[:100]),
    }


def option(value: str, label: str, note: str = "") -> Element:
    shown: Element = {"text": plain(label, MAX_OPTION), "value": shorten(value, MAX_VALUE)}
    if note:
        shown["description"] = plain(note, MAX_OPTION)
    return shown


def _in_words(block: Block) -> Block:
    """A table, a chart or a picture as every workspace shows it."""
    if block["type"] == "table":
        rows = [[str(cell["text"]) for cell in row] for row in block["rows"]]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return section(f"```\n{shorten(esc(chr(10).join(lines)), MAX_SECTION - 8)}\n```")
    if block["type"] == "image":
        return context(esc(block["alt_text"]))
    if block["type"] == "data_visualization":
        series = block["chart"]["series"][0]
        points = ", ".join(f"{point['label']} {point['value']}" for point in series["data"])
        return context(esc(f"{block['title']}. {series['name']}: {points}"))
    return block
