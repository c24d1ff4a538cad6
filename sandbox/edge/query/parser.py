"""Reads queries and target conditions."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from sandbox.edge.query.expressions import (
    UNDEFINED,
    Among,
    Both,
    Comparison,
    Constant,
    Either,
    Expression,
    IsDefined,
    Not,
    Path,
    Twin,
)
from sandbox.edge.query.words import KEYWORDS, QueryError, Word, words_of

COMPARISONS = ("=", "!=", "<>", "<", "<=", ">", ">=")
Collection = Literal["devices", "devices.modules"]


@dataclass(frozen=True)
class Query:
    """`columns` are names with their paths, empty for `*`; `count` is the name of a lone `COUNT()`."""

    collection: Collection
    columns: tuple[tuple[str, Path], ...]
    count: str | None
    where: Expression | None

    @property
    def item_type(self) -> str:
        return "Raw" if self.columns or self.count else "Twin"

    def rows(self, twins: Iterable[Twin]) -> list[dict[str, Any]]:
        """What the query finds among the twins of its collection, in their order."""
        found = [twin for twin in twins if self.where is None or self.where.value(twin) is True]
        if self.count:
            return [{self.count: len(found)}]
        if not self.columns:
            return [dict(twin) for twin in found]
        return [
            {name: value for name, path in self.columns if (value := path.value(twin)) is not UNDEFINED}
            for twin in found
        ]


@lru_cache(maxsize=1024)
def parse_query(text: str) -> Query:
    """`SELECT * | COUNT() [AS n] | paths FROM devices | devices.modules [WHERE condition]`. Raises QueryError."""
    return _Parser(text).query()


@lru_cache(maxsize=1024)
def parse_condition(text: str) -> Expression:
    """What follows WHERE. Raises QueryError."""
    parser = _Parser(text)
    found = parser.condition()
    parser.end()
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self._words = words_of(text)
        self._at = 0

    @property
    def _word(self) -> Word:
        return self._words[self._at]

    def _next(self) -> Word:
        word = self._word
        self._at += 1
        return word

    def _takes(self, word: str) -> bool:
        """Goes past a keyword or sign where it stands next."""
        if self._word.is_keyword(word) or (self._word.kind == "sign" and self._word.text == word):
            self._at += 1
            return True
        return False

    def _needs(self, word: str) -> None:
        if not self._takes(word):
            raise self._wrong(f"'{word}'")

    def _wrong(self, expected: str) -> QueryError:
        found = self._word
        shown = f"'{found.text}'" if found.kind != "end" else "the end"
        return QueryError(f"Expected {expected} at position {found.at}, but found {shown}.")

    def end(self) -> None:
        if self._word.kind != "end":
            raise self._wrong("the end of the query")

    def query(self) -> Query:
        self._needs("select")
        columns: list[tuple[str, Path]] = []
        count = None
        if not self._takes("*"):
            if self._word.is_keyword("count"):
                count = self._count()
            else:
                columns = self._columns()
        self._needs("from")
        collection = self._collection()
        where = self.condition() if self._takes("where") else None
        self.end()
        return Query(collection, tuple(columns), count, where)

    def _count(self) -> str:
        self._next()
        self._needs("(")
        self._needs(")")
        return self._name() if self._takes("as") else "$1"

    def _columns(self) -> list[tuple[str, Path]]:
        found: list[tuple[str, Path]] = []
        while not found or self._takes(","):
            path = self._path()
            found.append((self._name() if self._takes("as") else path.parts[-1], path))
        return found

    def _collection(self) -> Collection:
        name = ".".join(self._path().parts)
        if name == "devices":
            return "devices"
        if name == "devices.modules":
            return "devices.modules"
        raise QueryError(f"'{name}' is not a collection that can be queried.")

    def condition(self) -> Expression:
        parts = [self._both()]
        while self._takes("or"):
            parts.append(self._both())
        return Either(tuple(parts)) if len(parts) > 1 else parts[0]

    def _both(self) -> Expression:
        parts = [self._negated()]
        while self._takes("and"):
            parts.append(self._negated())
        return Both(tuple(parts)) if len(parts) > 1 else parts[0]

    def _negated(self) -> Expression:
        if self._takes("not"):
            return Not(self._negated())
        if self._takes("("):
            found = self.condition()
            self._needs(")")
            return found
        if self._word.is_keyword("is_defined"):
            self._next()
            self._needs("(")
            path = self._path()
            self._needs(")")
            return IsDefined(path)
        return self._comparison()

    def _comparison(self) -> Expression:
        left = self._operand()
        if self._takes("in"):
            return Among(left, self._choices())
        sign = self._word.text
        if self._word.kind != "sign" or sign not in COMPARISONS:
            raise self._wrong("a comparison")
        self._next()
        return Comparison(sign, left, self._operand())

    def _choices(self) -> tuple[Expression, ...]:
        self._needs("[")
        found = [self._operand()]
        while self._takes(","):
            found.append(self._operand())
        self._needs("]")
        return tuple(found)

    def _operand(self) -> Expression:
        word = self._word
        if word.kind == "string":
            return Constant(self._next().text)
        if word.kind == "number":
            text = self._next().text
            return Constant(float(text) if "." in text else int(text))
        for name, value in (("true", True), ("false", False), ("null", None)):
            if self._takes(name):
                return Constant(value)
        return self._path()

    def _path(self) -> Path:
        parts = [self._name()]
        while self._takes("."):
            parts.append(self._name())
        return Path(tuple(parts))

    def _name(self) -> str:
        word = self._word
        if word.kind != "name" or (not word.is_escaped and word.text.lower() in KEYWORDS):
            raise self._wrong("a name")
        return self._next().text
