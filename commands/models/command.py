"""The command and its answers."""

from dataclasses import dataclass

from sqlalchemy import Connection

from commands.kit.blocks import Message, button, context, divider, header, note, section
from commands.kit.choosing import narrowed
from commands.kit.command import COURIER, Answer, Asked, Command, Option, Reply, choice, text
from commands.kit.errors import UserError
from commands.kit.forms import MAX_OPTIONS
from commands.kit.people import Person
from commands.kit.services import Services
from commands.kit.words import count, esc, metric
from commands.models import compare, curves
from commands.models.lineage import card, lineage
from commands.models.messages import line, versions
from commands.models.where import devices_of, on_the_lines
from storage import catalog

SHOWN = 10
VERSIONS = "models.versions"
COMPARE_WORD = "compare"


def registered_models(services: Services, person: Person, typed: str) -> list[Option]:
    """Type-ahead over model names."""
    return narrowed(services, typed, _options)


def _options(tx: Connection, services: Services, containing: str) -> list[Option]:
    rows = catalog.latest_models(tx, limit=MAX_OPTIONS, containing=containing)
    return [
        Option(row.name, row.name, f"v{row.version} · mAP {metric(row.mean_average_precision)}")
        for row in rows
    ]


@dataclass(frozen=True)
class ModelsArgs:
    name: str = choice(
        "Model",
        from_=registered_models,
        default="",
        hint="Cap_Detection_Model, or one version of it: Cap_Detection_Model:4",
    )
    versions: str = text(
        "Versions", default="", rest=True, hint="after compare: Cap_Detection_Model:4 Cap_Detection_Model:3"
    )


models = Command(
    "/models",
    ModelsArgs,
    role="view",
    summary="Registered models, their metrics and versions",
    examples=(
        ("/models Cap_Detection_Model", "its versions"),
        ("/models Cap_Detection_Model:4", "where version 4 comes from, and where it went"),
        ("/models compare Cap_Detection_Model:4 Cap_Detection_Model:3", "two beside each other"),
    ),
)


@models.check
def model_is_there(args: ModelsArgs, services: Services) -> None:
    if not args.name or args.versions or ":" in args.name:
        return
    if not services.store.recall(
        (model_is_there, args.name), lambda tx: catalog.versions_of(tx, args.name, limit=1)
    ):
        raise UserError(
            f"No registered model is called “{args.name[:80]}”.",
            "/models lists those that are.",
            field="name",
        )


@models.run
def show(args: ModelsArgs, asked: Asked, services: Services) -> Reply:
    if args.versions:
        return _compared(args, services)
    name, colon, version = args.name.rpartition(":")
    if colon:
        return _lineage(name, version, services)
    if args.name:
        return _of(args.name, services)
    with services.store.read() as tx:
        rows = catalog.latest_models(tx, limit=SHOWN + 1)
        lines = on_the_lines(tx)
    if not rows:
        return Reply(note("No model is registered yet. Type `/train` to make the first one."))
    blocks = [header("Registered models, newest first")]
    blocks += [section(line(row), button("Versions", VERSIONS, row.name)) for row in rows[:SHOWN]]
    if len(rows) > SHOWN:
        blocks.append(context("There are more: type `/models` and a name."))
    if lines:
        blocks += [divider(), header("What runs where"), *lines]
    return Reply(
        Message(f"{count(len(rows), 'registered model')}; the newest is {esc(rows[0].name)}.", blocks)
    )


def _compared(args: ModelsArgs, services: Services) -> Reply:
    said = args.versions.split()
    if args.name != COMPARE_WORD or len(said) != 2:
        raise UserError(
            f"“{esc(args.name[:80])} {esc(args.versions[:80])}” is not understood.",
            "Write `/models compare Cap_Model:4 Cap_Model:3`, or a name alone.",
        )
    with services.store.read() as tx:
        return Reply(compare.shown(compare.pair(tx, *said)))


@models.action("compare")
def compare_with(chosen: str, asked: Asked, services: Services) -> Answer:
    one, _, rest = chosen.partition(" ")
    other, _, name = rest.partition(" ")
    with services.store.read() as tx:
        return Reply(compare.shown(compare.pair(tx, f"{name}:{one}", f"{name}:{other}")))


@models.action("versions")
def show_versions(name: str, asked: Asked, services: Services) -> Answer:
    return _of(name, services)


@models.action("devices")
def show_devices(target: str, asked: Asked, services: Services) -> Answer:
    return Reply(devices_of(target, services))


@models.action("lineage")
def show_lineage(model: str, asked: Asked, services: Services) -> Answer:
    name, _, version = model.rpartition(":")
    return _lineage(name, version, services)


@models.action("curves")
def show_curves(model: str, asked: Asked, services: Services) -> Answer:
    name, _, version = model.rpartition(":")
    where = curves.show(name, version, asked, services)
    services.wake(COURIER)
    return Reply(note(f"Precision against recall of {esc(name)} v{esc(version)} is {where}."))


def _lineage(name: str, version: str, services: Services) -> Reply:
    number = catalog.number_of(version)
    with services.store.read() as tx:
        found = lineage(tx, name, number) if number else None
    if found is None:
        raise UserError(
            f"No registered model is called “{esc(name[:80])}” with a version “{esc(version[:20])}”.",
            "/models lists those that are.",
        )
    return Reply(card(found))


def _of(name: str, services: Services) -> Reply:
    with services.store.read() as tx:
        rows = catalog.versions_of(tx, name)
        has_curves = bool(rows) and curves.curves(tx, rows[0]) is not None
    if not rows:
        raise UserError(f"No registered model is called “{esc(name[:80])}”.", "/models lists those that are.")
    return Reply(versions(name, rows, has_curves=has_curves))
