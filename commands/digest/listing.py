"""The digests of a channel, and on Home those that concern a person."""

from collections.abc import Sequence
from dataclasses import dataclass

from commands.kit import schedule
from commands.kit.blocks import Block, Message, actions, button, confirm, context, header, section
from commands.kit.people import Person
from commands.kit.services import Services
from commands.kit.words import count, esc, when
from storage import digests
from storage.digests import Digest, Firing

PREVIEW, PAUSE, RESUME, REMOVE, SET = (
    f"digest.{name}" for name in ("preview", "pause", "resume", "remove", "form")
)
MOST = 15
MOST_LOOKED_AT, SHOWN_ON_HOME = 20, 5


@dataclass(frozen=True)
class Listed:
    """A digest, when it was sent last, and how many were skipped or silent since then."""

    digest: Digest
    last: Firing | None
    skipped: int
    silent: int


def channel(listed: Sequence[Listed]) -> Message:
    """Every digest of a channel with its buttons, and one to set another."""
    another = actions(button("Set a digest", SET, style="primary"))
    if not listed:
        text = "No digest is set in this channel. One tells on schedule what needs someone, runs or has finished."
        return Message(text, [section(text), another])
    title = f"{count(len(listed), 'digest')} in this channel"
    blocks: list[Block] = [header(title)]
    for number, each in enumerate(listed[:MOST], start=1):
        blocks += [section(_told(number, each)), _buttons(each.digest)]
    if len(listed) > MOST:
        blocks.append(context(f"and {len(listed) - MOST} more: remove some"))
    return Message(f"{title}.", [*blocks, another])


def on_home(person: Person, services: Services) -> list[Block]:
    """What comes next: digests that the person set, and those of channels where they are."""
    with services.store.read() as tx:
        coming = digests.coming(tx, limit=MOST_LOOKED_AT)
    shown: list[Digest] = []
    for each in coming:
        if len(shown) < SHOWN_ON_HOME and (
            each.created_by == person.id or services.people.is_in(person, each.channel)
        ):
            shown.append(each)
    return [
        section(
            f"*{_place(each)}*: {words(each)}; next {when(each.next_at)}", button("Preview", PREVIEW, each.id)
        )
        for each in shown
        if each.next_at
    ]


def words(digest: Digest) -> str:
    """ "weekdays at 8:30, Europe/Berlin", in mrkdwn."""
    return f"{esc(schedule.parse(digest.cron).explained)}, {esc(digest.zone)}"


def _told(number: int, each: Listed) -> str:
    digest = each.digest
    if digest.state == digests.PAUSED:
        standing = ":double_vertical_bar: paused"
    else:
        standing = f"next {when(digest.next_at)}" if digest.next_at else "never"
    told = [f"*{number}. {words(digest)}*: {standing}"]
    parts = [f"last sent {when(each.last.at)}" if each.last else "not sent yet"]
    parts += [f"skipped {each.skipped} while Spotter was down"] if each.skipped else []
    parts += ["silent when nothing has changed"] if digest.quiet else []
    parts += [f"was silent {count(each.silent, 'time')} since"] if each.silent else []
    return "\n".join([*told, f"{', '.join(parts)}; set by {esc(digest.created_by_name)}"])


def _buttons(digest: Digest) -> Block:
    other = (
        button("Resume", RESUME, digest.id)
        if digest.state == digests.PAUSED
        else button("Pause", PAUSE, digest.id)
    )
    sure = confirm(
        "Remove this digest?", f"{schedule.parse(digest.cron).words}, {digest.zone}", "Remove it", "Keep it"
    )
    row = actions(
        button("Preview", PREVIEW, digest.id),
        other,
        button("Remove", REMOVE, digest.id, style="danger", confirm=sure),
    )
    return {**row, "block_id": f"digest:{digest.id}"}


def _place(digest: Digest) -> str:
    return f"<#{digest.channel}>" if digest.channel[0] in "CG" else "Direct messages"
