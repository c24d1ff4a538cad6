"""How a model version is shown: announced in a channel, or listed in an answer."""

from collections.abc import Sequence

from commands.kit.blocks import (
    MAX_VALUE,
    Block,
    Element,
    Message,
    actions,
    button,
    context,
    header,
    link,
    option,
    section,
    select,
    table,
)
from commands.kit.words import code, count, delta, duration, esc, metric, when
from commands.models.curves import CURVES
from commands.models.measured import Figures, worst_class
from commands.models.trend import Trend
from infra.training.register import model_tags
from storage.catalog import ModelRow
from storage.runs import TrainingRun

DEPLOY, LINEAGE, COMPARE = "deploy.ask", "models.lineage", "models.compare"
MAP = "mean_average_precision"
METRICS = (("mAP", MAP), ("Precision", "precision"), ("Recall", "recall"))


def announcement(
    model: ModelRow,
    earlier: Sequence[ModelRow],
    run: TrainingRun | None,
    thin_classes: Sequence[str] = (),
    *,
    deployable: bool = False,
    measured: Figures | None = None,
    measured_before: Figures | None = None,
    trouble_before: str = "",
    held_out: Block | None = None,
    has_curves: bool = False,
) -> Message:
    """A new version: its metrics beside the previous version's, and where it comes from.

    `earlier` are the versions before it, newest first; `run` is the training that made it, None for a version that
    was registered by hand; `thin_classes` are classes of its dataset with few boxes. `measured` is the new version on
    the held-out pictures, and `measured_before` the previous one on the same, or `trouble_before` why not.
    `held_out` shows some of those pictures.
    """
    previous = earlier[0] if earlier else None
    now, before = measured or _tagged(model), measured_before or _tagged(previous)
    title = f"{model.name} v{model.version} registered: {_verdict(now, before, previous)}"
    blocks: list[Block] = [header(title), _metrics(model, now, previous, before)]
    if evidence := _evidence(model, previous, measured, measured_before, trouble_before):
        blocks.append(section(evidence))
    if thin_classes:
        few = esc(", ".join(thin_classes))
        blocks.append(section(f":warning: Few boxes of {few}: the metrics hardly measure them."))
    if held_out:
        blocks.append(held_out)
    blocks.append(context(*_origin(model, run)))
    ask = button("Deploy …", DEPLOY, f"{model.name}:{model.version}") if deployable else None
    shown = button("Precision and recall", CURVES, f"{model.name}:{model.version}") if has_curves else None
    studio = link("Open in studio", run.studio_url, "models.studio") if run and run.studio_url else None
    if ask or shown or studio:
        blocks.append(actions(ask, shown, studio))
    return Message(f"{esc(title)}.", blocks)


def details(
    model: ModelRow, trend: Trend | None, trend_drawn: Block | None, pictures: Sequence[Block]
) -> Message | None:
    """What stands in the thread of an announcement: mAP over the versions, and the pictures of its strip, large.

    `trend_drawn` is the picture of `trend`."""
    blocks: list[Block] = []
    if trend:
        blocks += [trend.chart(), context("Each version's mAP as its own training measured it.")]
    blocks += pictures
    if not blocks:
        return None
    told = f"{trend.words}." if trend else f"{model.name} v{model.version} on held-out pictures."
    return Message(esc(told), blocks, trend_drawn)


def versions(name: str, rows: Sequence[ModelRow], *, has_curves: bool) -> Message:
    """The versions of one model, newest first, each against the one before it. `has_curves`: the newest one has."""
    lines = [["Version", "mAP", "Change", "Precision", "Recall", "Dataset"]]
    for row, previous in zip(rows, [*rows[1:], None], strict=True):
        moved = delta(row.mean_average_precision, previous.mean_average_precision if previous else None)
        lines.append(
            [
                f"v{row.version}",
                metric(row.mean_average_precision),
                moved,
                metric(row.precision),
                metric(row.recall),
                row.tags.get(model_tags.DATASET, "–"),
            ]
        )
    newest = rows[0]
    title = f"{name}: v{newest.version} is the newest, mAP {metric(newest.mean_average_precision)}"
    block = table(lines)
    block["column_settings"][-1]["align"] = "left"
    lineage = button(f"Lineage of v{newest.version}", LINEAGE, f"{name}:{newest.version}")
    shown = button(f"Precision and recall of v{newest.version}", CURVES, f"{name}:{newest.version}")
    buttons = actions(_compare(name, newest, rows[1:]), shown if has_curves else None, lineage)
    return Message(f"{esc(title)}.", [header(title), block, buttons])


