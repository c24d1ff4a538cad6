"""The tree of runs below a training job, as Azure really builds it: job → AutoML step → sweep → trials.

Works on run history's own JSON. Also used inside the job: needs nothing but Python 3.10.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Run = Mapping[str, Any]

TRAIN_STEP = "train"
DEEPEST = 4
_NUMBERED = re.compile(r".*_(\d{1,9})")
_HELPERS = ("_setup", "_featurize", "_preparation", "_modelexplain")


@dataclass(frozen=True)
class Tree:
    """What there is so far. `sweep` is the run right above the trials, where it is not the AutoML step itself."""

    steps: Sequence[Run]
    train: Run | None = None
    sweep: Run | None = None
    trials: Sequence[Run] = ()


def find_tree(children: Callable[[str], Sequence[Run]], job_name: str, sweep_id: str = "") -> Tree:
    """Walks down from a job; `children` gives the runs right below one. A `sweep_id` known from before saves calls."""
    steps = children(job_name)
    train = next((step for step in steps if _is_automl(step)), None) or next(
        (step for step in steps if step.get("displayName") == TRAIN_STEP), None
    )
    if train is None:
        return Tree(steps)
    sweep, trials = _find_trials(children, sweep_id or str(train.get("runId")))
    return Tree(steps, train, sweep, sorted(trials, key=_order))


def trial_number(run_id: str) -> int | None:
    """A trial's number as its id tells, from 0; None for a run that is no trial of a sweep."""
    found = _NUMBERED.fullmatch(run_id)
    return int(found[1]) if found else None


def best_trial_id(tree: Tree) -> str:
    """The best trial as AutoML or the sweep names it; empty where neither does (yet)."""
    for run, name in ((tree.train, "automl_best_child_run_id"), (tree.sweep, "best_child_run_id")):
        for holder in ("tags", "properties"):
            named = ((run or {}).get(holder) or {}).get(name)
            if named:
                return str(named)
    return ""


def _find_trials(children: Callable[[str], Sequence[Run]], run_id: str) -> tuple[Run | None, Sequence[Run]]:
    holder: Run | None = None
    for _ in range(DEEPEST):
        below = [run for run in children(run_id) if not str(run.get("runId")).endswith(_HELPERS)]
        deeper = next((run for run in below if _holds_trials(run)), None)
        if deeper is None:
            return holder, below
        holder, run_id = deeper, str(deeper.get("runId"))
    return holder, []


def _holds_trials(run: Run) -> bool:
    run_id = str(run.get("runId"))
    if trial_number(run_id) is not None:
        return False
    kind = _kind(run)
    return run_id.endswith("_HD") or "automl" in kind or "hyperdrive" in kind or "sweep" in kind


def _is_automl(run: Run) -> bool:
    return "automl" in _kind(run)


def _kind(run: Run) -> str:
    """Everything that Azure says about a run's type."""
    v2, properties = run.get("runTypeV2") or {}, run.get("properties") or {}
    told = [run.get("runType"), v2.get("orchestrator"), *(v2.get("traits") or ())]
    told += [properties.get("runTemplate"), properties.get("azureml.runsource")]
    return " ".join(str(each) for each in told if each).lower()


def _order(run: Run) -> tuple[bool, int, str]:
    number = trial_number(str(run.get("runId")))
    return number is None, number or 0, str(run.get("createdUtc") or "")
