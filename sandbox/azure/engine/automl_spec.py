"""An AutoML image object detection node, read from either spelling: a pipeline node's or a standalone job's."""

import re
from dataclasses import dataclass
from typing import Any

from sandbox.azure.engine.sampling import SearchSpaceError, parse

METRIC = "mean_average_precision"


class SpecError(ValueError):
    pass


@dataclass(frozen=True)
class AutoMLSpec:
    training_data: Any
    validation_data: Any
    target_column: str
    max_trials: int
    max_concurrent_trials: int
    timeout_minutes: float
    search_space: tuple[dict[str, Any], ...]
    training_parameters: dict[str, Any]
    sampling: str
    early_termination: dict[str, Any] | None


def read_spec(node: dict[str, Any]) -> AutoMLSpec:
    """Raises SpecError with what AutoML would complain about."""
    task = str(node.get("task", "")).lower()
    if task != "image_object_detection":
        raise SpecError(f"The AutoML task '{task}' is not available; image_object_detection is.")
    metric = str(node.get("primary_metric") or METRIC).lower()
    if metric != METRIC:
        raise SpecError(f"Primary metric '{metric}' is not valid for {task}; use {METRIC}.")
    if not node.get("training_data"):
        raise SpecError("training_data is required.")
    if not node.get("target_column_name"):
        raise SpecError("target_column_name is required.")
    limits = node.get("limits") or {}
    trials = _whole(limits.get("max_trials"), "max_trials", 1000)
    concurrent = _whole(limits.get("max_concurrent_trials"), "max_concurrent_trials", 100)
    sweep = node.get("sweep") or {}
    sampling = str(sweep.get("sampling_algorithm") or "random").lower()
    if sampling not in ("random", "grid"):
        raise SpecError(f"Sampling algorithm '{sampling}' is not available here; random and grid are.")
    return AutoMLSpec(
        training_data=node["training_data"],
        validation_data=node.get("validation_data"),
        target_column=str(node["target_column_name"]),
        max_trials=trials,
        max_concurrent_trials=min(concurrent, trials),
        timeout_minutes=float(limits.get("timeout_minutes") or 7 * 24 * 60),
        search_space=_spaces(node.get("search_space")),
        training_parameters={
            k: v for k, v in (node.get("training_parameters") or {}).items() if v is not None
        },
        sampling=sampling,
        early_termination=sweep.get("early_termination"),
    )


def _whole(value: Any, name: str, most: int) -> int:
    number = int(value if value is not None else 1)
    if not 1 <= number <= most:
        raise SpecError(f"{name} must be between 1 and {most}; got {number}.")
    return number


def _spaces(given: Any) -> tuple[dict[str, Any], ...]:
    spaces = tuple(given or ())
    for space in spaces:
        if not space:
            raise SpecError("The parameter space must contain at least one parameter.")
        for key, value in space.items():
            try:
                parse(value)
            except SearchSpaceError as wrong:
                raise SpecError(f"search_space.{key}: {wrong}") from None
    return spaces


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def node_of_job(properties: dict[str, Any]) -> dict[str, Any]:
    """A standalone AutoML job's `properties` in a pipeline node's spelling."""
    task = properties.get("taskDetails") or {}
    limits = {snake(k): v for k, v in (task.get("limitSettings") or {}).items()}
    if timeout := limits.pop("timeout", None):
        hours, minutes = re.search(r"(\d+)H", timeout), re.search(r"(\d+)M", timeout)
        limits["timeout_minutes"] = 60 * int(hours[1] if hours else 0) + int(minutes[1] if minutes else 0)
    sweep = task.get("sweepSettings") or {}
    early = {snake(k): v for k, v in (sweep.get("earlyTermination") or {}).items()}
    if early:
        early["type"] = str(early.pop("policy_type", "Bandit")).lower()
    return {
        "type": "automl",
        "task": snake(str(task.get("taskType", ""))),
        "primary_metric": snake(str(task.get("primaryMetric") or METRIC)),
        "training_data": (task.get("trainingData") or {}).get("uri"),
        "validation_data": (task.get("validationData") or {}).get("uri"),
        "target_column_name": task.get("targetColumnName"),
        "limits": limits,
        "sweep": {"sampling_algorithm": sweep.get("samplingAlgorithm"), "early_termination": early or None},
        "training_parameters": {snake(k): v for k, v in (task.get("modelSettings") or {}).items()},
        "search_space": [{snake(k): v for k, v in space.items()} for space in task.get("searchSpace") or []],
        "outputs": properties.get("outputs") or {},
        "compute": properties.get("computeId"),
    }
