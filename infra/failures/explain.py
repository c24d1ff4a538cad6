"""From Azure's words to a sentence and a remedy."""

import logging
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal

from infra.azureml.faults import Fault

LONGEST_RAW = 400
CATALOGUES = ("waiting.toml", "training.toml", "service.toml", "devops.toml")
_PART = re.compile(r"…|\{(\w+)\}")
_THEIRS = ("ServiceError", "TransientError", "AzureStorageError")

Elsewhere = Literal["", "cluster", "machines"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Explanation:
    """Why, in one sentence, and what to do. Texts may hold outside words: escape them where they are shown.

    `ours` tells that someone here can act on it; `again` that simply trying again may help;
    `raw` is Azure's own message, shortened; `reason` the catalogue's id, empty for an unknown message; `elsewhere`
    what may do instead: another cluster, one with other machines, or nothing.
    """

    cause: str
    remedy: str
    ours: bool
    again: bool
    raw: str
    reason: str = ""
    elsewhere: Elsewhere = ""

    @property
    def is_known(self) -> bool:
        return bool(self.reason)


@dataclass(frozen=True)
class Reason:
    """An entry of the catalogue."""

    id: str
    cause: str
    remedy: str
    patterns: tuple[tuple[int, re.Pattern[str]], ...]
    codes: tuple[str, ...] = ()
    ours: bool = True
    again: bool = False
    weak: bool = False
    elsewhere: Elsewhere = ""

    def match(self, message: str) -> tuple[int, dict[str, str]] | None:
        """How many letters of the longest matching pattern are literal, and what its named parts stand for."""
        found = [(weight, hit) for weight, pattern in self.patterns if (hit := pattern.search(message))]
        if not found:
            return None
        weight, hit = max(found, key=lambda each: each[0])
        return weight, hit.groupdict()

    def fits(self, codes: Sequence[str]) -> bool:
        """Whether the reason's codes follow each other somewhere in an error chain."""
        size = len(self.codes)
        return size > 0 and any(tuple(codes[at : at + size]) == self.codes for at in range(len(codes)))


def explain(
    messages: Sequence[str],
    codes: Sequence[str] = (),
    log_lines: Sequence[str] = (),
    catalogues: tuple[str, ...] = CATALOGUES,
) -> Explanation:
    """The explanation of an error chain: messages from the deepest up, their codes, and the end of the log.

    A known message wins over an unknown deeper one; words that only point deeper lose to all others.
    An unknown message is passed on as it is, shortened.
    """
    said = [message.strip() for message in messages if message and message.strip()]
    raw = said[0] if said else (log_lines[-1] if log_lines else "")
    for weak in (False, True):
        for text in (*said, "\n".join(log_lines), " ".join(codes)):
            if found := _best(text, weak, text if text in said else raw, catalogues):
                return found
        if by_code := next(
            (reason for reason in catalogue(catalogues) if reason.weak == weak and reason.fits(codes)), None
        ):
            return _explanation(by_code, {}, raw)
    return _unknown(raw, codes)


def explain_fault(fault: Fault) -> Explanation:
    """The explanation of a failed job."""
    return explain(fault.messages, fault.codes, fault.last_lines)


@cache
def catalogue(names: tuple[str, ...] = CATALOGUES) -> tuple[Reason, ...]:
    """All reasons, as the files give them. Devices have a catalogue of their own: the same words mean other things."""
    return tuple(_read(names))


def shortened(message: str, longest: int = LONGEST_RAW) -> str:
    """A message on one line, cut at a word."""
    line = " ".join(message.split())
    return line if len(line) <= longest else line[:longest].rsplit(" ", 1)[0] + " …"


def sentence(words: str) -> str:
    """With a full stop, so that another one can follow; nothing of nothing."""
    return words if not words or words.endswith((".", "!", "?", "…")) else f"{words}."


def _best(text: str, weak: bool, raw: str, names: tuple[str, ...]) -> Explanation | None:
    found = [
        (hit, reason) for reason in catalogue(names) if reason.weak == weak and (hit := reason.match(text))
    ]
    if not found:
        return None
    (_, parts), reason = max(found, key=lambda each: each[0][0])
    return _explanation(reason, parts, raw)


def _explanation(reason: Reason, parts: dict[str, str], raw: str) -> Explanation:
    return Explanation(
        cause=_filled(reason.cause, parts),
        remedy=_filled(reason.remedy, parts),
        ours=reason.ours,
        again=reason.again,
        raw=shortened(raw),
        reason=reason.id,
        elsewhere=reason.elsewhere,
    )


def _unknown(raw: str, codes: Sequence[str]) -> Explanation:
    theirs = any(code in _THEIRS or code.startswith(("System", "Service")) for code in codes)
    raw = shortened(raw)
    _note_unknown(raw, tuple(codes))
    return Explanation(
        cause=sentence(raw) or "Azure gives no reason.",
        remedy="Train again once; if it fails again, ask Azure's support with the run's id."
        if theirs
        else "Open the run in the studio and read its log.",
        ours=not theirs,
        again=theirs,
        raw=raw,
    )


@lru_cache(maxsize=1000)
def _note_unknown(raw: str, codes: tuple[str, ...]) -> None:
    """Once for each message, so that the catalogue can grow without flooding the log."""
    log.info("No explanation for %r with codes %s", raw, list(codes))


def _filled(sentence: str, parts: dict[str, str]) -> str:
    return _PART.sub(
        lambda part: shortened(parts.get(part[1], "") or "?", 120) if part[1] else part[0], sentence
    )


def _read(names: tuple[str, ...]) -> Iterator[Reason]:
    for name in names:
        for entry in tomllib.loads(files("infra.failures").joinpath(name).read_text("utf-8"))["reason"]:
            yield Reason(
                **{
                    **entry,
                    "patterns": tuple(_compiled(pattern) for pattern in entry.get("patterns", ())),
                    "codes": tuple(entry.get("codes", ())),
                }
            )


def _compiled(pattern: str) -> tuple[int, re.Pattern[str]]:
    """How many of its letters are literal, and the expression: a named part at the end takes one word."""
    source, literal, at = "", 0, 0
    for part in _PART.finditer(pattern):
        before = pattern[at : part.start()]
        anything = r"[^\s.,;]+" if part.end() == len(pattern) else ".{1,200}?"
        source += re.escape(before) + (f"(?P<{part[1]}>{anything})" if part[1] else ".{0,200}?")
        literal += len(before)
        at = part.end()
    rest = pattern[at:]
    return literal + len(rest), re.compile(source + re.escape(rest), re.IGNORECASE | re.DOTALL)
