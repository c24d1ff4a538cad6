"""The command and its answers."""

import re
from dataclasses import dataclass

from sqlalchemy import Connection

from commands.exports import readiness
from commands.exports.messages import PREPARE, TRAIN_ON_THIS, project_line
from commands.exports.projects import known_projects, new_pictures
from commands.kit.blocks import Block, Message, button, context, divider, header, note, section
from commands.kit.choosing import narrowed
from commands.kit.command import Asked, Command, Option, Reply, choice
from commands.kit.forms import MAX_OPTIONS
from commands.kit.people import Person
from commands.kit.services import Services
from commands.kit.words import code, count, esc, when
from infra.azureml.preparations import prepared_name
from storage import catalog, marks
from storage.catalog import ExportRow

SHOWN = 8
READ = "exports.read"
NOT_READ = (
    "Spotter has not read the labeling exports from Azure yet. "
    "Try again in a minute; `/spotter` tells how things stand."
)


def exports_newest_first(services: Services, person: Person, typed: str) -> list[Option]:
    """Type-ahead over labeling exports; the note tells what is in each."""
    return narrowed(services, typed, _newest_first)


def _newest_first(tx: Connection, services: Services, containing: str) -> list[Option]:
    found = catalog.list_exports(tx, limit=MAX_OPTIONS, containing=containing)
    return [Option(row.name, row.name, _note(row)) for row in found]


def trainable_first(services: Services, person: Person, typed: str) -> list[Option]:
    """As `exports_newest_first`; those that cannot be trained on come last, and the note tells why."""
    return narrowed(services, typed, _trainable_first)


def _trainable_first(tx: Connection, services: Services, containing: str) -> list[Option]:
    found = catalog.list_exports(tx, limit=MAX_OPTIONS, containing=containing)
    every = catalog.list_exports(tx) if containing else found
    fit: list[Option] = []
    unfit: list[Option] = []
    for row in found:
        wrong = readiness.short_problem(row, readiness.previous_of(row, every), services.policy.exports)
        (unfit if wrong else fit).append(Option(row.name, row.name, wrong or _note(row)))
    return fit + unfit


@dataclass(frozen=True)
class ExportsArgs:
    name: str = choice("Labeling export", from_=exports_newest_first, default="", hint="caps, or a full name")


exports = Command(
    "/exports", ExportsArgs, role="view", summary="Labeling exports, newest first, and what is in them"
)


@exports.run
def show(args: ExportsArgs, asked: Asked, services: Services) -> Reply:
    with services.store.read() as tx:
        found = catalog.list_exports(tx, containing=args.name)
        shown = [(row, readiness.before(tx, row), _prepared(tx, row)) for row in found[:SHOWN]]
        projects = [(each, new_pictures(tx, each)) for each in known_projects(tx, args.name)]
        was_read = marks.get(tx, READ) is not None
    if not found and not was_read:
        return Reply(note(NOT_READ))
    may_train = services.people.surely_may(asked.person, "train")
    blocks = [_line(*each, services, may_train=may_train) for each in shown]
    alone = readiness.counted(found[0]) if len(found) == 1 else None
    if alone and (chart := readiness.balance(alone)):
        blocks.append(chart)
    if len(found) > SHOWN:
        blocks.append(context(f"{len(found) - SHOWN} older ones: type `/exports` and part of a name."))
    if projects:
        blocks += [divider(), header("Labeling projects")]
        blocks += [project_line(*each, may_train=may_train) for each in projects[:SHOWN]]
    if len(projects) > SHOWN:
        blocks.append(context(f"{len(projects) - SHOWN} more: type `/exports` and part of a name."))
    if not found:
        nothing = _nothing(args.name, bool(projects))
        return Reply(Message(nothing.text, [*nothing.blocks, *blocks]))
    title = f"{count(len(found), 'labeling export')}, newest first"
    text = f"{count(len(found), 'labeling export')}; the newest is {esc(found[0].name)}."
    return Reply(Message(text, [header(title), *blocks]))


def pattern(services: Services) -> re.Pattern[str]:
    """Which data assets are labeling exports."""
    return re.compile(services.policy.exports.pattern)


def _prepared(tx: Connection, row: ExportRow) -> ExportRow | None:
    """The export that a COCO export was prepared as."""
    return catalog.get_export(tx, prepared_name(row.name)) if row.kind == "coco" else None


def _line(
    row: ExportRow,
    previous: ExportRow | None,
    prepared: ExportRow | None,
    services: Services,
    *,
    may_train: bool,
) -> Block:
    made = f"  {when(row.created_at)}" if row.created_at else ""
    lines = [f"*{esc(row.name)}*{made}", readiness.summary(row)]
    if told := readiness.news(row, previous):
        lines.append(esc(told))
    problem = readiness.problem(row, previous, services.policy.exports)
    offered = None
    if prepared:
        lines.append(f"Prepared for training as {code(prepared.name)}.")
    elif problem:
        lines.append(f":warning: {esc(problem)}")
    elif row.kind == "coco":
        lines.append("AutoML does not read COCO: it has to be prepared for training first.")
        offered = button("Prepare for training", PREPARE, row.name)
    else:
        offered = button("Train on this", TRAIN_ON_THIS, row.name)
    found = readiness.counted(row)
    if found and not problem:
        lines += [f":warning: {each}" for each in readiness.warnings(found, services.policy.exports)]
    return section("\n".join(lines), offered if may_train else None)


def _note(row: ExportRow) -> str:
    found = readiness.counted(row)
    made = f"{row.created_at:%-d %b}" if row.created_at else ""
    parts = ["COCO" if row.kind == "coco" else "", "not counted" if found is None else "", made]
    if found:
        boxes = count(found.all_boxes, "box", "boxes") if found.all_boxes else "no boxes"
        parts[1:1] = [count(found.images, "image"), boxes]
    return " · ".join(part for part in parts if part)


def _nothing(name: str, has_projects: bool) -> Message:
    if name:
        return note(
            f"No labeling export is called anything like “{esc(name[:80])}”. `/exports` shows all of them."
        )
    if has_projects:
        return note("There is no labeling export in the workspace yet. *Export labels* makes the first one.")
    return note(
        "There is no labeling export in the workspace yet. In the labeling project choose Export, then "
        "“Azure ML dataset”; it shows up here within a minute."
    )
