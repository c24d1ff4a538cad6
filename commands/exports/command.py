"""The command and its answers."""

from dataclasses import dataclass

from commands.exports import readiness
from commands.kit.blocks import Block, Message, button, context, header, note, section
from commands.kit.command import Asked, Command, Option, Reply, choice
from commands.kit.errors import UserError
from commands.kit.people import Person
from commands.kit.services import Services
from commands.kit.words import count, esc, when
from storage import catalog, marks
from storage.catalog import ExportRow

SHOWN = 8
TRAIN_ON_THIS = "train.on_export"
READ = "exports.read"
NOT_READ = (
    "Spotter has not read the labeling exports from Azure yet. "
    "Try again in a minute; `/spotter` tells how things stand."
)


def exports_newest_first(services: Services, person: Person, typed: str) -> list[Option]:
    """Type-ahead over labeling exports; the note tells what is in each."""
    with services.store.read() as tx:
        found = catalog.list_exports(tx, containing=typed)
    return [Option(row.name, row.name, _note(row)) for row in found]


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
        shown = [(row, readiness.before(tx, row)) for row in found[:SHOWN]]
        was_read = marks.get(tx, READ) is not None
    if not found:
        return Reply(_nothing(args.name) if was_read else note(NOT_READ))
    blocks: list[Block] = [header(f"{count(len(found), 'labeling export')}, newest first")]
    may_train = services.people.surely_may(asked.person, "train")
    blocks += [_line(row, previous, services, may_train=may_train) for row, previous in shown]
    if len(found) > SHOWN:
        blocks.append(context(f"{len(found) - SHOWN} older ones: type `/exports` and part of a name."))
    newest = found[0]
    return Reply(
        Message(f"{count(len(found), 'labeling export')}; the newest is {esc(newest.name)}.", blocks)
    )


def _line(row: ExportRow, previous: ExportRow | None, services: Services, *, may_train: bool) -> Block:
    made = f"  {when(row.created_at)}" if row.created_at else ""
    lines = [f"*{esc(row.name)}*{made}", readiness.summary(row)]
    if told := readiness.news(row, previous):
        lines.append(esc(told))
    problem = _problem(row, previous, services)
    if problem:
        lines.append(f":warning: {esc(problem)}")
    found = readiness.counted(row)
    if found and not problem and (thin := readiness.thin_classes(found, services.policy.exports)):
        lines.append(f":warning: Few boxes of {esc(', '.join(thin))}: expect poor results there.")
    offered = button("Train on this", TRAIN_ON_THIS, row.name) if may_train and not problem else None
    return section("\n".join(lines), offered)


def _problem(row: ExportRow, previous: ExportRow | None, services: Services) -> str:
    try:
        readiness.must_be_trainable(row, previous, services.policy.exports)
    except UserError as problem:
        return f"{problem.problem} {problem.next_step}"
    return ""


def _note(row: ExportRow) -> str:
    found = readiness.counted(row)
    made = f"{row.created_at:%-d %b}" if row.created_at else ""
    parts = ["COCO" if row.kind == "coco" else "", "not counted" if found is None else "", made]
    if found:
        boxes = count(found.all_boxes, "box", "boxes") if found.all_boxes else "no boxes"
        parts[1:1] = [count(found.images, "image"), boxes]
    return " · ".join(part for part in parts if part)


def _nothing(name: str) -> Message:
    if name:
        return note(
            f"No labeling export is called anything like “{esc(name[:80])}”. `/exports` shows all of them."
        )
    return note(
        "There is no labeling export in the workspace yet. In the labeling project choose Export, then "
        "“Azure ML dataset”; it shows up here within a minute."
    )