def _compare(name: str, newest: ModelRow, others: Sequence[ModelRow]) -> Element | None:
    """A menu of the versions to compare the newest with; none where the name leaves no room in its values."""
    values = [f"{newest.version} {other.version} {name}" for other in others]
    if not values or max(map(len, values)) > MAX_VALUE:
        return None
    options = [
        option(value, f"v{other.version}", f"mAP {metric(other.mean_average_precision)}")
        for value, other in zip(values, others, strict=True)
    ]
    return select(f"Compare v{newest.version} with …", COMPARE, options)


def line(row: ModelRow) -> str:
    """One model in a list."""
    figures = (
        f"mAP {metric(row.mean_average_precision)}, "
        f"precision {metric(row.precision)}, recall {metric(row.recall)}"
    )
    made = f", {when(row.created_at)}" if row.created_at else ""
    return f"*{esc(row.name)}* v{row.version}: {figures}{made}"


def _tagged(model: ModelRow | None) -> Figures | None:
    """What the training itself has measured; None without a mAP."""
    if model is None or model.mean_average_precision is None:
        return None
    return {figure: getattr(model, figure) for _, figure in METRICS}


def _verdict(now: Figures | None, before: Figures | None, previous: ModelRow | None) -> str:
    if now is None:
        return "no metrics in its tags"
    figure = f"mAP {metric(now[MAP])}"
    if previous is None:
        return f"{figure}, the first version"
    if before is None:
        return figure
    moved = delta(now[MAP], before[MAP])
    return f"{figure}, {moved} {'from' if moved == 'unchanged' else 'than'} v{previous.version}"


def _metrics(
    model: ModelRow, now: Figures | None, previous: ModelRow | None, before: Figures | None
) -> Block:
    if now is None:
        return section(
            "It carries no “Mean Average Precision” tag, so it cannot be compared. "
            "Versions that come from `/train` are measured and tagged."
        )
    rows = [["Metric", f"v{model.version}"]]
    rows += [[label, metric(now[figure])] for label, figure in METRICS]
    if previous:
        rows[0] += [f"v{previous.version}", "Change"]
        for row, (_, figure) in zip(rows[1:], METRICS, strict=True):
            then = before[figure] if before else None
            row += [metric(then), delta(now[figure], then)]
    return table(rows)


def _evidence(
    model: ModelRow, previous: ModelRow | None, measured: Figures | None, before: Figures | None, trouble: str
) -> str:
    """On which pictures the figures were measured, how far they compare, and the class that is found worst."""
    parts = []
    if measured:
        both = f"Both v{model.version} and v{previous.version} were" if previous and before else "It was"
        on = f"{count(measured['pictures'], 'held-out picture')} of {code(measured['dataset'])}"
        parts.append(f"{both} measured on the same {on}." if before else f"{both} measured on {on}.")
    if previous and before and not before["held_out"]:
        parts.append(f"v{previous.version} may have learned from some of them.")
    elif previous and not before and (measured and trouble):
        parts.append(f"v{previous.version} could not be measured on them: {esc(trouble)}")
    if previous and not before:
        parts += _with_care(model, previous)
    if measured and (worst := worst_class(measured)):
        label, figures = worst
        average, boxes = metric(figures["average_precision"]), count(figures["boxes"], "box", "boxes")
        parts.append(f"Found worst: {code(label)}, average precision {average} over {boxes}.")
    return " ".join(parts)


def _with_care(model: ModelRow, previous: ModelRow) -> list[str]:
    """Nothing where both learned from the same export, of which always the same pictures are held out."""
    dataset, theirs = (row.tags.get(model_tags.DATASET) for row in (model, previous))
    if not (dataset and theirs) or dataset == theirs:
        return []
    figures = f"v{previous.version}'s figures are from pictures of {code(theirs)}"
    return [f"{figures}, so read the change with care."]


def _origin(model: ModelRow, run: TrainingRun | None) -> list[str]:
    dataset, epoch = model.tags.get(model_tags.DATASET), model.tags.get(model_tags.EPOCH)
    on = f" on {code(dataset)}" if dataset else ""
    best = f"epoch {esc(epoch)} of the best trial" if epoch else ""
    if run is not None:
        took = f" in {duration(model.created_at - run.requested_at)}" if model.created_at else ""
        who = f"Trained for {esc(run.requested_by_name)}{took}{on}, on {code(run.cluster)}"
        return [who, best, f"run {code(run.id)}"]
    who = f"Registered by {esc(model.created_by)}" if model.created_by else "Registered"
    made = f" {when(model.created_at)}" if model.created_at else ""
    return [f"{who}{made}, {f'trained{on}' if on else 'it does not say on what it was trained'}", best]
