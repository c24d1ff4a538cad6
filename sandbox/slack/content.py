"""What an app may put in a message: text, blocks, attachments and metadata, all checked."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from .blocks import check_message
from .files import Files
from .refusal import Json, Refused

LONGEST_TEXT = 40_000
LONGEST_BLOCKS = 13_200  # undocumented; seen by several apps
MOST_ATTACHMENTS = 100
LARGEST_METADATA = 8_000


@dataclass
class Content:
    """None for what was left out, which is not the same as empty when a message is updated."""

    text: str | None
    blocks: list[Json] | None
    attachments: list[Json] | None
    metadata: Json | None
    truncated: bool = False

    def describe(self) -> bool:
        return bool(self.text or self.blocks or self.attachments)


def read_content(args: Json, files: Files, refused: Collection[str] = ()) -> Content:
    """:raises Refused: `invalid_blocks…`, `msg_blocks_too_long`, `too_many_attachments`, `metadata_…`"""
    text = args.get("text")
    text = None if text is None else str(text)
    blocks = _structure(args.get("blocks"), list, "invalid_blocks_format")
    attachments = _structure(args.get("attachments"), list, "invalid_attachments")
    metadata = _structure(args.get("metadata"), dict, "invalid_metadata_format")
    if blocks:
        check_message(blocks, refused)
        _check_files(blocks, files)
        if _length(blocks) > LONGEST_BLOCKS:
            raise Refused("msg_blocks_too_long")
    if attachments and len(attachments) > MOST_ATTACHMENTS:
        raise Refused("too_many_attachments")
    if metadata:
        _check_metadata(metadata)
    truncated = len(text or "") > LONGEST_TEXT
    return Content(text[:LONGEST_TEXT] if text else text, blocks, attachments, metadata, truncated)


def _check_files(blocks: list[Json], files: Files) -> None:
    """Pictures by `slack_file` must have been uploaded."""
    problems = []
    for index, block in enumerate(blocks):
        held = {"": block, "/accessory": block.get("accessory"), "/icon": block.get("icon")}
        held |= {f"/elements/{number}": element for number, element in enumerate(block.get("elements", []))}
        for where, picture in held.items():
            if (
                isinstance(picture, dict)
                and "slack_file" in picture
                and not files.named(picture["slack_file"])
            ):
                problems.append(f"invalid slack file [json-pointer:/blocks/{index}{where}/slack_file]")
    if problems:
        messages = [f"[ERROR] {problem}" for problem in problems]
        raise Refused("invalid_blocks", errors=problems, response_metadata={"messages": messages})


def _structure(value: Any, kind: type, otherwise: str) -> Any:
    if isinstance(value, str) and value:
        try:
            value = json.loads(value)
        except ValueError:
            raise Refused(otherwise) from None
    if value in (None, ""):
        return None
    if not isinstance(value, kind):
        raise Refused(otherwise)
    return value


def _length(value: Any) -> int:
    """Characters that people would read in these blocks."""
    if isinstance(value, dict):
        if value.get("type") in ("table", "data_table"):
            return 0  # these have limits of their own
        own = len(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(_length(inside) for inside in value.values())
    return sum(map(_length, value)) if isinstance(value, list) else 0


def _check_metadata(metadata: Json) -> None:
    if not isinstance(metadata.get("event_type"), str) or not isinstance(metadata.get("event_payload"), dict):
        raise Refused("invalid_metadata_format")
    if len(json.dumps(metadata)) > LARGEST_METADATA:
        raise Refused("metadata_too_large")
