"""Automatic deployments: what a request may contain, and the record that the hub makes of it."""

import base64
import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.azure.errors import ServiceError
from sandbox.azure.times import now
from sandbox.edge.errors import argument_invalid, iot_error
from sandbox.edge.query.expressions import Expression
from sandbox.edge.query.parser import parse_condition, parse_query
from sandbox.edge.query.words import QueryError

ID = re.compile(r"[a-z0-9\-+%_*!']{1,128}")
MOST = 100
MOST_MODULES = 50
HIGHEST_PRIORITY = 2**31 - 1
EDGE_DEVICES = "select deviceId from devices where capabilities.iotEdge = true"
ON_AGENT = "select deviceId from devices.modules where moduleId = '$edgeAgent' and"
REPORTED = "properties.desired.$version = properties.reported.lastDesiredVersion"
CODE = "properties.reported.lastDesiredStatus.code"
Content = dict[str, dict[str, Any]]


@dataclass
class Configuration:
    """`condition` is None where nothing is targeted. `results` are counted from time to time."""

    id: str
    schema_version: str
    content: Content
    labels: dict[str, str]
    target: str
    priority: int
    queries: dict[str, str]
    created: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)
    revision: int = 1
    system_results: dict[str, int] = field(default_factory=dict)
    results: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.system_results = dict.fromkeys(self.system_queries, 0)

    @property
    def etag(self) -> str:
        return base64.b64encode(str(self.revision).encode()).decode()

    @property
    def is_layered(self) -> bool:
        """A base deployment sets all that the edge agent should run at once; a layer adds to one."""
        return "properties.desired" not in self.content["$edgeAgent"]

    @property
    def system_queries(self) -> dict[str, str]:
        applied = f"{ON_AGENT} configurations.[[{self.id}]].status = 'Applied'"
        told = f"{applied} and {REPORTED} and {CODE}"
        return {
            "targetedCount": self._targeted(),
            "appliedCount": applied,
            "reportedSuccessfulCount": f"{told} = 200",
            "reportedFailedCount": f"{told} != 200",
        }

    def _targeted(self) -> str:
        if not self.target:
            return ""
        condition = "" if self.target == "*" else f" and ({self.target})"
        return EDGE_DEVICES + condition

    def update(self, new: "Configuration") -> None:
        """Takes over what may change. The content may not: the service keeps the old one and says nothing."""
        self.labels, self.priority, self.schema_version = new.labels, new.priority, new.schema_version
        if (self.target, self.queries) != (new.target, new.queries):
            self.results = {}
        self.target, self.queries = new.target, new.queries
        self.updated = now()
        self.revision += 1

    def view(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "schemaVersion": self.schema_version,
            "labels": dict(self.labels),
            "content": {"modulesContent": deepcopy(self.content)},
            "targetCondition": self.target,
            "createdTimeUtc": _moment(self.created),
            "lastUpdatedTimeUtc": _moment(self.updated),
            "priority": self.priority,
            "systemMetrics": {"results": dict(self.system_results), "queries": self.system_queries},
            "metrics": {"results": dict(self.results), "queries": dict(self.queries)},
            "etag": self.etag,
        }


def read_configuration(name: str, body: Mapping[str, Any]) -> Configuration:
    """Checks the body of a PUT. Raises what the service answers."""
    if not ID.fullmatch(name):
        raise argument_invalid(
            "Configuration Id is not valid. It must be a string of up to 128 small ASCII letters, digits and "
            "- + % _ * ! '."
        )
    if body.get("id") != name:
        raise argument_invalid("The id in the body does not match the id in the request URI.")
    labels, metrics = body.get("labels") or {}, body.get("metrics") or {}
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise argument_invalid("Labels must be an object of strings.")
    queries = metrics.get("queries") or {} if isinstance(metrics, dict) else None
    if not isinstance(queries, dict):
        raise argument_invalid("Metrics must be an object with queries.")
    for metric, query in queries.items():
        if wrong := metric_error(query):
            raise iot_error(400, "InvalidConfigurationCustomMetricsQuery", f"{metric}: {wrong}")
    target = body.get("targetCondition") or ""
    if wrong := target_error(target):
        raise iot_error(400, "InvalidConfigurationTargetCondition", wrong)
    return Configuration(
        id=name,
        schema_version=str(body.get("schemaVersion") or "1.0"),
        content=_content(body.get("content")),
        labels=dict(labels),
        target=target,
        priority=_priority(body.get("priority", 0)),
        queries=dict(queries),
    )


def condition_of(target: str) -> Expression | None:
    """None for every device. Raises QueryError."""
    return None if target.strip() == "*" else parse_condition(target)


def target_error(target: Any) -> str | None:
    """What is wrong with a target condition; it may speak of device ids, tags and reported properties only."""
    if not isinstance(target, str):
        return "The target condition must be a string."
    if not target:
        return None
    try:
        condition = condition_of(target)
    except QueryError as wrong:
        return str(wrong)
    for path in condition.paths() if condition else []:
        if path != ("deviceId",) and path[0] != "tags" and path[:2] != ("properties", "reported"):
            return f"'{'.'.join(path)}' cannot be used in a target condition."
    return None


def metric_error(query: Any) -> str | None:
    if not isinstance(query, str):
        return "The query must be a string."
    try:
        parse_query(query)
    except QueryError as wrong:
        return str(wrong)
    return None


def _priority(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= HIGHEST_PRIORITY:
        raise argument_invalid(f"The priority must be a whole number from 0 to {HIGHEST_PRIORITY}.")
    return given


def _content(given: Any) -> Content:
    """What every module should get, by module; keys are `properties.desired` or a path below it."""
    if not isinstance(given, dict) or set(given) - {"modulesContent"} or not given:
        raise _bad_content("The sandbox takes IoT Edge deployments (modulesContent) and nothing else.")
    modules = given["modulesContent"]
    if not isinstance(modules, dict) or "$edgeAgent" not in modules:
        raise _bad_content("The content of $edgeAgent is missing.")
    for name, parts in modules.items():
        if not isinstance(parts, dict) or not parts:
            raise _bad_content(f"The content of {name} is not an object.")
        for path in parts:
            if path != "properties.desired" and not re.fullmatch(r"properties\.desired(\.[^.\s#]+)+", path):
                raise _bad_content(f"{name}: {path} is not a path of desired properties.")
        if "properties.desired" in parts and len(parts) > 1:
            raise _bad_content(f"{name}: properties.desired overlaps with a path below it.")
    if len(_module_names(modules["$edgeAgent"])) > MOST_MODULES:
        raise _bad_content(f"A deployment has at most {MOST_MODULES} modules.")
    return deepcopy(modules)


def _module_names(agent: dict[str, Any]) -> set[str]:
    full = agent.get("properties.desired")
    modules = full.get("modules") if isinstance(full, dict) else None
    layered = {path.split(".")[3] for path in agent if path.startswith("properties.desired.modules.")}
    return layered | set(modules if isinstance(modules, dict) else ())


def _bad_content(text: str) -> ServiceError:
    return iot_error(400, "InvalidConfigurationContent", text)


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
