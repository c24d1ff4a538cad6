"""Conditions over a twin. What a twin does not have is undefined, and so is whatever is said about it."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class _Undefined:
    def __repr__(self) -> str:
        return "undefined"


UNDEFINED = _Undefined()
Twin = Mapping[str, Any]
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Expression(Protocol):
    def value(self, twin: Twin) -> Any: ...

    def paths(self) -> list[tuple[str, ...]]:
        """Every property that is read."""
        ...


@dataclass(frozen=True)
class Constant:
    given: Any

    def value(self, twin: Twin) -> Any:
        return self.given

    def paths(self) -> list[tuple[str, ...]]:
        return []


@dataclass(frozen=True)
class Path:
    parts: tuple[str, ...]

    def value(self, twin: Twin) -> Any:
        found: Any = twin
        for part in self.parts:
            if not isinstance(found, Mapping) or part not in found:
                return UNDEFINED
            found = found[part]
        return found

    def paths(self) -> list[tuple[str, ...]]:
        return [self.parts]


@dataclass(frozen=True)
class Comparison:
    sign: str
    left: Expression
    right: Expression

    def value(self, twin: Twin) -> Any:
        left, right = self.left.value(twin), self.right.value(twin)
        if left is UNDEFINED or right is UNDEFINED:
            return UNDEFINED
        alike = _kind(left) == _kind(right)
        if self.sign == "=":
            return alike and left == right
        if self.sign in ("!=", "<>"):
            return not alike or left != right
        if not alike or isinstance(left, bool | Mapping | list | None):
            return UNDEFINED
        return _ORDER[self.sign](left, right)

    def paths(self) -> list[tuple[str, ...]]:
        return [*self.left.paths(), *self.right.paths()]


@dataclass(frozen=True)
class Among:
    left: Expression
    choices: tuple[Expression, ...]

    def value(self, twin: Twin) -> Any:
        return _any([Comparison("=", self.left, choice).value(twin) for choice in self.choices])

    def paths(self) -> list[tuple[str, ...]]:
        return [*self.left.paths(), *(path for choice in self.choices for path in choice.paths())]


@dataclass(frozen=True)
class Not:
    inner: Expression

    def value(self, twin: Twin) -> Any:
        found = self.inner.value(twin)
        return not found if isinstance(found, bool) else UNDEFINED

    def paths(self) -> list[tuple[str, ...]]:
        return self.inner.paths()


@dataclass(frozen=True)
class Both:
    parts: tuple[Expression, ...]

    def value(self, twin: Twin) -> Any:
        found = [part.value(twin) for part in self.parts]
        if False in [entry for entry in found if isinstance(entry, bool)]:
            return False
        return True if all(entry is True for entry in found) else UNDEFINED

    def paths(self) -> list[tuple[str, ...]]:
        return [path for part in self.parts for path in part.paths()]


@dataclass(frozen=True)
class Either:
    parts: tuple[Expression, ...]

    def value(self, twin: Twin) -> Any:
        return _any([part.value(twin) for part in self.parts])

    def paths(self) -> list[tuple[str, ...]]:
        return [path for part in self.parts for path in part.paths()]


@dataclass(frozen=True)
class IsDefined:
    path: Path

    def value(self, twin: Twin) -> Any:
        return self.path.value(twin) is not UNDEFINED

    def paths(self) -> list[tuple[str, ...]]:
        return self.path.paths()


def _any(found: list[Any]) -> Any:
    if any(entry is True for entry in found):
        return True
    return False if all(entry is False for entry in found) else UNDEFINED


def _kind(value: Any) -> str:
    """Numbers are of one kind; everything else compares with its own kind only."""
    if isinstance(value, bool):
        return "bool"
    return "number" if isinstance(value, int | float) else type(value).__name__
