"""Checks whole messages and views, then fills in what Slack fills in."""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from ..refusal import Json, Refused, invalid_arguments
from ..workspace import random_id
from .charts import DATA_TABLE_CHARACTERS, TABLE_CHARACTERS, cell_characters
from .composition import OPTION, OPTION_GROUP
from .elements import INTERACTIVE
from .kinds import BLOCKS_IN_MESSAGE, VIEWS
from .rules import at, exactly_one, listing, shape

_SUGGESTIONS = shape(
    {},
    {"options": listing(OPTION, 0, 100), "option_groups": listing(OPTION_GROUP, 0, 100)},
    exactly_one("options", "option_groups"),
)
_MOST_PER_MESSAGE = {"table": 1, "data_visualization": 2}


def check_message(blocks: list[Json], refused: Collection[str] = ()) -> None:
    """Fills in ids and defaults in place. Kinds of blocks that are `refused` are as unknown as any invented one.

    :raises Refused: `invalid_blocks` with `errors` and `response_metadata.messages`
    """
    problems = list(BLOCKS_IN_MESSAGE(blocks, "/blocks"))
    problems += [
        at(f"unsupported type: {block['type']}", f"/blocks/{place}/type")
        for place, block in enumerate(blocks)
        if isinstance(block, dict) and block.get("type") in refused
    ]
    problems = problems or [*_message_limits(blocks), *_duplicates(blocks, "/blocks")]
    if problems:
        messages = [f"[ERROR] {problem}" for problem in problems]
        raise Refused("invalid_blocks", errors=problems, response_metadata={"messages": messages})
    _fill(blocks)


def check_view(view: Any) -> None:
    """Fills in ids and defaults in place.

    :raises Refused: `invalid_arguments` with `response_metadata.messages`
    """
    problems = list(VIEWS(view, "/view"))
    problems = problems or [*_modal_rules(view), *_duplicates(view["blocks"], "/view/blocks")]
    if problems:
        raise invalid_arguments(*problems)
    _fill(view["blocks"])
    for name in ("title", "submit", "close"):
        _fill_object(view.get(name))


def valid_options(answer: Json) -> bool:
    return not list(_SUGGESTIONS(answer, ""))


def _message_limits(blocks: list[Json]) -> Iterator[str]:
    counts = Counter(block["type"] for block in blocks)
    for kind, most in _MOST_PER_MESSAGE.items():
        if counts[kind] > most:
            yield at(f"no more than {most} `{kind}` blocks allowed", "/blocks")
    if counts["plan"] and counts["task_card"]:
        yield at("must not define both `plan` and `task_card` blocks", "/blocks")
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > 12_000:
        yield at("must be less than 12001 characters over all `markdown` blocks", "/blocks")
    for kind, characters in (("table", TABLE_CHARACTERS), ("data_table", DATA_TABLE_CHARACTERS)):
        if sum(cell_characters(block) for block in blocks if block["type"] == kind) > characters:
            yield at(f"must be less than {characters + 1} characters over all cells", "/blocks")


def _modal_rules(view: Json) -> Iterator[str]:
    focused = []
    for index, block in enumerate(view["blocks"]):
        if view["type"] == "modal" and block["type"] == "input" and "submit" not in view:
            yield at("must define `submit` to use an `input` block in modals", f"/view/blocks/{index}/input")
        focused += [element for element in _parts(block) if element.get("focus_on_load")]
    if len(focused) > 1:
        yield at("only one element may have `focus_on_load`", "/view/blocks")


def _duplicates(blocks: list[Json], pointer: str) -> Iterator[str]:
    """A block_id is unique in its message or view, an action_id in its block."""
    seen = set()
    for index, block in enumerate(blocks):
        block_id = block.get("block_id")
        if block_id in seen:
            yield at(f'`block_id` "{block_id}" already exists', f"{pointer}/{index}/block_id")
        seen |= {block_id} if block_id else set()
        actions = set()
        for number, element in enumerate(block.get("elements", [])):
            action_id = element.get("action_id")
            if action_id in actions:
                where = f"{pointer}/{index}/elements/{number}/action_id"
                yield at(f'`action_id` "{action_id}" already exists', where)
            actions |= {action_id} if action_id else set()


def _parts(block: Json) -> list[Json]:
    """The elements of a block, with or without action_id."""
    inside = [block.get("element"), block.get("accessory"), *block.get("elements", [])]
    return [part for part in inside if isinstance(part, dict)]


def _fill(blocks: list[Json]) -> None:
    """Gives every block and interactive element an id, and text objects their defaults."""
    for block in blocks:
        block["block_id"] = block.get("block_id") or random_id()
        _fill(block.get("child_blocks", []))
        if block["type"] == "carousel":
            _fill(block["elements"])
        _fill_object(block)


def _fill_object(value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _fill_object(item)
    if not isinstance(value, dict):
        return
    kind = value.get("type")
    if kind == "plain_text":
        value.setdefault("emoji", True)
    elif kind == "mrkdwn":
        value.setdefault("verbatim", False)
    elif kind in INTERACTIVE:
        value.setdefault("action_id", random_id())
    for inside in value.values():
        _fill_object(inside)
