"""The live message of a publish run, from the request to its end."""

from typing import Any

from commands.kit.blocks import (
    Block,
    Element,
    Message,
    actions,
    button,
    confirm,
    context,
    header,
    link,
    section,
)
from commands.kit.words import code, duration, esc, when
from storage import catalog
from storage.publishes import PublishRun

START, OTHER, AGAIN, CANCEL = "publish.start", "publish.other", "publish.again", "publish.cancel"
OPEN_RUN = "publish.open"
TRAIN = "train.start"
STAGES_SHOWN, JOBS_SHOWN = 8, 5
OPENERS = {"permission": "Open and permit it", "approval": "Open and approve it"}
STARTED_BY = {
    "individualCI": "Started by a push of {}",
    "batchedCI": "Started by a push of {}",
    "pullRequest": "Started by a pull request of {}",
    "schedule": "Started by its schedule",
}
RESULTS = {
    "succeeded": ":white_check_mark: {} done",
    "succeededWithIssues": ":white_check_mark: {} done, with warnings",
    "failed": ":x: {} failed",
    "canceled": ":no_entry_sign: {} canceled",
    "abandoned": ":x: {} abandoned",
    "skipped": ":fast_forward: {} skipped",
}


def live(run: PublishRun, used: str | None) -> Message:
    """What the channel reads about a run now; `used` is the component version that trainings use."""
    if run.state == "published":
        return _published(run, used)
    if run.state in ("failed", "lost"):
        return _failed(run, used)
    if run.state == "canceled":
        return _canceled(run, used)
    return _under_way(run)


def phase(run: PublishRun) -> str:
    """Where a run stands, in a few words without markup."""
    if run.cancel_by:
        return "being canceled"
    if run.state in ("requested", "queueing"):
        return "being handed to Azure DevOps"
    if run.state == "completed":
        return "done, looking for the new version"
    if run.waiting:
        return "waiting"
    stage = next((stage for stage in _stages(run) if stage["state"] == "inProgress"), None)
    if stage is None:
        return "waiting to start" if run.state == "queued" else "running"
    if len(_stages(run)) == 1:
        return f"at the step {_task(stage)}" if _task(stage) else "running"
    return f"{stage['name']}, {_task(stage)}" if _task(stage) else str(stage["name"])


def commit_words(commit_id: str | None, title: str | None, author: str | None) -> str:
    """A commit in mrkdwn: its short id, what it says and who made it."""
    if not commit_id:
        return "commit unknown"
    said = f" {esc(title)}" if title else ""
    return f"{code(commit_id[:7])}{said}" + (f", by {esc(author)}" if author else "")


def standing(run: PublishRun) -> str:
    """How a run stands or ended, in a few words without markup."""
    if run.state == "published":
        return f"published as version {run.version}"
    return phase(run) if run.is_open else run.state


def reason(run: PublishRun) -> str:
    """Why it waits, is stuck or failed, in mrkdwn; empty where there is nothing to tell."""
    if run.state in ("failed", "lost") and run.failure:
        return f":x: {esc(run.failure.get('cause') or '')} {esc(run.failure.get('remedy') or '')}".strip()
    if run.trouble and run.is_open:
        return f":warning: {esc(run.trouble)}"
    waiting = run.waiting or {}
    return f"{esc(waiting.get('sentence') or '')} {esc(waiting.get('remedy') or '')}".strip()


def cancel_button(run: PublishRun) -> Element:
    sure = confirm(
        "Cancel this run?",
        f"The pipeline that publishes {run.branch} stops. Trainings go on using what was published before.",
        "Cancel the run",
        "Keep it running",
    )
    return button("Cancel the run", CANCEL, run.id, style="danger", confirm=sure)


def open_button(run: PublishRun) -> Element | None:
    """Leads to the run's page, where what it waits for can be given."""
    if not run.run_url:
        return None
    kind = (run.waiting or {}).get("kind", "") if run.is_open else ""
    return link(OPENERS.get(kind, "Open in Azure DevOps"), run.run_url, OPEN_RUN)


def _under_way(run: PublishRun) -> Message:
    title = f"Publishing {run.branch}: {phase(run)}"
    blocks: list[Block] = [header(title), section(_lead(run))]
    if stages := stage_lines(run):
        blocks.append(section("\n".join(stages)))
    blocks.append(_footer(run))
    stop = None if run.cancel_by or run.state == "completed" else cancel_button(run)
    if stop or run.run_url:
        blocks.append(actions(open_button(run), stop))
    return Message(f"{esc(title)}.", blocks)


