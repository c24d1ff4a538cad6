"""Answers that no documentation has: fields that are missing, of another type, huge, or of words nobody knows."""

import copy
import json
import random
from typing import Any

JUNK: list[Any] = [
    None,
    "",
    "NeverHeardOf",
    "x" * 20_000,
    "<!channel> <https://evil.example|click> *bold*",
    "\ud800",
    "a\0b",
    "../../..",
    "https://[",
    "PT" + "9" * 5000 + "S",
    "0001-01-01T00:00:00+14:00",
    True,
    -1,
    0,
    10**40,
    2**31,
    1e308,
    float("inf"),
    float("nan"),
    [],
    {},
    [None],
    ["x"],
    [[]],
    {"value": None},
    {"properties": []},
]
NO_JSON = [
    b"",
    b"<html>Sign in</html>",
    b"{",
    b"\xff\xfe",
    b"[" * 100_000,
    b"null",
    b"7",
    b'"text"',
    b"[]",
    b"{}",
]
TROUBLE = [429, 500, 502, 503, 504]
_TOKENS = ["", "NeverHeardOf", "\xff", "%00&top=0", "x" * 9000]
HEADERS = {
    "Retry-After": ["inf", "nan", "-1", "soon", "", "999999", "Fri, 31 Dec 9999 23:59:59 GMT"],
    "Content-Type": ["", "text/html", "application/json; charset=none", "\xff/\xff"],
    "x-ms-continuationtoken": _TOKENS,
    "x-ms-continuation": _TOKENS,
}


def garbled(content: bytes, chance: random.Random) -> tuple[int | None, bytes]:
    """Another status, or none, and another body."""
    what = chance.random()
    if what < 0.03:
        return chance.choice(TROUBLE), chance.choice(NO_JSON)
    if what < 0.2:
        return None, chance.choice(NO_JSON)
    try:
        told = json.loads(content)
    except ValueError:
        return None, content[: chance.randrange(len(content) + 1)]
    for _ in range(chance.choice((1, 1, 2, 5))):
        told = _changed(told, chance)
    return None, json.dumps(told).encode()


def odd_headers(chance: random.Random, *, often: bool) -> dict[str, str]:
    share = 0.5 if often else 0.05
    return {name: chance.choice(odd) for name, odd in HEADERS.items() if chance.random() < share}


def _changed(told: Any, chance: random.Random) -> Any:
    """With one thing in it that is something else, or not there, or there twice."""
    told = copy.deepcopy(told)
    inside = list(_inside(told))
    if not inside:
        return chance.choice(JUNK)
    container, key = chance.choice(inside)
    how = chance.random()
    if how < 0.2:
        del container[key]
    elif how < 0.3 and isinstance(container, list):
        container.append(copy.deepcopy(container[key]))
    else:
        container[key] = chance.choice(JUNK)
    return told


def _inside(told: Any) -> Any:
    """Every place in it."""
    entries = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    for key, inner in list(entries):
        yield told, key
        yield from _inside(inner)
