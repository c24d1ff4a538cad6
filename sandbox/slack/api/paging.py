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
    start = _offset(call.text("cursor"))
    limit = call.number("limit", default, 1, most)
    more = start + limit < len(items)
    return items[start : start + limit], _cursor(start + limit) if more else ""


def _cursor(offset: int) -> str:
    return base64.b64encode(f"offset:{offset}".encode()).decode()


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("offset:"))
    except (binascii.Error, ValueError):
        raise Refused("invalid_cursor") from None
