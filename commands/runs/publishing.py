"""Publish runs beside the trainings: a line for each, and the details of one."""

from datetime import datetime

from commands.kit.blocks import Block, Element, Message, actions, button, fields, header, section
from commands.kit.command import Asked, Option
from commands.kit.services import Services
from commands.kit.words import code, duration, esc, when
from commands.publish.messages import (
    AGAIN,
    cancel_button,
    commit_words,
    open_button,
    reason,
    stage_lines,
    standing,
)
from storage.publishes import PublishRun


def line(run: PublishRun, now: datetime, details: str) -> Block:
    """`details` is the button that shows more."""
    took = duration((run.ended_at or now) - run.requested_at)
    text = f"*Publishing {esc(run.branch)}*: {esc(standing(run))}, {took}"
    if run.commit_id:
        text += f"\n{commit_words(run.commit_id, run.commit_title, run.commit_author)}"
    if told := reason(run):
        text += f"\n{told}"
    return section(f"{text}\n{_who(run)}, {when(run.requested_at)}", button("Details", details, run.id))


def details(run: PublishRun, asked: Asked, services: Services) -> Message:
    now = services.clock.now()
    pairs = [
        ("State", esc(standing(run))),
        ("Started elsewhere by" if run.elsewhere else "Asked by", esc(run.requested_by_name or "someone")),
        ("When", when(run.requested_at)),
        ("Took" if run.ended_at else "So far", duration((run.ended_at or now) - run.requested_at)),
        ("Branch", code(run.branch)),
        ("Commit", commit_words(run.commit_id, run.commit_title, run.commit_author)),
        ("Pipeline", code(run.pipeline)),
        ("Run", code(run.run_name or "not started")),
    ]
    blocks: list[Block] = [header(f"Publishing {run.branch}: {run.id}"), fields(pairs)]
    if told := reason(run):
        blocks.append(section(told))
    if stages := stage_lines(run):
        blocks.append(section("\n".join(stages)))
    may_publish = services.people.surely_may(asked.person, "publish")
    buttons = [each for each in (open_button(run), _change(run) if may_publish else None) if each]
    if buttons:
        blocks.append(actions(*buttons))
    return Message(f"{esc(run.id)}: {esc(standing(run))}", blocks)


def option(run: PublishRun) -> Option:
    return Option(run.id, f"Publishing {run.branch}", run.state)


def _who(run: PublishRun) -> str:
    who = esc(run.requested_by_name or "someone")
    return f"started elsewhere by {who}" if run.elsewhere else f"for {who}"


def _change(run: PublishRun) -> Element | None:
    """What somebody with the role can do about it."""
    if run.state in ("failed", "canceled", "lost"):
        return button("Publish again", AGAIN, run.id)
    if run.is_open and not run.cancel_by and run.state != "completed":
        return cancel_button(run)
    return None
