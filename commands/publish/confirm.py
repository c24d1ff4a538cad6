"""What would be published: the branch, its last commit, and what trainings use now."""

from sqlalchemy import Connection

from commands.kit.blocks import Block, Element, Message, actions, button, context, header, section
from commands.kit.services import Services
from commands.kit.words import code, esc, when
from commands.publish.messages import OTHER, START, commit_words
from commands.publish.show import used_version
from storage import publishes
from storage.publishes import BranchRow, PublishRun


def confirmation(branch: str, row: BranchRow | None, services: Services, *, moved: bool = False) -> Message:
    """`row` is None where the repository is not in Azure Repos; `moved`: there are newer commits than was shown."""
    with services.store.read() as tx:
        last = next(iter(publishes.recent(tx, 1, ("published",))), None)
        used = used_version(tx)
        same = _under_way(tx, branch, row)
    title = f"Publish the training pipeline from {branch}?"
    blocks: list[Block] = [header(title)]
    if moved:
        blocks.append(section(f":warning: {esc(branch)} has a newer commit than the one you saw."))
    blocks += [section(_commit(branch, row)), section(_now(used, last, row))]
    if same is not None:
        blocks.append(section(f":hourglass: {esc(same.requested_by_name)} is publishing this commit now."))
    blocks.append(context(f"Runs the pipeline {code(services.policy.pipelines.publish)} in Azure DevOps"))
    start = None if same is not None else _start(branch, row)
    blocks.append(actions(start, button("Choose another branch", OTHER)))
    return Message(f"{esc(title)} {_in_short(used)}", blocks)


def _start(branch: str, row: BranchRow | None) -> Element:
    return button(f"Publish {branch}", START, f"{row.commit_id if row else ''} {branch}", style="primary")


def _under_way(tx: Connection, branch: str, row: BranchRow | None) -> PublishRun | None:
    commit = row.commit_id if row else None
    return next(
        (
            run
            for run in publishes.open_runs(tx)
            if run.branch == branch and run.commit_id == commit and not run.cancel_by
        ),
        None,
    )


def _commit(branch: str, row: BranchRow | None) -> str:
    if row is None:
        return f"The newest commit of {code(branch)}. Its repository is not in Azure Repos, so Spotter cannot show it."
    words = commit_words(row.commit_id, row.commit_title, row.commit_author)
    at = f", {when(row.commit_at)}" if row.commit_at else ""
    return f"*Last commit of {esc(branch)}*\n{words}{at}"


def _now(used: str | None, last: PublishRun | None, row: BranchRow | None) -> str:
    if used is None:
        return "*Last published*\nNothing yet: it is what trainings need first."
    text = f"*Last published*\nVersion {esc(used)}, which trainings use now"
    if last is None or last.version != used:
        return text
    text += f": from {esc(last.branch)} by {esc(last.requested_by_name)}"
    text += f", {when(last.ended_at)}" if last.ended_at else ""
    if row is not None and last.commit_id == row.commit_id:
        return f"{text}\nIt was made from this very commit: there is nothing new to publish."
    return text


def _in_short(used: str | None) -> str:
    return f"Trainings use version {esc(used)} now." if used else "Nothing is published yet."
