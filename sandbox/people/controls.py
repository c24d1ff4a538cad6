"""Finding what a person can press or fill in by what is written on it."""

from collections.abc import Iterator
from dataclasses import dataclass

from .plain import Reader
from .wire import Json, RefusedError


@dataclass(frozen=True)
class Control:
    """An element with the block around it and the words on it; `option` for an item of an overflow menu."""

    block: Json
    element: Json
    label: str
    option: Json | None = None

    @property
    def action_id(self) -> str:
        return str(self.element["action_id"])

    @property
    def block_id(self) -> str:
        return str(self.block["block_id"])


def controls(blocks: list[Json], reader: Reader) -> Iterator[Control]:
    """In reading order. A select outside an input goes by its placeholder."""
    for block in blocks:
        yield from controls(block.get("child_blocks", []), reader)
        if block["type"] == "carousel":
            yield from controls(block["elements"], reader)
            continue
        for element in _elements(block):
            if element["type"] == "overflow":
                for option in element["options"]:
                    yield Control(block, element, reader.text(option["text"]), option)
            elif block["type"] == "input":
                yield Control(block, element, reader.text(block["label"]))
            else:
                named = element.get("text") or element.get("placeholder")
                yield Control(block, element, reader.text(named) if named else element["action_id"])


def named(blocks: list[Json], reader: Reader, label: str) -> Control:
    """:raises RefusedError: when nothing is labelled so, with the labels that are there"""
    found = list(controls(blocks, reader))
    for control in found:
        if control.label == label:
            return control
    there = ", ".join(f"“{control.label}”" for control in found) or "nothing to press"
    raise RefusedError(f"there is no “{label}”, only {there}")


def _elements(block: Json) -> list[Json]:
    inside = [
        block.get("element"),
        block.get("accessory"),
        *block.get("elements", []),
        *block.get("actions", []),
    ]
    return [element for element in inside if isinstance(element, dict) and "action_id" in element]
