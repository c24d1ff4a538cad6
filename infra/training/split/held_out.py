"""Which pictures no model learns from, so that versions trained on different exports can be measured alike.

Needs nothing but Python 3.10.
"""

import hashlib
from collections.abc import Sequence

SHARE = 0.2
ANNOTATIONS = "annotations.jsonl"
PICTURE, BOXES = "image_url", "label"
RULE = f"sha256 of datastore/path, first {SHARE:.0%}"


def place_of(name: str) -> float:
    """Where in 0…1 a picture stands by its name alone, the same in every export."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64


def held_out(names: Sequence[str], with_boxes: Sequence[bool]) -> set[int]:
    """Places of the pictures to hold out: those that stand within `SHARE`.

    Where none of them has a box, the first that has one comes along, for nothing could be measured without.
    """
    stands = [place_of(name) for name in names]
    held = {number for number, at in enumerate(stands) if at < SHARE}
    if not any(with_boxes[number] for number in held):
        candidates = [number for number, boxes in enumerate(with_boxes) if boxes]
        held |= {min(candidates, key=stands.__getitem__)} if candidates else set()
    return held
