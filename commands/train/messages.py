"""The live message of a training, from the request to its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
    table,
)
from commands.kit.words import code, count, duration, esc, metric, money, when
from commands.train.estimate import Estimate, beside_actual, due, words
from infra.azureml.jobs import NOT_STARTED, TERMINAL
from infra.training.component import EVALUATE_STEP, SPLIT_STEP
from storage.runs import TrainingRun

MOST_BEFORE_THE_END = 0.95
EARLY = 0.1  # before that, what is left is a guess
TRIALS_SHOWN = 10
CANCEL, AGAIN, STUDIO = "train.cancel", "train.again", "train.studio"
MOVE, DETAILS = "train.move", "runs.details"


@dataclass(frozen=True)
class Spent:
    """What was expected of a training when it was asked for, and what its nodes have cost; None where not known."""

    expected: Estimate | None = None
    cost: float | None = None
    currency: str = "USD"


def live(run: TrainingRun, thin_classes: Sequence[str], now: datetime, spent: Spent) -> Message:
    """What the channel reads about a run now. `thin_classes` are classes with few boxes, worth a warning."""
    if run.state == "registered":
        return _registered(run, spent)
    if run.state in ("failed", "lost"):
        return _failed(run, spent)
    if run.state == "canceled":
        return _canceled(run, spent)
    return _under_way(run, thin_classes, now, spent.expected)


def _runs(run: TrainingRun, name: str) -> bool:
    """Whether this step of the pipeline is at work."""
    steps = (run.progress or {}).get("steps") or []
    return any(step["name"] == name and step["status"] not in (*NOT_STARTED, *TERMINAL) for step in steps)


def phase(run: TrainingRun) -> str:
    """Where a run stands, in a few words without markup."""
    trials = _trials(run)
    total = (run.progress or {}).get("max_trials") or len(trials)
    if run.cancel_by:
        return "being canceled"
    if run.state in ("requested", "submitting"):
        return "being handed to Azure"
    if run.state == "completed":
        return "trained, being registered"
    if not trials and _runs(run, SPLIT_STEP):
        return "holding out pictures to measure on"
    if all(trial["status"] in NOT_STARTED for trial in trials):
        return "waiting for a GPU node"
    open_trials = [trial for trial in trials if trial["status"] not in TERMINAL]
    if not open_trials and len(trials) >= total:
        return "comparing it with other models" if _runs(run, EVALUATE_STEP) else "registering the best trial"
    started = [str(trial["number"]) for trial in open_trials if trial["status"] not in NOT_STARTED]
    *others, last = started or [str(open_trials[0]["number"] if open_trials else len(trials))]
    return f"trials {', '.join(others)} and {last} of {total}" if others else f"trial {last} of {total}"


def best(run: TrainingRun) -> dict[str, Any] | None:
    """The trial with the best mAP so far."""
    scored = [trial for trial in _trials(run) if trial.get("mean_average_precision") is not None]
    return max(scored, key=lambda trial: float(trial["mean_average_precision"])) if scored else None


def share(run: TrainingRun) -> float:
    """How much is done, below 1 until the model is registered; a trial of unknown length counts half."""
    trials = _trials(run)
    total = (run.progress or {}).get("max_trials") or len(trials)
    if not total:
        return 0.0
    epochs = (run.progress or {}).get("max_epochs")
    done = 0.0
    for trial in trials:
        if trial["status"] in TERMINAL:
            done += 1
        elif trial["status"] not in NOT_STARTED:
            done += min(0.95, trial.get("epochs", 0) / epochs) if epochs else 0.5
    return min(MOST_BEFORE_THE_END, done / total)


def time_left(run: TrainingRun, now: datetime) -> str:
    """As its trials went so far; empty where that is not known yet."""
    done = share(run)
    if run.started_at is None or done < EARLY:
        return ""
    return duration((now - run.started_at) * ((1 - done) / done))


def trial_table(run: TrainingRun) -> Block | None:
    """The trials with their figures, in the order in which they were started."""
    trials = _trials(run)
    if not trials:
        return None
    leader = best(run)
    rows = [["Trial", "mAP", "Precision", "Recall", "State"]]
    for trial in trials[-TRIALS_SHOWN:]:
        state = _state(trial, (run.progress or {}).get("max_epochs")) + (
            ", best" if trial is leader and len(trials) > 1 else ""
        )
        rows.append(
            [
                str(trial["number"]),
                metric(trial.get("mean_average_precision")),
                metric(trial.get("precision")),
                metric(trial.get("recall")),
                state,
            ]
        )
    block = table(rows)
    block["column_settings"][-1]["align"] = "left"
    return block


def _under_way(
    run: TrainingRun, thin_classes: Sequence[str], now: datetime, expected: Estimate | None
) -> Message:
    leader = best(run)
    so_far = f", best mAP {metric(leader['mean_average_precision'])} so far" if leader else ""
    title = f"{run.model_name} training: {phase(run)}{so_far}"
    blocks: list[Block] = [header(title), section(_lead(run, now))]
    if trials := trial_table(run):
        blocks.append(trials)
    if thin_classes:
        few = esc(", ".join(thin_classes))
        blocks.append(context(f":warning: Few boxes of {few}: expect poor results there."))
    if expected or run.state in ("requested", "submitting", "queued"):
        is_stuck = not (run.waiting or {}).get("normal", True)
        done = "" if is_stuck else due(expected, run.requested_at, now)
        blocks.append(context(f"{words(expected)} {done}".rstrip()))
    blocks.append(_footer(run))
    stop = None if run.cancel_by or run.state == "completed" else cancel_button(run)
    helpful = helpful_button(run)
    if helpful or stop or run.studio_url:
        blocks.append(actions(helpful, _studio(run), stop))
    return Message(f"{esc(title)}.", blocks)


def _lead(run: TrainingRun, now: datetime) -> str:
    if run.trouble:
        return f":warning: {esc(run.trouble)}"
    if run.cancel_by:
        return f"{esc(run.cancel_by)} canceled it. Azure is ending the trials."
    waiting = run.waiting or {}
    if waiting.get("sentence"):
        remedy = f" {waiting['remedy']}" if waiting.get("remedy") else ""
        return f"{esc(waiting['sentence'])}{esc(remedy)}"
    if run.state in ("requested", "submitting"):
        return "The request is written down and goes to Azure now."
    elapsed = duration(now - run.requested_at)
    if not share(run):
        return f"Asked {elapsed} ago. The first figures come with a trial's first epoch."
    left = time_left(run, now)
    return f"{round(share(run) * 100)} % done after {elapsed}" + (f", about {left} left." if left else ".")


def _registered(run: TrainingRun, spent: Spent) -> Message:
    leader = best(run)
    figure = f", mAP {metric(leader['mean_average_precision'])}" if leader else ""
    title = f"{run.model_name} v{run.registered_version} trained{figure}"
    trials = _trials(run)
    failed = sum(trial["status"] == "Failed" for trial in trials)
    done = count(len(trials), "trial") + (f", {failed} of them failed," if failed else "")
    took = run.ended_at - run.requested_at if run.ended_at else timedelta()
    beside = beside_actual(spent.expected, took, spent.cost, spent.currency)
    lead = f"{done} in {beside}. The new version is announced below."
    blocks = [header(title), section(lead), _footer(run)]
    if run.studio_url:
        blocks.append(actions(_studio(run)))
    return Message(f"{esc(title)} in {duration(took)}.", blocks)


def _failed(run: TrainingRun, spent: Spent) -> Message:
    failure = run.failure or {}
    title = (
        f"{run.model_name} training failed"
        if run.state == "failed"
        else f"{run.model_name} training was lost"
    )
    cause = failure.get("cause") or "Azure gave no reason."
    remedy = failure.get("remedy") or ""
    where = f"\nAzure's words ({esc(failure['where'])}): {esc(failure['raw'])}" if failure.get("raw") else ""
    lead = f":x: {esc(cause)} {esc(remedy)}".rstrip() + where
    again = button("Train again", AGAIN, run.id, style="primary")
    if run.state == "lost":  # neither its trials nor its page in the studio exist any more
        return Message(
            f"{esc(title)}. {esc(cause)}", [header(title), section(lead), _footer(run), actions(again)]
        )
    blocks = [header(title), section(lead), _footer(run, spent), actions(again, _studio(run))]
    if trials := trial_table(run):
        blocks.insert(2, trials)
    return Message(f"{esc(title)}. {esc(cause)} {esc(remedy)}".strip(), blocks)


def _canceled(run: TrainingRun, spent: Spent) -> Message:
    who = f"by {run.cancel_by}" if run.cancel_by else "in Azure, not through Spotter"
    title = f"{run.model_name} training canceled {who}"
    blocks = [header(title), _footer(run, spent), actions(button("Train again", AGAIN, run.id), _studio(run))]
    return Message(f"{esc(title)}. No model was registered.", blocks)


def _footer(run: TrainingRun, spent: Spent | None = None) -> Block:
    """`spent` where nothing came of it: what its nodes have cost all the same."""
    cost = spent.cost if spent and spent.cost else 0.0
    return context(
        f"Asked by {esc(run.requested_by_name)} {when(run.requested_at)}",
        f"{code(run.dataset)} on {code(run.cluster)}",
        f"run {code(run.id)}",
        f"cost about {money(cost, spent.currency)}" if spent and round(cost, 2) > 0 else "",
    )


def helpful_button(run: TrainingRun) -> Element | None:
    """What may end its waiting: to look at who is ahead, or to go to another cluster."""
    waiting = run.waiting or {}
    if not run.is_open or run.cancel_by or run.trouble:
        return None
    if waiting.get("held_by"):
        return button("Show what is ahead", DETAILS, waiting["held_by"])
    return button("Move to another cluster", MOVE, run.id) if waiting.get("elsewhere") else None


def cancel_button(run: TrainingRun) -> Element:
    sure = confirm(
        "Cancel this training?",
        f"The trials of {run.model_name} stop, and what they have learned is lost.",
        "Cancel training",
        "Keep training",
    )
    return button("Cancel training", CANCEL, run.id, style="danger", confirm=sure)


def _studio(run: TrainingRun) -> Element | None:
    return link("Open in studio", run.studio_url, STUDIO) if run.studio_url else None


def _state(trial: dict[str, Any], max_epochs: int | None) -> str:
    status = str(trial["status"])
    if status == "Running" and trial.get("epochs"):
        return f"epoch {trial['epochs']} of {max_epochs}" if max_epochs else f"epoch {trial['epochs']}"
    known = {
        "Completed": "done",
        "Canceled": "stopped early",
        "Running": "starting",
    }
    return "waiting" if status in NOT_STARTED else known.get(status, status.lower())


def _trials(run: TrainingRun) -> list[dict[str, Any]]:
    trials: list[dict[str, Any]] = (run.progress or {}).get("trials") or []
    return trials
