"""What a check is, and what it may find."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "problem", "unknown", "skipped"]


@dataclass(frozen=True)
class Verdict:
    """What was seen, in a sentence or two, and what to do about it.

    `unknown` is what could not be looked at; `skipped` is what there was no reason, or no way, to look at.
    """

    state: State
    seen: str
    remedy: str = ""


def ok(seen: str) -> Verdict:
    return Verdict("ok", seen)


def warning(seen: str, remedy: str) -> Verdict:
    return Verdict("warning", seen, remedy)


def problem(seen: str, remedy: str) -> Verdict:
    return Verdict("problem", seen, remedy)


def unknown(seen: str, remedy: str) -> Verdict:
    return Verdict("unknown", seen, remedy)


def skipped(seen: str, remedy: str = "") -> Verdict:
    return Verdict("skipped", seen, remedy)


@dataclass(frozen=True)
class Check:
    """One thing to look at. `key` never changes; `needs` is the key of an earlier one that must have gone well.

    `look` may raise what its service's `explain` knows.
    """

    key: str
    name: str
    look: Callable[[], Verdict]
    needs: str = ""


@dataclass(frozen=True)
class Service:
    """Checks that belong together, and what an exception of theirs means."""

    key: str
    title: str
    checks: Sequence[Check]
    explain: Callable[[Exception], Verdict | None] = lambda _fault: None


@dataclass(frozen=True)
class Finding:
    service: str
    key: str
    name: str
    verdict: Verdict

    @property
    def id(self) -> str:
        return f"{self.service}.{self.key}"
