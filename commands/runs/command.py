"""The command and its answers. Canceling belongs to `/train` and `/publish`, whose buttons are shown here too."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from commands.kit.blocks import (
    Block,
    Element,
    Message,
    actions,
    button,
    context,
    divider,
    fields,
    header,
    link,
    note,
    section,
)
from commands.kit.command import Asked, Command, Option, Reply, choice
from commands.kit.errors import UserError
from commands.kit.failures import log_tail
from commands.kit.people import Person
from commands.kit.services import Services
from commands.kit.words import code, count, duration, esc, metric, money, when
from commands.runs import publishing
from commands.train.estimate import cost_of, recorded, words
from commands.train.messages import AGAIN, STUDIO, best, cancel_button, helpful_button, phase, trial_table
from storage import publishes
from storage import runs as records
from storage.publishes import PublishRun
from storage.runs import TrainingRun

AnyRun = TrainingRun | PublishRun
SHOWN = 5
DETAILS = "runs.details"


def recent_runs(services: Services, person: Person, typed: str) -> list[Option]:
    """Type-ahead over runs, open ones first."""
    options = services.store.recall(recent_runs, _recent)
    return [each for each in options if typed.lower() in f"{each.value} {each.label}".lower()]


def _recent(tx: Connection) -> list[Option]:
    trained = records.open_briefly(tx) + records.recent_briefly(tx, 50)
    published = publishes.open_runs(tx)[::-1] + publishes.recent(tx, 20)
    return [Option(run.id, run.id, run.state) for run in trained] + [
        publishing.option(run) for run in published
    ]


@dataclass(frozen=True)
class RunsArgs:
    run: str = choice("Run", from_=recent_runs, default="", hint="cap-detection-model-20261122-3f9a10")


runs = Command("/runs", RunsArgs, role="view", summary="What runs, what ended, and why something waits")


@runs.check
def run_is_there(args: RunsArgs, services: Services) -> None:
    def found(tx: Connection) -> bool:
        return bool(records.get(tx, args.run) or publishes.get(tx, args.run))

    if args.run and not services.store.recall((run_is_there, args.run), found):
        raise UserError(f"No run is called “{args.run[:80]}”.", "/runs lists them.", field="run")


@runs.run
def show(args: RunsArgs, asked: Asked, services: Services) -> Reply:
    if args.run:
        return details(args.run, asked, services)
    with services.store.read() as tx:
        training, publishing_now = records.open_briefly(tx), publishes.open_runs(tx)
        newest = records.these(tx, training[: SHOWN * 2])
        ended: list[AnyRun] = [*records.recent(tx, SHOWN), *publishes.recent(tx, SHOWN)]
    now_open: list[AnyRun] = [*newest, *publishing_now]
    if not now_open and not ended:
        return Reply(note("No training has been asked for yet. Type `/train` to start the first one."))
    now = services.clock.now()
    title = _title(len(training), len(publishing_now))
    blocks: list[Block] = [header(title)]
    now_open.sort(key=lambda run: run.requested_at, reverse=True)
    blocks += [_line(run, now) for run in now_open[: SHOWN * 2]]
    if (more := len(training) + len(publishing_now) - SHOWN * 2) > 0:
        blocks.append(context(f"and {more} more"))
    if ended:
        ended.sort(key=lambda run: run.ended_at or now, reverse=True)
        blocks += [divider(), section("*Ended last*")]
        blocks += [_line(run, now) for run in ended[:SHOWN]]
    return Reply(Message(f"{title}.", blocks))


def _title(training: int, publishing_now: int) -> str:
    counted = [count(training, "training")] if training else []
    counted += [count(publishing_now, "publish run")] if publishing_now else []
    return f"{' and '.join(counted)} running" if counted else "Nothing is running"


@runs.action("details")
def details(run_id: str, asked: Asked, services: Services) -> Reply:
    with services.store.read() as tx:
        run = records.get(tx, run_id)
        published = publishes.get(tx, run_id)
    if published is not None:
        return Reply(publishing.details(published, asked, services))
    if run is None:
        raise UserError(f"No run is called “{esc(run_id[:80])}”.", "/runs lists them.")
    now = services.clock.now()
    pairs = [
        ("State", _standing(run)),
        ("Asked by", f"{esc(run.requested_by_name)}, {when(run.requested_at)}"),
        ("Labeling export", f"{code(run.dataset)} version {esc(run.dataset_version)}"),
        ("GPU cluster", code(run.cluster)),
        ("Experiment", code(run.experiment)),
        ("Took" if run.ended_at else "So far", duration((run.ended_at or now) - run.requested_at)),
    ]
    if expected := recorded(run.estimate):
        pairs.append(("Expected", words(expected)))
    if (cost := cost_of(run.node_seconds, run.vm_size, services.policy)) is not None:
        pairs.append(("Cost", f"about {money(cost, services.policy.prices.currency)}"))
    blocks: list[Block] = [header(f"{run.model_name}: {run.id}"), fields(pairs)]
    if reason := _reason(run):
        blocks.append(section(reason))
    if trials := trial_table(run):
        blocks.append(trials)
    if tail := log_tail(run.failure):
        blocks += tail.blocks
    studio = link("Open in studio", run.studio_url, STUDIO) if run.studio_url else None
    may_train = services.people.surely_may(asked.person, "train")
    helpful, change = (helpful_button(run), _change(run)) if may_train else (None, None)
    if helpful or studio or change:
        blocks.append(actions(helpful, studio, change))
    return Reply(Message(f"{esc(run.id)}: {_standing(run)}", blocks))


def _change(run: TrainingRun) -> Element | None:
    """What a trainer can do about it."""
    if run.state in ("failed", "canceled", "lost"):
        return button("Train again", AGAIN, run.id)
    if run.is_open and not run.cancel_by and run.state != "completed":
        return cancel_button(run)
    return None


def _line(run: AnyRun, now: datetime) -> Block:
    if isinstance(run, PublishRun):
        return publishing.line(run, now, DETAILS)
    took = duration((run.ended_at or now) - run.requested_at)
    text = f"*{esc(run.model_name)}*: {_standing(run)}, {took}\n{code(run.dataset)} on {code(run.cluster)}"
    if reason := _reason(run):
        text += f"\n{reason}"
    return section(
        f"{text}\nfor {esc(run.requested_by_name)}, {when(run.requested_at)}",
        button("Details", DETAILS, run.id),
    )


def _standing(run: TrainingRun) -> str:
    leader = best(run)
    figure = f", best mAP {metric(leader['mean_average_precision'])}" if leader else ""
    if run.state == "registered":
        return f"registered as v{run.registered_version}{figure}"
    if run.is_open:
        return f"{phase(run)}{figure}"
    return {"failed": "failed", "canceled": "canceled", "lost": "lost"}.get(run.state, run.state)


def _reason(run: TrainingRun) -> str:
    if run.state in ("failed", "lost") and run.failure:
        return f":x: {esc(run.failure.get('cause') or '')} {esc(run.failure.get('remedy') or '')}".strip()
    if run.trouble and run.is_open:
        return f":warning: {esc(run.trouble)}"
    return esc((run.waiting or {}).get("sentence") or "")
