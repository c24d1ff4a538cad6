"""One thing that should stand, what is found of it, and what is left to a person."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

State = Literal["fine", "missing", "differs", "waits", "person", "failed"]


@dataclass(frozen=True)
class Todo:
    """What only a person can do: on this page, with these values."""

    title: str
    page: str
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Finding:
    """How a thing stands against how it should.

    `fine`: as it should. `missing`, `differs`: `make` puts it right, and may be repeated. `waits`: for something before
    it. `person`: `todo` says what somebody must do. `failed`: it was refused, as `words` say. `words` follow the name.
    """

    state: State
    words: str
    make: Callable[[], object] | None = None
    todo: Todo | None = None


class Step(Protocol):
    """`kind` is the heading that things like this stand below, `name` what people call this one."""

    @property
    def kind(self) -> str: ...

    @property
    def name(self) -> str: ...

    def look(self) -> Finding:
        """Reads only. Raises an AzureError."""
        ...

    def by_hand(self) -> Todo:
        """How a person does it whose rights go further."""
        ...


def fine(words: str) -> Finding:
    return Finding("fine", words)


def missing(words: str, make: Callable[[], object]) -> Finding:
    return Finding("missing", words, make)


def differs(words: str, make: Callable[[], object]) -> Finding:
    return Finding("differs", words, make)


def waits(words: str) -> Finding:
    return Finding("waits", words)


def for_a_person(words: str, todo: Todo) -> Finding:
    return Finding("person", words, todo=todo)
