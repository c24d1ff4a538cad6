"""How a labeling project, a new export, and work on one are shown."""

from commands.exports import readiness
from commands.kit.blocks import Block, Message, actions, button, context, header, link, section
from commands.kit.policy import Exports
from commands.kit.words import code, count, esc, when
from infra.azureml.jobs import NOT_STARTED
from infra.azureml.labeling import LabelingProject
from storage.catalog import ExportRow
from storage.labels import LabelExport, Preparation

EXPORT_LABELS, PREPARE, STUDIO = "exports.label", "exports.prepare", "exports.studio"
TRAIN_ON_THIS = "train.on_export"


def project_line(project: LabelingProject, new: int | None, *, may_train: bool) -> Block:
    """One project with its progress; `new` is how many more pictures are labelled than its newest export holds."""
    share = f" ({project.labelled * 100 // project.total} %)" if project.total else ""
    told = f"{project.labelled:,} of {count(project.total, 'picture')} labelled{share}"
    if project.skipped:
        told += f", {project.skipped:,} skipped"
    if new is not None and new > 0:
        told += f", {new:,} of them since its newest export"
    elif new == 0:
        told += ", all of them in its newest export"
    offered = button("Export labels", EXPORT_LABELS, project.id) if may_train and project.labelled else None
    return section(f"*{esc(project.title)}*: {told}", offered)


def announcement(row: ExportRow, previous: ExportRow | None, problem: str, policy: Exports) -> Message:
    """A new export: what is in it, what is new, and whether it can be trained on. `problem` is why it cannot."""
    title = f"{row.name}: {_verdict(row, problem)}"
    found = readiness.counted(row)
    lines = [readiness.per_class(found) if found and found.boxes else readiness.summary(row)]
    lines += [esc(told) for told in (readiness.news(row, previous), readiness.measured_before(row)) if told]
    if problem:
        lines.append(f":warning: {esc(problem)}")
    if found and not problem:
        lines += [f":warning: {told}" for told in readiness.warnings(found, policy)]
    made = when(row.created_at) if row.created_at else ""
    footer = f"New labeling export {f'by {esc(row.created_by)} ' if row.created_by else ''}{made}".strip()
    chart = readiness.balance(found) if found else None
    blocks = [header(title), section("\n".join(lines)), *([chart] if chart else []), context(footer)]
    if row.kind == "coco" and not problem:
        blocks.append(actions(button("Prepare for training", PREPARE, row.name, style="primary")))
    elif row.kind == "mltable" and not problem:
        blocks.append(actions(button("Train", TRAIN_ON_THIS, row.name, style="primary")))
    return Message(f"New labeling export {esc(title)}.", blocks)


def _verdict(row: ExportRow, problem: str) -> str:
    found = readiness.counted(row)
    if found is None:
        return "a COCO export" if row.kind == "coco" else "it could not be read"
    boxes = count(found.all_boxes, "box", "boxes") if found.all_boxes else "no boxes"
    ready = "COCO, to be prepared for training" if row.kind == "coco" else "ready to train"
    if problem:
        ready = "not ready to train"
    return f"{count(found.images, 'image')}, {boxes}, {ready}"


def exporting(wish: LabelExport) -> Message:
    """The live message of a click on Export labels."""
    asked = context(f"Asked by {esc(wish.requested_by_name)} {when(wish.requested_at)}")
    again = actions(button("Export labels", EXPORT_LABELS, wish.project))
    if wish.state == "exported":
        title = f"Labels of {wish.title} exported"
        name = f" as {code(wish.export_name)}" if wish.export_name else ""
        text = f"*{esc(title)}*{name}. What is in it is announced below."
        return Message(f"{esc(title)}.", [section(text), asked])
    if wish.state in ("failed", "unknown"):
        failure = wish.failure or {}
        title = f"Labels of {wish.title} were not exported"
        if wish.state == "unknown":
            title = f"Labels of {wish.title}: it is not known whether they were exported"
        raw = f"\nAzure's words: {esc(failure['raw'])}" if failure.get("raw") else ""
        text = f":x: {esc(failure.get('cause', ''))} {esc(failure.get('remedy', ''))}{raw}"
        return Message(f"{esc(title)}.", [header(title), section(text), asked, again])
    title = f"Labels of {wish.title} are being exported"
    told = f":warning: {esc(wish.trouble)}" if wish.trouble else ""
    told = told or f"{count(wish.labelled, 'labelled picture')}. The new export is announced here."
    return Message(f"{esc(title)}.", [section(f"*{esc(title)}*\n{told}"), asked])


def preparing(preparation: Preparation) -> Message:
    """The live message of a click on Prepare."""
    name = preparation.export_name
    studio = link("Open in studio", preparation.studio_url, STUDIO) if preparation.studio_url else None
    footer = context(
        f"Asked by {esc(preparation.requested_by_name)} {when(preparation.requested_at)}",
        f"job {code(preparation.id)} on {code(preparation.cluster)}",
    )
    if preparation.state == "prepared":
        title = f"{name} prepared for training"
        text = f"*{esc(title)}* as {code(preparation.target)}. What is in it is announced below."
        return Message(f"{esc(title)}.", [section(text), footer])
    if preparation.state == "failed":
        failure = preparation.failure or {}
        title = f"{name} could not be prepared"
        raw = f"\nAzure's words: {esc(failure['raw'])}" if failure.get("raw") else ""
        text = f":x: {esc(failure.get('cause', ''))} {esc(failure.get('remedy', ''))}{raw}"
        blocks = [header(title), section(text), footer]
        again = button("Prepare again", PREPARE, name) if failure.get("again") else None
        return Message(f"{esc(title)}.", [*blocks, actions(again, studio)] if again or studio else blocks)
    title = f"{name} is being prepared for training"
    told = f":warning: {esc(preparation.trouble)}" if preparation.trouble else _phase(preparation)
    blocks = [section(f"*{esc(title)}*\n{told}"), footer]
    return Message(f"{esc(title)}.", [*blocks, actions(studio)] if studio else blocks)


def _phase(preparation: Preparation) -> str:
    if preparation.state != "running":
        return "The request is written down and goes to Azure now."
    if preparation.status in NOT_STARTED:
        return "It waits for a machine, which may take some minutes to start."
    return "Its boxes are being converted."
