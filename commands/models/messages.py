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
    fields,
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
    trend: Trend | None = None,
    trend_drawn: Block | None = None,
    held_out: Block | None = None,
    has_curves: bool = False,
) -> Message:
    """A new version: its metrics beside the previous version's, where it comes from, and the trend.

    `earlier` are the versions before it, newest first; `run` is the training that made it, None for a version that
    was registered by hand; `thin_classes` are classes of its dataset with few boxes. `measured` is the new version on
    the held-out pictures, and `measured_before` the previous one on the same, or `trouble_before` why not.
    `trend_drawn` is the picture of `trend`, and `held_out` shows some of those pictures.
    """
    previous = earlier[0] if earlier else None
    title = f"{model.name} v{model.version} registered: {_verdict(model, previous)}"
    blocks: list[Block] = [header(title), _metrics(model, previous), section(_story(model, previous, run))]
    if measured:
        blocks.append(section(_side_by_side(model, previous, measured, measured_before, trouble_before)))
    if thin_classes:
        few = esc(", ".join(thin_classes))
        blocks.append(section(f":warning: Few boxes of {few}: the metrics hardly measure them."))
    if held_out:
        blocks.append(held_out)
    if trend:
        blocks.append(trend.chart())
    blocks.append(context(_origin(model, run)))
    ask = button("Deploy …", DEPLOY, f"{model.name}:{model.version}") if deployable else None
    shown = button("Precision and recall", CURVES, f"{model.name}:{model.version}") if has_curves else None
    studio = link("Open in studio", run.studio_url, "models.studio") if run and run.studio_url else None
    if ask or shown or studio:
        blocks.append(actions(ask, shown, studio))
    return Message(f"{esc(title)}.", blocks, trend_drawn)


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


def _verdict(model: ModelRow, previous: ModelRow | None) -> str:
    if model.mean_average_precision is None:
        return "no metrics in its tags"
    figure = f"mAP {metric(model.mean_average_precision)}"
    if previous is None:
        return f"{figure}, the first version"
    if previous.mean_average_precision is None:
        return figure
    moved = delta(model.mean_average_precision, previous.mean_average_precision)
    return f"{figure}, {moved} {'from' if moved == 'unchanged' else 'than'} v{previous.version}"


def _metrics(model: ModelRow, previous: ModelRow | None) -> Block:
    if model.mean_average_precision is None:
        return section(
            "It carries no “Mean Average Precision” tag, so it cannot be compared. "
            "Versions that come from `/train` are measured and tagged."
        )
    if previous is None:
        pairs = [
            ("mAP", metric(model.mean_average_precision)),
            ("Precision", metric(model.precision)),
            ("Recall", metric(model.recall)),
            ("Compared with", "no earlier version"),
        ]
        return fields(pairs)
    rows = [["Metric", f"v{model.version}", f"v{previous.version}", "Change"]]
    for label, attribute in (
        ("mAP", "mean_average_precision"),
        ("Precision", "precision"),
        ("Recall", "recall"),
    ):
        now, before = getattr(model, attribute), getattr(previous, attribute)
        rows.append([label, metric(now), metric(before), delta(now, before)])
    return table(rows)


def _story(model: ModelRow, previous: ModelRow | None, run: TrainingRun | None) -> str:
    dataset = model.tags.get(model_tags.DATASET)
    parts = [f"Trained on {code(dataset)}." if dataset else "It does not say what it was trained on."]
    if epoch := model.tags.get(model_tags.EPOCH):
        parts.append(f"Metrics are from epoch {esc(epoch)} of the best trial, measured on held-out pictures.")
    if previous and dataset and previous.tags.get(model_tags.DATASET) not in (None, dataset):
        parts.append(
            f"v{previous.version} was measured on pictures of {code(previous.tags[model_tags.DATASET])}, "
            "so read the change with care."
        )
    if run is None:
        parts.append("No training that Spotter started made it.")
    return " ".join(parts)


def _side_by_side(
    model: ModelRow, previous: ModelRow | None, measured: Figures, before: Figures | None, trouble: str
) -> str:
    """The versions on the same pictures, and the class that is found worst."""
    on = f"{count(measured['pictures'], 'held-out picture')} of {code(measured['dataset'])}"
    now = f"v{model.version} has mAP {metric(measured['mean_average_precision'])}"
    parts = [f"On {on}, {now}."]
    if previous and before:
        moved = delta(measured["mean_average_precision"], before["mean_average_precision"])
        than = "as" if moved == "unchanged" else "than"
        theirs = f"v{previous.version} with mAP {metric(before['mean_average_precision'])}"
        parts = [f"On the same {on}, {now}: {moved} {than} {theirs}."]
        if not before["held_out"]:
            parts.append(f"v{previous.version} may have learned from some of them.")
    elif previous and trouble:
        parts.append(f"v{previous.version} could not be measured on them: {esc(trouble)}")
    if worst := worst_class(measured):
        label, figures = worst
        boxes = count(figures["boxes"], "box", "boxes")
        average = metric(figures["average_precision"])
        parts.append(f"Found worst: {code(label)}, average precision {average} over {boxes}.")
    return " ".join(parts)


def _origin(model: ModelRow, run: TrainingRun | None) -> str:
    if run is None:
        who = f"Registered by {esc(model.created_by)}" if model.created_by else "Registered"
        return f"{who} {when(model.created_at)}" if model.created_at else who
    took = f" in {duration(model.created_at - run.requested_at)}" if model.created_at else ""
    return f"Trained for {esc(run.requested_by_name)}{took} on {code(run.cluster)}, run {code(run.id)}"
