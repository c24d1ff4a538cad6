"""A pipeline's graph: nodes, what they bind to, and whether all of it exists."""

import re
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from sandbox.azure.engine.automl_spec import SpecError, read_spec
from sandbox.azure.uris import NoSuchPlaceError, locate
from sandbox.azure.workspace import Workspace

_VERSIONED = re.compile(
    r"(?:azureml:)?.*/(?P<kind>components|codes|environments)/(?P<name>[^/]+)/versions/(?P<v>[^/]+)"
)
_REGISTRY = re.compile(r"azureml://registries/[^/]+/(components|environments)/.+")
_INPUT = re.compile(r"\$\{\{\s*parent\.inputs\.(\w+)\s*\}\}")
_OUTPUT = re.compile(r"\$\{\{\s*parent\.jobs\.(\w+)\.outputs\.(\w+)\s*\}\}")
_COMMAND_INPUT = re.compile(r"\$\{\{\s*inputs\.(\w+)\s*\}\}")


class GraphError(ValueError):
    """What is wrong, in words for the author of the pipeline."""


@dataclass(frozen=True)
class Node:
    """`raw` is the node as submitted; `component` the specification of a command node's component."""

    name: str
    kind: str
    raw: dict[str, Any]
    component: dict[str, Any] = field(default_factory=dict)

    @property
    def inputs(self) -> dict[str, Any]:
        return self.raw.get("inputs") or {}

    @property
    def needs(self) -> set[str]:
        return {name for name, _ in _OUTPUT.findall(repr(self.raw))}


@dataclass(frozen=True)
class Graph:
    nodes: dict[str, Node]
    inputs: dict[str, Any] = field(default_factory=dict)


def find_version(workspace: Workspace, resource_id: str) -> dict[str, Any]:
    """The properties of a component, code or environment named by its ARM id. Raises GraphError."""
    match = _VERSIONED.fullmatch(resource_id)
    if match is None:
        raise GraphError(f"'{resource_id}' is not the id of an asset in this workspace.")
    version = workspace.assets.version(match["kind"], match["name"], match["v"])
    if version is None:
        raise GraphError(
            f"{match['kind'].rstrip('s').capitalize()} {match['name']}:{match['v']} was not found."
        )
    return version.properties


def check_component(workspace: Workspace, spec: dict[str, Any]) -> None:
    """Raises GraphError where the service would refuse to register the component."""
    match spec.get("type"):
        case "command":
            _check_command(workspace, spec)
        case "pipeline":
            read_graph(workspace, spec)
        case other:
            raise GraphError(f"type '{other}' is not supported; command and pipeline are.")


def check_environment(workspace: Workspace, environment: str) -> None:
    """A registry's environments are taken as they are named; the workspace's own must exist. Raises GraphError."""
    if not _REGISTRY.fullmatch(environment):
        find_version(workspace, environment)


def _check_command(workspace: Workspace, spec: dict[str, Any]) -> None:
    if not spec.get("command"):
        raise GraphError("command is required.")
    check_environment(workspace, str(spec.get("environment") or ""))
    code = spec.get("code")
    if code:
        try:
            locate(workspace, str(find_version(workspace, str(code))["codeUri"]))
        except NoSuchPlaceError as missing:
            raise GraphError(str(missing)) from None
    undeclared = set(_COMMAND_INPUT.findall(spec["command"])) - set(spec.get("inputs") or {})
    if undeclared:
        raise GraphError(f"command uses undeclared inputs: {', '.join(sorted(undeclared))}.")


def read_graph(workspace: Workspace, spec: dict[str, Any]) -> Graph:
    """The graph of a pipeline component or of an inline pipeline job. Raises GraphError."""
    jobs = spec.get("jobs") or {}
    if not jobs:
        raise GraphError("A pipeline needs at least one job.")
    nodes = {name: _node(workspace, name, raw) for name, raw in jobs.items()}
    declared = set(spec.get("inputs") or {})
    for node in nodes.values():
        text = repr(node.raw)
        if unknown := set(_INPUT.findall(text)) - declared:
            raise GraphError(f"jobs.{node.name} binds to undeclared inputs: {', '.join(sorted(unknown))}.")
        for other, output in _OUTPUT.findall(text):
            if other not in nodes:
                raise GraphError(f"jobs.{node.name} binds to job '{other}', which does not exist.")
            if output not in _outputs_of(nodes[other]):
                raise GraphError(f"jobs.{node.name} binds to output '{output}', which {other} does not have.")
    try:
        TopologicalSorter({node.name: node.needs for node in nodes.values()}).prepare()
    except CycleError:
        raise GraphError("The jobs depend on each other in a circle.") from None
    return Graph(nodes, spec.get("inputs") or {})


def _node(workspace: Workspace, name: str, raw: dict[str, Any]) -> Node:
    if raw.get("type") == "automl":
        try:
            read_spec(raw)
        except SpecError as wrong:
            raise GraphError(f"jobs.{name}: {wrong}") from None
        return Node(name, "automl", raw)
    component_id = raw.get("componentId")
    if not component_id:
        raise GraphError(f"jobs.{name} is neither an AutoML node nor does it name a component.")
    component = find_version(workspace, str(component_id)).get("componentSpec") or {}
    if component.get("type") != "command":
        raise GraphError(f"jobs.{name}: components of type '{component.get('type')}' cannot be nodes here.")
    given = set(raw.get("inputs") or {})
    declared = component.get("inputs") or {}
    if unknown := given - set(declared):
        raise GraphError(f"jobs.{name} gives unknown inputs: {', '.join(sorted(unknown))}.")
    if missing := {key for key, spec in declared.items() if is_required(spec)} - given:
        raise GraphError(f"jobs.{name} lacks required inputs: {', '.join(sorted(missing))}.")
    return Node(name, "command", raw, component)


def is_required(spec: dict[str, Any]) -> bool:
    optional = str(spec.get("optional", False)).lower() == "true"
    return not optional and spec.get("default") is None


def _outputs_of(node: Node) -> set[str]:
    declared = set(node.raw.get("outputs") or {}) | set(node.component.get("outputs") or {})
    return declared | {"best_model"} if node.kind == "automl" else declared


@dataclass
class Bindings:
    """Values for `${{parent.inputs.x}}` and `${{parent.jobs.n.outputs.m}}`."""

    inputs: dict[str, Any]
    outputs: dict[tuple[str, str], str] = field(default_factory=dict)

    def resolve(self, value: Any) -> Any:
        """A whole-string binding keeps its type; one inside a longer text becomes text."""
        if isinstance(value, dict):
            return {key: self.resolve(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, str):
            return value
        if match := _INPUT.fullmatch(value):
            return self.inputs.get(match[1])
        if match := _OUTPUT.fullmatch(value):
            return self.outputs[match[1], match[2]]
        value = _INPUT.sub(lambda m: str(self.inputs.get(m[1], "")), value)
        return _OUTPUT.sub(lambda m: self.outputs[m[1], m[2]], value)
