"""Small rules from which Block Kit's are built. A rule yields what is wrong, in Slack's own words.

Each problem ends with a JSON pointer, as in `must be less than 151 characters [json-pointer:/blocks/0/text/text]`.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

Rule = Callable[[Any, str], Iterator[str]]
Fields = dict[str, Rule]


def at(problem: str, pointer: str) -> str:
    return f"{problem} [json-pointer:{pointer}]"


def string(least: int = 0, most: int | None = None, pattern: str | None = None) -> Rule:
    """A string of `least` to `most` characters."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield at("must provide a string", pointer)
        elif len(value) < least:
            yield at(f"must be more than {least - 1} characters", pointer)
        elif most is not None and len(value) > most:
            yield at(f"must be less than {most + 1} characters", pointer)
        elif pattern and not re.fullmatch(pattern, value):
            yield at("must match the pattern", pointer)

    return check


def one_of(*values: str) -> Rule:
    def check(value: Any, pointer: str) -> Iterator[str]:
        if value not in values:
            yield at("must be a valid enum value", pointer)

    return check


def boolean(value: Any, pointer: str) -> Iterator[str]:
    if not isinstance(value, bool):
        yield at("must provide a boolean", pointer)


def number(value: Any, pointer: str) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        yield at("must provide a number", pointer)


def positive(value: Any, pointer: str) -> Iterator[str]:
    yield from number(value, pointer)
    if isinstance(value, (int, float)) and value <= 0:
        yield at("must be greater than 0", pointer)


def integer(least: int, most: int) -> Rule:
    def check(value: Any, pointer: str) -> Iterator[str]:
        if isinstance(value, bool) or not isinstance(value, int):
            yield at("must provide an integer", pointer)
        elif not least <= value <= most:
            yield at(f"must be between {least} and {most}", pointer)

    return check


def listing(item: Rule, least: int = 0, most: int | None = None) -> Rule:
    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield at("must provide an array", pointer)
            return
        if len(value) < least:
            yield at(f"must provide at least {least} items", pointer)
        if most is not None and len(value) > most:
            yield at(f"no more than {most} items allowed", pointer)
        for index, entry in enumerate(value):
            yield from item(entry, f"{pointer}/{index}")

    return check


def nullable(rule: Rule) -> Rule:
    def check(value: Any, pointer: str) -> Iterator[str]:
        if value is not None:
            yield from rule(value, pointer)

    return check


def shape(required: Fields, optional: Fields | None = None, *further: Rule) -> Rule:
    """An object with these fields and no others; `further` rules see it once its fields are right."""
    known = required | (optional or {})

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield at("must provide an object", pointer)
            return
        problems = [at(f"missing required field: {name}", pointer) for name in required if name not in value]
        for name, inside in value.items():
            if name not in known:
                problems.append(at(f"invalid additional property: {name}", pointer))
            else:
                problems += known[name](inside, f"{pointer}/{name}")
        yield from problems
        if not problems:
            for rule in further:
                yield from rule(value, pointer)

    return check


def by_type(kinds: Fields) -> Rule:
    """An object whose `type` decides which rule it follows."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield at("must provide an object", pointer)
        elif "type" not in value:
            yield at("missing required field: type", pointer)
        elif value["type"] not in kinds:
            yield at(f"unsupported type: {value['type']}", f"{pointer}/type")
        else:
            yield from kinds[value["type"]](value, pointer)

    return check


def typed(kind: str, required: Fields, optional: Fields | None = None, *further: Rule) -> Rule:
    """`shape` with its `type` field."""
    return shape({"type": one_of(kind)} | required, optional, *further)


def exactly_one(*names: str) -> Rule:
    def check(value: Any, pointer: str) -> Iterator[str]:
        if sum(name in value for name in names) != 1:
            listed = " or ".join(f"`{name}`" for name in names)
            yield at(f"must define either {listed}", pointer)

    return check


def at_least_one(*names: str) -> Rule:
    def check(value: Any, pointer: str) -> Iterator[str]:
        if not any(name in value for name in names):
            listed = " or ".join(f"`{name}`" for name in names)
            yield at(f"must define either {listed}", f"{pointer}/type")

    return check
