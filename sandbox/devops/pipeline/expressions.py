"""Azure Pipelines' expressions: `eq(variables['Build.Reason'], 'Manual')`, `parameters.name`, `succeeded()`."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[\w-]+)|(?P<mark>[()\[\],.]))"
)
Function = Callable[[Sequence[Any]], Any]
OF_STATUS = ("always", "canceled", "failed", "succeeded", "succeededOrFailed")
"""Functions of conditions: how what ran before has ended."""


class ExpressionError(Exception):
    """The expression cannot be read, or asks for something that is not there."""


@dataclass
class Names:
    """What an expression may speak of. Names of contexts and functions are found in any case."""

    contexts: Mapping[str, Mapping[str, Any]]
    functions: Mapping[str, Function]


def evaluate(text: str, names: Names) -> Any:
    """A string, bool, number, None, list or dict."""
    reader = _Reader(text, names)
    value = reader.value()
    reader.end()
    return value


def truth(value: Any) -> bool:
    return value not in (None, False, 0, "")


def spelled(value: Any) -> str:
    """A value as text: `True`, `False`, an empty text for nothing."""
    if isinstance(value, (list, dict)):
        kind = "Array" if isinstance(value, list) else "Object"
        raise ExpressionError(f"Unable to convert from {kind} to String. Value: {kind}")
    return "" if value is None else str(value)


class _Reader:
    def __init__(self, text: str, names: Names) -> None:
        self._text = text.strip()
        self._at = 0
        self._names = names

    def _next(self) -> re.Match[str]:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            raise ExpressionError(
                f"Unexpected symbol: '{self._text[self._at :]}'. In expression: {self._text}"
            )
        self._at = match.end()
        return match

    def _takes(self, mark: str) -> bool:
        match = _TOKEN.match(self._text, self._at)
        if match is None or match["mark"] != mark:
            return False
        self._at = match.end()
        return True

    def end(self) -> None:
        if self._text[self._at :].strip():
            raise ExpressionError(
                f"Unexpected symbol: '{self._text[self._at :]}'. In expression: {self._text}"
            )

    def value(self) -> Any:
        token = self._next()
        if token["text"] is not None:
            return token["text"][1:-1].replace("''", "'")
        if token["number"] is not None:
            return float(token["number"]) if "." in token["number"] else int(token["number"])
        if token["name"] is None:
            raise ExpressionError(f"Unexpected symbol: '{token['mark']}'. In expression: {self._text}")
        return self._named(token["name"])

    def _named(self, name: str) -> Any:
        if self._takes("("):
            arguments = self._arguments()
            function = _in_any_case({**PLAIN, **self._names.functions}, name)
            if function is None:
                raise ExpressionError(f"Unrecognized value: '{name}'. In expression: {self._text}")
            return function(arguments)
        if name.lower() in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[name.lower()]
        context = _in_any_case(self._names.contexts, name)
        if context is None:
            raise ExpressionError(f"Unrecognized value: '{name}'. In expression: {self._text}")
        return self._below(context)

    def _arguments(self) -> list[Any]:
        found: list[Any] = []
        while not self._takes(")"):
            if found and not self._takes(","):
                raise ExpressionError(f"Expected a comma. In expression: {self._text}")
            found.append(self.value())
        return found

    def _below(self, value: Any) -> Any:
        while True:
            if self._takes("."):
                key: Any = self._next()[0].strip()
            elif self._takes("["):
                key = self.value()
                if not self._takes("]"):
                    raise ExpressionError(f"Expected ']'. In expression: {self._text}")
            else:
                return value
            value = _in_any_case(value, str(key)) if isinstance(value, Mapping) else None


def _in_any_case(mapping: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in mapping.items() if key.lower() == name.lower()), None)


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return str(left).lower() == str(right).lower()
    return spelled(left).lower() == spelled(right).lower()


PLAIN: dict[str, Function] = {
    "eq": lambda given: _same(given[0], given[1]),
    "ne": lambda given: not _same(given[0], given[1]),
    "and": lambda given: all(map(truth, given)),
    "or": lambda given: any(map(truth, given)),
    "not": lambda given: not truth(given[0]),
    "in": lambda given: any(_same(given[0], other) for other in given[1:]),
    "notin": lambda given: not any(_same(given[0], other) for other in given[1:]),
    "startswith": lambda given: spelled(given[0]).lower().startswith(spelled(given[1]).lower()),
    "endswith": lambda given: spelled(given[0]).lower().endswith(spelled(given[1]).lower()),
    "contains": lambda given: spelled(given[1]).lower() in spelled(given[0]).lower(),
    "coalesce": lambda given: next((value for value in given if value not in (None, "")), None),
    "lower": lambda given: spelled(given[0]).lower(),
    "upper": lambda given: spelled(given[0]).upper(),
    "format": lambda given: re.sub(r"\{(\d+)\}", lambda m: spelled(given[int(m[1]) + 1]), spelled(given[0])),
}
