"""Precision against recall of a version, class by class, as its training measured it on held-out pictures."""

from dataclasses import dataclass

from sqlalchemy import Connection

from commands.kit.blocks import Message, context, header, picture
from commands.kit.command import Asked
from commands.kit.errors import UserError
from commands.kit.services import Services
from commands.kit.words import code, count, esc, metric
from commands.models.measured import evaluation_of, missing_because
from infra.azureml.evaluations import ClassFigures, Evaluation, Measured
from storage import catalog, messages, pictures
from storage.catalog import ModelRow

MOST_CLASSES = 7
CURVES = "models.curves"


@dataclass(frozen=True)
class Curves:
    """`classes` are those that are drawn, the worst first, of `all_classes`."""

    model: ModelRow
    found: Evaluation
    classes: list[tuple[str, ClassFigures]]
    all_classes: int

    @property
    def title(self) -> str:
        worst = f": {self.classes[0][0]} is found worst" if self.all_classes > 1 else ""
        return f"{self.model.name} v{self.model.version}, precision against recall{worst}"

    @property
    def words(self) -> str:
        """Where each curve ends: at all boxes that the model answers with, as a device gets them."""
        told = [
            f"{label}: average precision {metric(each.average_precision)}, ends at precision "
            f"{metric(each.precision)} and recall {metric(each.recall)}"
            for label, each in self.classes
        ]
        return f"{self.title}. {'; '.join(told)}."

    def drawn(self) -> bytes:
        from commands.kit.plots import Line, line_chart, shares  # Pillow is only needed here

        lines = [
            Line(label, _curve(each), f"AP {metric(each.average_precision)}, {_boxes(each)}")
            for label, each in self.classes
        ]
        title = f"{self.model.name} v{self.model.version}"
        return line_chart(title, shares("Recall"), shares("Precision"), lines)

    def message(self, digest: str) -> Message:
        pictured = self.found.set.pictures if self.found.set else 0
        on = f"{count(pictured, 'held-out picture')} of {code(self.found.dataset)}"
        some = f" The {len(self.classes)} of {self.all_classes} classes that are found worst."
        explained = (
            f"On {on}.{some if len(self.classes) < self.all_classes else ''} Each curve goes from the surest "
            "box to all that the model answers with, as a device gets them; that end is marked."
        )
        blocks = [header(self.title), picture(digest, self.words, "Class by class"), context(explained)]
        return Message(f"{esc(self.words)}", blocks)


def curves(tx: Connection, model: ModelRow) -> Curves | None:
    """None where nothing was measured of which a curve could be drawn."""
    found = evaluation_of(tx, model)
    mine = _of(found, model)
    drawable = {label: each for label, each in mine.classes.items() if each.points} if mine else {}
    if found is None or not drawable:
        return None
    worst_first = sorted(drawable.items(), key=lambda each: (each[1].average_precision, each[0]))
    return Curves(model, found, worst_first[:MOST_CLASSES], len(drawable))


def show(name: str, version: str, asked: Asked, services: Services) -> str:
    """Draws the curves and has them posted: below the announcement where it was asked for there, else to the person.

    Where they are, in words. Raises UserError where there are none.
    """
    with services.store.read() as tx:
        number = catalog.number_of(version)
        model = catalog.get_model(tx, name, number) if number else None
        found = curves(tx, model) if model else None
        reason = missing_because(tx, model) if model else ""
        card = messages.get(tx, f"model:{name}:{version}")
    if model is None:
        raise UserError(f"{esc(name[:80])} v{esc(version[:20])} is not in the registry any more.", "/models.")
    if found is None:
        told = reason or "Its training has not measured it on held-out pictures (yet)."
        raise UserError(
            f"There is no curve of {esc(name)} v{model.version}. {esc(told)}", "/models compares."
        )
    drawn, now = found.drawn(), services.clock.now()
    below = card is not None and card.state == "open" and card.channel == asked.channel
    key = f"model:{name}:{version}:curves" + ("" if below else f":{asked.person.id}")
    with services.store.write() as tx:
        digest = pictures.put(tx, drawn, f"{name}-v{version}-curves.png", found.words, now)
        messages.want(
            tx,
            key,
            channel=asked.channel if below else asked.person.id,
            content=found.message(digest).content(),
            at=now,
            urgency=messages.RESULT,
            parent_key=f"model:{name}:{version}" if below else None,
            fallback=asked.person.id,
        )
    return "in the announcement's thread" if below else "in your messages from Spotter"


def _of(found: Evaluation | None, model: ModelRow) -> Measured | None:
    named = (model.name, model.version)
    return (
        next((each for each in found.models if (each.name, each.version) == named), None) if found else None
    )


def _curve(each: ClassFigures) -> list[tuple[float, float]]:
    """Recall and precision in falling order of score, from where the surest box would leave no other."""
    points = [(recall, precision) for _, precision, recall in each.points]
    return [(0.0, points[0][1]), *points]


def _boxes(each: ClassFigures) -> str:
    return count(each.boxes, "box", "boxes")
