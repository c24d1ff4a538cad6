"""How a digest is told: a short message that says who is needed, and the rest in its thread."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from commands.digest.content import TOLD, Content
from commands.digest.lines import Line
from commands.kit.blocks import MAX_SECTION, Block, Message, context, header, section
from commands.kit.schedule import Schedule
from commands.kit.words import count, esc, shorten, utc, when

NEEDS = "Needs someone"
SHOWN = 3
MOST_IN_THREAD = TOLD - SHOWN
LONGEST_LINE, LONGEST_THREAD = 500, 10_000


@dataclass(frozen=True)
class Occasion:
    """Why a digest is told now; `due_at` where it is late, with how many before it were skipped. What only one person
    sees has no thread."""

    schedule: Schedule | None = None
    zone: str = ""
    next_at: datetime | None = None
    due_at: datetime | None = None
    skipped: int = 0
    has_thread: bool = True


def digest(content: Content, occasion: Occasion) -> Message:
    """What the channel reads."""
    late = [context(_late(occasion))] if occasion.due_at else []
    if content.is_calm:
        told = "nothing needs anyone, nothing runs, nothing finished"
        calm = section(f":white_check_mark: *All quiet* since {when(content.since)}: {told}.")
        return Message(f"All quiet since {utc(content.since)}: {told}.", [calm, *late])
    title = _title(content)
    blocks: list[Block] = [header(title), *late]
    blocks += _each(content.needs[:SHOWN], 0)
    if (more := len(content.needs) - SHOWN) > 0:
        where = ": see the thread" if occasion.has_thread else ""
        blocks.append(context(f"{more} more {'needs' if more == 1 else 'need'} someone{where}"))
    for name, lines in list(_parts(content).items())[1:]:
        blocks += [section(_list(name, lines[:SHOWN], len(lines)))] if lines else []
    blocks.append(context(*_footer(content, occasion)))
    return Message(f"Digest: {title[0].lower()}{title[1:]}.", blocks)


def details(content: Content) -> Message | None:
    """What the message leaves out, as far as Slack takes it, for its thread; None where that is nothing."""
    blocks: list[Block] = []
    room = LONGEST_THREAD
    for name, lines in _parts(content).items():
        rest = lines[SHOWN:]
        fitting = [
            line for line in rest[:MOST_IN_THREAD] if (room := room - min(len(line.text), LONGEST_LINE)) > 0
        ]
        if name == NEEDS and fitting:
            blocks += [section(f"*{name} as well*"), *_each(fitting, SHOWN)]
        elif fitting:
            blocks += [section(text) for text in _in_pieces(_list(f"{name} as well", fitting))]
        if (left := len(rest) - len(fitting)) > 0:
            least = "" if content.has_all else "at least "
            blocks.append(context(f"and {least}{left} more: `/runs` and `/models` list what there is"))
    return Message("What the digest above leaves out.", blocks) if blocks else None


def _each(lines: Sequence[Line], first: int) -> list[Block]:
    """A line each with its button; the ids are numbers, as two buttons may lead to the same place."""
    return [
        {**section(line.text, line.button), "block_id": f"needs:{number}"}
        for number, line in enumerate(lines, first)
    ]


def _in_pieces(text: str) -> list[str]:
    """Whole lines, as many in each piece as a section takes."""
    pieces = [""]
    for line in text.split("\n"):
        if len(pieces[-1]) + len(line) >= MAX_SECTION:
            pieces.append("")
        pieces[-1] += f"\n{line}" if pieces[-1] else line
    return pieces


def _parts(content: Content) -> dict[str, list[Line]]:
    return {
        NEEDS: content.needs,
        "Running": content.running,
        "Finished": content.ended,
        "On the lines": content.lines,
    }


def _title(content: Content) -> str:
    needed, running, ended = len(content.needs), len(content.running), len(content.ended)
    told = [f"{needed} {'needs' if needed == 1 else 'need'} someone" if needed else "Nothing needs anyone"]
    told += [f"{running} running"] if running else []
    told += [f"{ended if content.has_all else f'more than {ended}'} finished"] if ended else []
    return ", ".join(told)


def _list(name: str, lines: Sequence[Line], of: int = 0) -> str:
    """Lines below their name; `of` is how many there are in all, where these are only the first."""
    told = [f"*{name}*"] if name else []
    told += [f"• {shorten(line.text, LONGEST_LINE)}" for line in lines]
    return "\n".join([*told, *([f"• and {of - len(lines)} more"] if of > len(lines) else [])])


def _late(occasion: Occasion) -> str:
    assert occasion.due_at is not None  # noqa: S101  the caller has looked
    before = f" {count(occasion.skipped, 'earlier one')} skipped." if occasion.skipped else ""
    return f":hourglass: Late: was due {when(occasion.due_at)}, while Spotter was down.{before}"


def _footer(content: Content, occasion: Occasion) -> list[str]:
    told = [f"Since {when(content.since)}"]
    told += [f"trainings cost about {content.cost}"] if content.cost else []
    if occasion.schedule:
        told.append(f"{esc(occasion.schedule.words)}, {esc(occasion.zone)}")
    if occasion.next_at:
        told.append(f"next {when(occasion.next_at)}")
    return [*told, "`/digest` changes it"] if occasion.schedule else told
