"""Cursor paging: an opaque cursor, empty at the end."""

import base64
import binascii
from typing import TypeVar

from ..refusal import Refused
from .call import Call

Item = TypeVar("Item")


def page(items: list[Item], call: Call, *, default: int, most: int = 1000) -> tuple[list[Item], str]:
    """This page of `items` and the cursor of the next.

    :raises Refused: `invalid_cursor`, `invalid_limit`
    """
    cursor = call.text("cursor")
    place = decode_cursor(cursor, "offset:") if cursor else "0"
    if not place.isdigit():
        raise Refused("invalid_cursor")
    start = int(place)
    limit = call.number("limit", default, 1, most)
    more = start + limit < len(items)
    return items[start : start + limit], encode_cursor("offset:", str(start + limit)) if more else ""


def encode_cursor(kind: str, place: str) -> str:
    return base64.b64encode(f"{kind}{place}".encode()).decode()


def decode_cursor(cursor: str, kind: str) -> str:
    """:raises Refused: `invalid_cursor`"""
    try:
        text = base64.b64decode(cursor, validate=True).decode()
    except (binascii.Error, ValueError):
        raise Refused("invalid_cursor") from None
    if not text.startswith(kind):
        raise Refused("invalid_cursor")
    return text.removeprefix(kind)
