"""Cuts a query into words."""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["string", "number", "name", "sign", "end"]
KEYWORDS = {"select", "from", "where", "and", "or", "not", "in", "as", "true", "false", "null"}
_WORD = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*'|\"[^\"]*\")|(?P<number>-?\d+(?:\.\d+)?)|(?P<escaped>\[\[[^\[\]]+\]\])"
    r"|(?P<name>[A-Za-z_$][\w$]*)|(?P<sign>!=|<>|<=|>=|[=<>.,()*\[\]]))"
)


class QueryError(Exception):
    """What is wrong with a query, in a sentence."""


@dataclass(frozen=True)
class Word:
    kind: Kind
    text: str
    at: int
    is_escaped: bool = False

    def is_keyword(self, word: str) -> bool:
        return self.kind == "name" and not self.is_escaped and self.text.lower() == word


def words_of(query: str) -> list[Word]:
    """The words with an end mark. Raises QueryError at a sign that no query has."""
    found, at = [], 0
    text = query.rstrip()
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None:
            raise QueryError(f"Unexpected input '{text[at:].strip()[:12]}' at position {at}.")
        found.append(_word(match))
        at = match.end()
    return [*found, Word("end", "", at)]


def _word(match: re.Match[str]) -> Word:
    at = match.end() - len(match[0].lstrip())
    if (text := match["string"]) is not None:
        return Word("string", text[1:-1].replace("''", "'") if text[0] == "'" else text[1:-1], at)
    if match["number"] is not None:
        return Word("number", match["number"], at)
    if match["escaped"] is not None:
        return Word("name", match["escaped"][2:-2], at, is_escaped=True)
    if match["name"] is not None:
        return Word("name", match["name"], at)
    return Word("sign", match["sign"], at)
