"""How a digest is told: a short message that says who is needed, and the rest in its thread."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from commands.digest.content import Content
from commands.digest.lines import Line
from commands.kit.blocks import Block, Message, context, header, section
from commands.kit.schedule import Schedule
from commands.kit.words import count, esc, shorten, utc, when

NEEDS_SHOWN, LINES_SHOWN = 3, 3
MOST_IN_THREAD = 40
LONGEST_LINE, LONGEST_PART = 280, 2900
PLENTY = 100


@dataclass(frozen=True)
class Occasion:
    """Why a digest is told now; `due_at` where it is late, with how many before it were skipped."""

    schedule: Schedule | None = None
    zone: str = ""
    next_at: datetime | None = None
    due_at: datetime | None = None
    skipped: int = 0


def digest(content: Content, occasion: Occasion) -> Message:
    """What the channel reads."""
    late = [context(_late(occasion))] if occasion.due_at else []
    if content.is_calm:
        told = "nothing needs anyone, nothing runs, nothing finished"
        calm = section(f":white_check_mark: *All quiet* since {when(content.since)}: {told}.")
        return Message(f"All quiet since {utc(content.since)}: {told}.", [calm, *late])
    title = _title(content)
    blocks: list[Block] = [header(title), *late]
    blocks += [_line(line) for line in content.needs[:NEEDS_SHOWN]]
    if len(content.needs) > NEEDS_SHOWN:
        rest = len(content.needs) - NEEDS_SHOWN
        blocks.append(context(f"{rest} more {'needs' if rest == 1 else 'need'} someone: see the thread"))
    blocks += [section(part) for part in _short_parts(content)]
    blocks.append(context(*_footer(content, occasion)))
    return Message(f"Digest: {_lower(title)}.", blocks)


def details(content: Content) -> Message | None:
    """Everything, for the thread; None where the message above says it all."""
    parts = [
        ("Needs someone", content.needs),
        ("Running", content.running),
        ("Finished", content.ended),
        ("On the lines", content.lines),
    ]
    limits = (NEEDS_SHOWN, LINES_SHOWN, LINES_SHOWN, LINES_SHOWN)
    lines = [line for _, part in parts for line in part]
    if all(len(part) <= limit for (_, part), limit in zip(parts, limits, strict=True)) and not any(
        len(line.text) > LONGEST_LINE for line in lines
    ):
        return None
    blocks: list[Block] = []
    for name, part in parts:
        blocks += [section(text) for text in _chunks(f"*{name}*", part)]
    return Message("Everything in this digest.", blocks)


def _title(content: Content) -> str:
    needed, running, ended = len(content.needs), len(content.running), len(content.ended)
    told = [f"{_number(needed)} {'needs' if needed == 1 else 'need'} someone"] if needed else []
    told += [f"{_number(running)} running"] if running else []
    told += [f"{_number(ended)} finished"] if ended else []
    if not needed:
        told = ["nothing needs anyone", *told]
    title = ", ".join(told)
    return f"{title[0].upper()}{title[1:]}"


def _lower(title: str) -> str:
    return f"{title[0].lower()}{title[1:]}"


def _number(found: int) -> str:
    return f"{found}" if found < PLENTY else f"{PLENTY} or more"


def _line(line: Line) -> Block:
    return section(shorten(line.text, LONGEST_LINE), line.button)


def _short_parts(content: Content) -> list[str]:
    parts = []
    for name, lines in (
        ("Running", content.running),
        ("Finished", content.ended),
        ("On the lines", content.lines),
    ):
        if lines:
            shown = [f"• {shorten(line.text, LONGEST_LINE)}" for line in lines[:LINES_SHOWN]]
            more = len(lines) - LINES_SHOWN
            shown += [f"• and {more} more"] if more > 0 else []
            parts.append("\n".join([f"*{name}*", *shown]))
    return parts


def _late(occasion: Occasion) -> str:
    assert occasion.due_at is not None  # noqa: S101  the caller has looked
    before = f" {count(occasion.skipped, 'earlier one')} skipped." if occasion.skipped else ""
    return f":hourglass: Late: was due {when(occasion.due_at)}, while Spotter was down.{before}"


def _footer(content: Content, occasion: Occasion) -> list[str]:
    told = [f"Since {when(content.since)}"]
    if occasion.schedule:
        told.append(f"{esc(occasion.schedule.words)}, {esc(occasion.zone)}")
    if occasion.next_at:
        told.append(f"next {when(occasion.next_at)}")
    return [*told, "`/digest` changes it"] if occasion.schedule else told


def _chunks(title: str, lines: Sequence[Line]) -> list[str]:
    """Sections that hold as many lines as fit in one."""
    if not lines:
        return []
    shown = [f"• {shorten(line.text, LONGEST_PART // 4)}" for line in lines[:MOST_IN_THREAD]]
    if len(lines) > MOST_IN_THREAD:
        shown.append(f"• and {len(lines) - MOST_IN_THREAD} more: `/runs` and `/models` list them")
    chunks = [title]
    for line in shown:
        if len(chunks[-1]) + len(line) + 1 > LONGEST_PART:
            chunks.append(line)
        else:
            chunks[-1] += f"\n{line}"
    return chunks
