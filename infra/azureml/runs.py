"""Runs as run history keeps them, and the tree below a training job: steps, sweep, trials."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from infra.azureml.connection import Connection
from infra.http.answers import MOST_PAGES, NOT_JSON, endless
from infra.http.fields import mapping, moment, sequence, text, texts
from infra.training.register import run_tree

AT_ONCE = 50
JOBS_AT_ONCE = 30  # in one filter
PAGE = 500
_FAR = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class RunError:
    """Why a run failed: error codes from the outermost inwards, and Azure's message."""

    codes: tuple[str, ...]
    message: str


@dataclass(frozen=True)
class Run:
    """One run. `queueing` is why it waits, in the service's words: its code and message."""

    id: str
    name: str
    status: str
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
        return run_tree.trial_number(self.id)


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


def of_jobs(connection: Connection, experiment: str, job_names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """All runs of an experiment's jobs, their own among them, as history tells them; some dozens of jobs to a call.

    The filter is that by which Azure's own SDK reads all below a run. Raises Refused where it is not understood.
    """
    url = connection.history("experiments", experiment) + "/runs:query"
    for start in range(0, len(job_names), JOBS_AT_ONCE):
        wanted = " or ".join(f"RootRunId eq {name}" for name in job_names[start : start + JOBS_AT_ONCE])
        body: dict[str, str | int] = {"filter": wanted, "top": PAGE}
        for _ in range(MOST_PAGES):
            told = connection.ask(url, body)
            yield from _shown(sequence(told, "value"))
            following = text(told, "continuationToken")
            if not following or following == body.get("continuationToken"):
                break
            body["continuationToken"] = following
        else:
            raise endless()


def tree(connection: Connection, job_name: str, sweep_id: str = "") -> Tree:
    """What is below a job, in as few calls as it has levels; a `sweep_id` known from before saves some."""
    return tree_of(lambda run_id: _children(connection, run_id), job_name, sweep_id)


def tree_of(
    children: Callable[[str], Sequence[Mapping[str, Any]]], job_name: str, sweep_id: str = ""
) -> Tree:
    """What is below a job, of the runs right below each as `children` gives them."""
    found = run_tree.find_tree(children, job_name, sweep_id)
    return Tree(
        steps=tuple(sorted(map(run_from, found.steps), key=_order)),
        train=run_from(found.train) if found.train else None,
        sweep=run_from(found.sweep) if found.sweep else None,
        trials=tuple(map(run_from, found.trials)),
    )


def steps(connection: Connection, job_name: str) -> tuple[Run, ...]:
    """The steps of a job, as they started. Raises NotFound."""
    return tuple(sorted(map(run_from, _children(connection, job_name)), key=_order))


def _order(run: Run) -> tuple[datetime, datetime]:
    """As they started; what has not started comes last."""
    return run.started_at or _FAR, run.created_at or _FAR


def _children(connection: Connection, run_id: str) -> list[Mapping[str, Any]]:
    return list(_shown(connection.pages(connection.history("runs", run_id, "children"))))


def _shown(told: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    return (_whole(run) for run in map(mapping, told) if not run.get("hidden"))


def _whole(run: Mapping[str, Any]) -> Mapping[str, Any]:
    """As the job's own code expects a run: its parts are objects, whatever came."""
    kind = mapping(run, "runTypeV2")
    return {
        **run,
        "tags": texts(run, "tags"),
        "properties": texts(run, "properties"),
        "runTypeV2": {**kind, "traits": sequence(kind, "traits")},
    }


def run_from(told: Any) -> Run:
    """A run from history's RunDto or from run details."""
    warnings = [text(warning, "message") for warning in sequence(told, "warnings")]
    return Run(
        id=text(told, "runId"),
        name=text(told, "displayName") or text(told, "name"),
        status=text(told, "status") or "NotStarted",
        parent_id=text(told, "parentRunId"),
        created_at=moment(told, "createdUtc") or moment(told, "createdTimeUtc"),
        started_at=moment(told, "startTimeUtc"),
        ended_at=moment(told, "endTimeUtc"),
        target=text(told, "target"),
        error=_error(mapping(told, "error", "error") or mapping(told, "error")),
        queueing=f"{text(told, 'queueingInfo', 'code')}: {text(told, 'queueingInfo', 'message')}".strip(": "),
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
        chosen = "" if own else text(told, holder, "hyperparameters")
        if chosen:
            try:
                own = texts(json.loads(chosen))
            except NOT_JSON:
                continue
    return own
