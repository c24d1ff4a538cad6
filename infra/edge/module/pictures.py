"""The pictures of a request: as they are, or as Azure ML's online scoring takes them."""

from __future__ import annotations

import base64
import binascii
import io
import json
import warnings
from typing import Any

from PIL import Image

SHAPE = '{"input_data": {"columns": ["image"], "data": ["<base64 of a picture>"]}}'
MOST_PICTURES = 32


class BadPicture(Exception):
    """The request cannot be scored. `code` is for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def pictures_of(body: bytes, content_type: str) -> list[bytes]:
    """The encoded pictures of a request, each known to decode. Raises BadPicture."""
    pictures = _from_json(body) if "json" in content_type else [body]
    for number, picture in enumerate(pictures, 1):
        which = f"Picture {number}" if len(pictures) > 1 else "The picture"
        _check(picture, which)
    return pictures


def _from_json(body: bytes) -> list[bytes]:
    try:
        asked: Any = json.loads(body)
        rows = asked["input_data"]["data"]
        if asked["input_data"]["columns"] != ["image"] or not isinstance(rows, list):
            raise ValueError
        encoded = [row[0] if isinstance(row, list) else row for row in rows]
        pictures = [base64.b64decode(each, validate=True) for each in encoded]
    except (ValueError, KeyError, TypeError, IndexError, binascii.Error) as fault:
        raise BadPicture("BadRequest", f"Send a picture, or JSON like {SHAPE}.") from fault
    if not 0 < len(pictures) <= MOST_PICTURES:
        raise BadPicture("BadRequest", f"Send 1 to {MOST_PICTURES} pictures at a time, not {len(pictures)}.")
    return pictures


def _check(picture: bytes, which: str) -> None:
    """A scoring file may pass over what it cannot read; here that must never look like a picture without detections."""
    if not picture:
        raise BadPicture(
            "EmptyPicture", f"{which} is empty (0 bytes): the camera or the way from it lost it."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(picture)) as opened:
                opened.load()
    except Exception as fault:  # Pillow's readers raise whatever a broken file makes them raise
        raise BadPicture(
            "UnreadablePicture",
            f"{which} ({len(picture)} bytes) cannot be read: it is damaged, cut off, or no JPEG or PNG.",
        ) from fault