def _lead(run: PublishRun) -> str:
    if run.cancel_by and not run.trouble:
        return f"{esc(run.cancel_by)} canceled it. Azure DevOps is ending it."
    if told := reason(run):
        return told
    if run.state in ("requested", "queueing"):
        return "The request is written down and goes to Azure DevOps now."
    if run.state == "completed":
        return "The pipeline has ended well. Spotter checks that the workspace has the new version."
    if run.started_at:
        return f"Running since {when(run.started_at)}."
    return "Azure DevOps has it in its queue."


def _published(run: PublishRun, used: str | None) -> Message:
    title = f"Training pipeline version {run.version} published from {run.branch}"
    newer = _is_newer(used, run.version)
    lead = (
        f"Trainings use version {esc(used)}, which was published after it."
        if newer
        else "Trainings use it from now on."
    )
    took = f" It took {duration(run.ended_at - run.requested_at)}." if run.ended_at else ""
    late = f" {esc(run.cancel_by)} wanted to cancel it, but it was done." if run.cancel_by else ""
    blocks = [header(title), section(lead + took + late), _footer(run)]
    if buttons := [
        each for each in (None if newer else button("Start a training", TRAIN), open_button(run)) if each
    ]:
        blocks.append(actions(*buttons))
    return Message(f"{esc(title)}. {lead}", blocks)


def _is_newer(used: str | None, version: str | None) -> bool:
    """Versions are numbers of builds; anything else is not compared."""
    one, other = catalog.number_of(used or ""), catalog.number_of(version or "")
    return one is not None and other is not None and one > other


def _failed(run: PublishRun, used: str | None) -> Message:
    failure = run.failure or {}
    title = f"Publishing {run.branch} " + ("failed" if run.state == "failed" else "was lost")
    cause = failure.get("cause") or "Azure DevOps gave no reason."
    said = (
        f"\nAzure DevOps says ({esc(failure['where'])}): {esc(failure['raw'])}" if failure.get("raw") else ""
    )
    lead = f":x: {esc(cause)} {esc(failure.get('remedy') or '')}".rstrip() + said
    blocks = [header(title), section(lead), section(_still(used)), _footer(run)]
    if stages := stage_lines(run):
        blocks.insert(2, section("\n".join(stages)))
    blocks.append(actions(button("Publish again", AGAIN, run.id, style="primary"), open_button(run)))
    return Message(f"{esc(title)}. {esc(cause)}", blocks)


def _canceled(run: PublishRun, used: str | None) -> Message:
    who = f"by {run.cancel_by}" if run.cancel_by else "in Azure DevOps, not through Spotter"
    title = f"Publishing {run.branch} canceled {who}"
    again = button("Publish again", AGAIN, run.id)
    blocks = [header(title), section(_still(used)), _footer(run), actions(again, open_button(run))]
    return Message(f"{esc(title)}. {_still(used)}", blocks)


def _still(used: str | None) -> str:
    return (
        f"Trainings go on using version {esc(used)}."
        if used
        else "No version is published yet, and trainings need one."
    )


def _footer(run: PublishRun) -> Block:
    if run.elsewhere:
        start = STARTED_BY.get(run.reason or "", "Started in Azure DevOps by {}")
        asked = start.format(esc(run.requested_by_name or "someone"))
    else:
        asked = f"Asked by {esc(run.requested_by_name)}"
    commit = commit_words(run.commit_id, run.commit_title, run.commit_author) if run.commit_id else ""
    return context(f"{asked} {when(run.requested_at)}", commit, f"run {code(run.run_name or run.id)}")


def stage_lines(run: PublishRun) -> list[str]:
    """Each stage, and its jobs where it has several."""
    lines: list[str] = []
    for stage in _stages(run)[:STAGES_SHOWN]:
        lines.append(_part_line(stage, f"*{esc(stage['name'])}*", _task(stage)))
        if len(stage["jobs"]) > 1:
            lines += [
                f"      {_part_line(job, esc(job['name']), job['task'])}"
                for job in stage["jobs"][:JOBS_SHOWN]
            ]
    return lines


def _part_line(part: dict[str, Any], name: str, task: str) -> str:
    if part["state"] == "completed":
        return RESULTS.get(part["result"], f":grey_question: {{}} {esc(part['result'])}").format(name)
    if part["state"] == "inProgress":
        return f":hourglass_flowing_sand: {name} running" + (f": {esc(task)}" if task else "")
    return f":white_circle: {name} not started"


def _task(stage: dict[str, Any]) -> str:
    """What the stage's job does, where that is just one."""
    tasks = [job["task"] for job in stage["jobs"] if job["task"]]
    return str(tasks[0]) if len(tasks) == 1 else ""


def _stages(run: PublishRun) -> list[dict[str, Any]]:
    return run.stages or []
