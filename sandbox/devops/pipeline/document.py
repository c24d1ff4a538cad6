"""YAML with the place of every value, so that a refusal can name its line."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode


class PipelineRefused(Exception):
    """What is wrong, worded as Azure Pipelines does: `/file.yml (Line: L, Col: C): message`."""


class Document:
    """One YAML file of a branch."""

    def __init__(self, path: str, text: str) -> None:
        self.path = "/" + path.lstrip("/")
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as broken:
            mark = broken.problem_mark
            place = f" (Line: {mark.line + 1}, Col: {mark.column + 1})" if mark else ""
            raise PipelineRefused(f"{self.path}{place}: {broken.problem}") from None
        if root is None:
            raise PipelineRefused(f"{self.path}: A mapping was expected; the file is empty.")
        self.root: Node = root

    def refuse(self, node: Node, message: str) -> PipelineRefused:
        mark = node.start_mark
        return PipelineRefused(f"{self.path} (Line: {mark.line + 1}, Col: {mark.column + 1}): {message}")

    def unserved(self, node: Node, what: str) -> PipelineRefused:
        return self.refuse(node, f"The sandbox does not serve {what}; Azure Pipelines may.")

    def entries(self, node: Node) -> Iterator[tuple[str, Node, Node]]:
        """Key, its node and the value's node."""
        if not isinstance(node, MappingNode):
            raise self.refuse(node, "A mapping was expected.")
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise self.refuse(key, "A text was expected as the key.")
            if key.value.lstrip().startswith("${{"):
                raise self.unserved(key, f"'{key.value}' as a key")
            yield key.value, key, value

    def mapping(
        self, node: Node, known: set[str], unserved: Mapping[str, str] | None = None
    ) -> dict[str, Node]:
        """The values by key; a key that is not among `known` is refused."""
        found: dict[str, Node] = {}
        for key, place, value in self.entries(node):
            if unserved and key in unserved and key not in known:
                raise self.unserved(place, f"'{key}' ({unserved[key]})")
            if key not in known:
                raise self.refuse(place, f"Unexpected value '{key}'")
            if key in found:
                raise self.refuse(place, f"'{key}' is already defined")
            found[key] = value
        return found

    def items(self, node: Node) -> list[Node]:
        if not isinstance(node, SequenceNode):
            raise self.refuse(node, "A sequence was expected.")
        return list(node.value)

    def text(self, node: Node) -> str:
        if not isinstance(node, ScalarNode):
            raise self.refuse(node, "A text was expected.")
        return str(node.value)

    def texts(self, node: Node) -> list[str]:
        """One text or a list of them."""
        if isinstance(node, ScalarNode):
            return [node.value] if node.value else []
        return [self.text(item) for item in self.items(node)]

    def whole(self, node: Node) -> int:
        text = self.text(node)
        if not text.isdigit():
            raise self.refuse(node, f"Expected a whole number. Value: '{text}'")
        return int(text)

    def truth(self, node: Node) -> bool:
        text = self.text(node).lower()
        if text not in ("true", "false"):
            raise self.refuse(node, f"Expected a boolean. Value: '{text}'")
        return text == "true"

    def plain(self, node: Node) -> Any:
        """Texts, lists and mappings, without the places."""
        if isinstance(node, SequenceNode):
            return [self.plain(item) for item in node.value]
        if isinstance(node, MappingNode):
            return {key: self.plain(value) for key, _, value in self.entries(node)}
        return self.text(node)
