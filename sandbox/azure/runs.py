"""Runs as run history keeps them: a tree of what was asked for, what happened, and what was measured."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from sandbox.azure.errors import inner_error
from sandbox.azure.place import Place
from sandbox.azure.times import history_time, now

TERMINAL = frozenset({"Completed", "Failed", "Canceled"})
RUN_TYPES = {
    "pipeline": "azureml.PipelineRun",
    "automl": "automl",
    "sweep": "hyperdrive",
    "trial": "azureml.scriptrun",
    "command": "azureml.StepRun",
}
EXPERIMENT_NAMESPACE = uuid.UUID("6fb2c5b8-0d7f-4c60-8a0e-5d5f0f8f1c11")


@dataclass(frozen=True)
class Metric:
    """One logged point of one metric."""

    value: float
    step: int
    timestamp: int


@dataclass(eq=False)
class Run:
    """`kind` is what the service runs: pipeline, automl, sweep, trial or command."""

    run_id: str
    kind: str
    experiment: str
    parent: "Run | None" = None
    display_name: str = ""
    description: str = ""
    status: str = "NotStarted"
    target: str | None = None
    vm_size: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    arm: dict[str, Any] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, list[Metric]] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    warnings: list[dict[str, str]] = field(default_factory=list)
    queueing: Callable[[], dict[str, str]] | None = None
    on_metric: Callable[[str, float], None] | None = None
    on_status: Callable[["Run"], None] | None = None
    hidden: bool = False
    created: datetime = field(default_factory=now)
    started: datetime | None = None
    ended: datetime | None = None
    revision: int = 1
    number: int = 0
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def root(self) -> "Run":
        return self.parent.root if self.parent else self

    @property
    def container(self) -> str:
        return f"dcid.{self.run_id}"

    @property
    def experiment_id(self) -> str:
        return str(uuid.uuid5(EXPERIMENT_NAMESPACE, self.experiment))

    @property
    def artifact_prefix(self) -> str:
        """Where the run's artifacts lie in the workspace's artifact store."""
        return f"ExperimentRun/{self.container}"

    @property
    def over(self) -> bool:
        return self.status in TERMINAL

    def become(self, status: str) -> None:
        """Moves on; a run that is over stays as it is, and a cancelled one can only end."""
        if self.over or (self.status == "CancelRequested" and status not in TERMINAL):
            return
        self.status = status
        self.revision += 1
        if status == "Running" and self.started is None:
            self.started = now()
        if status != "Queued":
            self.queueing = None
        if status in TERMINAL:
            self.ended = now()
        if self.on_status is not None:
            self.on_status(self)

    def fail(self, error: dict[str, Any]) -> None:
        if not self.over:
            self.error = error
            self.become("Failed")

    def log(self, name: str, value: float, step: int, timestamp: int) -> None:
        self.metrics.setdefault(name, []).append(Metric(value, step, timestamp))
        self.revision += 1
        if self.on_metric is not None:
            self.on_metric(name, value)


def run_error(
    place: Place, code: str, message: str, inner: tuple[str, ...] = (), component: str = "execution-wrapper"
) -> dict[str, Any]:
    """An error document as run history stores it; `code` is the root code, `inner` the chain below it."""
    return {
        "error": {
            "code": code,
            "severity": None,
            "message": message,
            "messageFormat": "{Message}",
            "messageParameters": {"Message": message},
            "referenceCode": None,
            "detailsUri": None,
            "target": None,
            "details": [],
            "innerError": inner_error(inner),
            "debugInfo": None,
            "additionalInfo": None,
        },
        "correlation": {"operation": uuid.uuid4().hex, "request": uuid.uuid4().hex[:16]},
        "environment": place.region,
        "location": place.region,
        "time": history_time(now()),
        "componentName": component,
    }


class RunTree:
    """All runs of the workspace by id, in the order they were made; `on_status` hears of each new status."""

    def __init__(self, on_status: Callable[[Run], None] | None = None) -> None:
        self._on_status = on_status
        self._runs: dict[str, Run] = {}
        self._numbers = count(1)

    def add(self, run: Run) -> Run:
        run.number = next(self._numbers)
        run.on_status = self._on_status
        self._runs[run.run_id] = run
        return run

    def get(self, run_id: str) -> Run | None:
        return self._runs.get(run_id)

    def remove(self, run: Run) -> None:
        for child in self.children(run):
            self.remove(child)
        self._runs.pop(run.run_id, None)

    def children(self, run: Run) -> list[Run]:
        return [child for child in self._runs.values() if child.parent is run]

    def descendants(self, run: Run) -> list[Run]:
        found = self.children(run)
        for child in list(found):
            found += self.descendants(child)
        return found

    def all(self) -> list[Run]:
        """In the order they were made."""
        return list(self._runs.values())

    def roots(self) -> list[Run]:
        """Newest first."""
        return [run for run in reversed(self._runs.values()) if run.parent is None]

    def of_experiment(self, experiment_id: str) -> list[Run]:
        return [run for run in reversed(self._runs.values()) if run.experiment_id == experiment_id]

    def by_experiment_name(self, name: str) -> list[Run]:
        return [run for run in self._runs.values() if run.experiment == name]
