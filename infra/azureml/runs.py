"""Runs as run history keeps them, and the tree below a training job: steps, sweep, trials."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from infra.azureml.connection import Connection
from infra.azureml.fields import mapping, moment, sequence, text, texts, value

DEEPEST = 4
AT_ONCE = 50
TRAIN_NODE = "train"
_NUMBERED = re.compile(r".*_(\d+)")
_HELPERS = ("_setup", "_featurize", "_preparation", "_modelexplain")


@dataclass(frozen=True)
class RunError:
    """Why a run failed: error codes from the outermost inwards, and Azure's message."""

    codes: tuple[str, ...]
    message: str


@dataclass(frozen=True)
class Run:
    """One run. `kind` is everything Azure says about its type, in lower case."""

    id: str
    name: str
    status: str
    kind: str
    parent_id: str
    created_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    target: str
    error: RunError | None = None
    queueing: str = ""
    warnings: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def number(self) -> int | None:
        """A trial's number as its id tells, from 0."""
        found = _NUMBERED.fullmatch(self.id)
        return int(found[1]) if found else None

    @property
    def is_automl(self) -> bool:
        return "automl" in self.kind

    @property
    def is_sweep(self) -> bool:
        sweeps = "hyperdrive" in self.kind or "sweep" in self.kind
        return self.id.endswith("_HD") or (sweeps and self.number is None)


@dataclass(frozen=True)
class Tree:
    """A training job's steps, and below its AutoML step the trials. Empty parts have not started."""

    steps: tuple[Run, ...]
    train: Run | None = None
    sweep: Run | None = None
    trials: tuple[Run, ...] = ()


def batch(connection: Connection, run_ids: Iterable[str]) -> dict[str, Run]:
    """Runs by id, some dozens to a call. Runs that history does not know are left out."""
    wanted = list(run_ids)
    found: dict[str, Run] = {}
    for start in range(0, len(wanted), AT_ONCE):
        part = wanted[start : start + AT_ONCE]
        requests = {
            str(place): {"runId": run_id, "selectRunMetadata": True} for place, run_id in enumerate(part)
        }
        told = connection.ask(connection.history("batchrundata"), {"requests": requests})
        for result in mapping(told, "successfulResults").values():
            run = run_from(mapping(result, "runMetadata"))
            found[run.id] = run
    return found


def children(connection: Connection, run_id: str) -> list[Run]:
    """The runs directly below a run, oldest first."""
    told = connection.pages(connection.history("runs", run_id, "children"))
    return [run_from(item) for item in told if not value(item, "hidden")]


def tree(connection: Connection, job_name: str, sweep_id: str = "") -> Tree:
    """What is below a job, in as few calls as it has levels; a `sweep_id` known from before saves some."""
    steps = tuple(children(connection, job_name))
    train = next((step for step in steps if step.is_automl), None) or next(
        (step for step in steps if step.name == TRAIN_NODE), None
    )
    if train is None:
        return Tree(steps)
    sweep, trials = _trials(connection, sweep_id or train.id)
    return Tree(
        steps, train, sweep, tuple(sorted(trials, key=lambda run: (run.number is None, run.number or 0)))
    )


def _trials(connection: Connection, run_id: str) -> tuple[Run | None, list[Run]]:
    """Descends through whatever holds the trials: Azure puts a sweep, and at times another run, between."""
    holder: Run | None = None
    for _ in range(DEEPEST):
        below = [run for run in children(connection, run_id) if not run.id.endswith(_HELPERS)]
        deeper = next((run for run in below if run.is_sweep or (run.is_automl and run.number is None)), None)
        if deeper is None:
            return holder, below
        holder, run_id = deeper, deeper.id
    return holder, []


def run_from(told: Any) -> Run:
    """A run from history's RunDto or from run details."""
    kinds = [text(told, "runType"), text(told, "runTypeV2", "orchestrator")]
    kinds += [str(trait) for trait in sequence(told, "runTypeV2", "traits")]
    kinds += [text(told, "properties", "runTemplate"), text(told, "properties", "azureml.runsource")]
    warnings = [text(warning, "message") for warning in sequence(told, "warnings")]
    return Run(
        id=text(told, "runId"),
        name=text(told, "displayName") or text(told, "name"),
        status=text(told, "status") or "NotStarted",
        kind=" ".join(kinds).lower(),
        parent_id=text(told, "parentRunId"),
        created_at=moment(told, "createdUtc") or moment(told, "createdTimeUtc"),
        started_at=moment(told, "startTimeUtc"),
        ended_at=moment(told, "endTimeUtc"),
        target=text(told, "target"),
        error=_error(mapping(told, "error", "error") or mapping(told, "error")),
        queueing=text(told, "queueingInfo", "message"),
        warnings=tuple(warning for warning in warnings if warning),
        tags=texts(told, "tags"),
        properties=texts(told, "properties"),
        parameters=_parameters(told),
    )


def _error(error: Mapping[str, Any]) -> RunError | None:
    if not error:
        return None
    codes, below = [text(error, "code")], mapping(error, "innerError")
    while below and len(codes) < 12:
        codes.append(text(below, "code"))
        below = mapping(below, "innerError")
    message = text(error, "message")
    for name, entry in mapping(error, "messageParameters").items():
        message = message.replace("{" + str(name) + "}", str(entry))
    return RunError(tuple(code for code in codes if code), message)


def _parameters(told: Any) -> dict[str, str]:
    """What the sweep chose for a trial: on the run itself, or as JSON in its tags or properties."""
    own = texts(told, "parameters")
    for holder in ("tags", "properties"):
        if not own:
            try:
                own = texts(json.loads(text(told, holder, "hyperparameters") or "{}"))
            except ValueError:
                continue
    return own
