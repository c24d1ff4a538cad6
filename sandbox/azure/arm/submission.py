"""A job's PUT body, read and refused before anything runs."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.azure.engine.automl_spec import SpecError, node_of_job, read_spec
from sandbox.azure.engine.graph import (
    Graph,
    GraphError,
    check_environment,
    find_version,
    is_required,
    read_graph,
)
from sandbox.azure.errors import ServiceError, bad_request, ml_error
from sandbox.azure.place import last_segment
from sandbox.azure.uris import NoSuchPlaceError, locate
from sandbox.azure.workspace import Workspace


@dataclass(frozen=True)
class Submission:
    """One of a pipeline's `graph`, a standalone AutoML `node` or a standalone `command`."""

    graph: Graph | None = None
    node: dict[str, Any] | None = None
    command: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    compute: str = ""


def read_submission(workspace: Workspace, properties: dict[str, Any]) -> Submission:
    kind = properties.get("jobType")
    try:
        if kind == "Pipeline":
            return _pipeline(workspace, properties)
        if kind == "AutoML":
            return _automl(workspace, properties)
        if kind == "Command":
            return _command(workspace, properties)
    except (GraphError, SpecError) as wrong:
        raise ml_error(400, "ValidationError", str(wrong), ["UserError", "InvalidJob"]) from None
    except NoSuchPlaceError as missing:
        raise ml_error(400, "UserError", str(missing), ["BadArgument", "DataNotFound"]) from None
    raise bad_request(f"Job type '{kind}' is not supported here; Pipeline, AutoML and Command are.")


def _pipeline(workspace: Workspace, properties: dict[str, Any]) -> Submission:
    spec: dict[str, Any] = properties
    if properties.get("componentId"):
        spec = find_version(workspace, str(properties["componentId"])).get("componentSpec") or {}
        if spec.get("type") != "pipeline":
            raise GraphError(f"Component type '{spec.get('type')}' is not a pipeline.")
    graph = read_graph(workspace, spec)
    inputs = _inputs(
        workspace,
        properties.get("inputs") or {},
        spec.get("inputs") or {},
        bool(properties.get("componentId")),
    )
    default = (properties.get("settings") or {}).get("default_compute") or properties.get("computeId") or ""
    compute = last_segment(str(default))
    named = [compute] if compute else []
    for node in graph.nodes.values():
        own = str(node.raw.get("computeId") or node.raw.get("compute") or "")
        if own.startswith("${{parent.inputs."):
            own = str(inputs.get(own.removeprefix("${{parent.inputs.").removesuffix("}}"), ""))
        if own:
            named.append(last_segment(own))
        elif not compute:
            raise GraphError(f"jobs.{node.name} has no compute and the pipeline has no default_compute.")
    _check_computes(workspace, named)
    return Submission(graph=graph, inputs=inputs, compute=compute)


def _check_computes(workspace: Workspace, names: list[str]) -> None:
    for name in names:
        if name not in workspace.clusters:
            raise _no_compute(workspace, name)


def _no_compute(workspace: Workspace, name: str) -> ServiceError:
    where = workspace.place.workspace
    message = f"Unknown compute target '{name}': compute [{name}] was not found in workspace {where}."
    return ml_error(400, "UserError", message, ["BadArgument", "ComputeNotFound"])


def _inputs(
    workspace: Workspace, given: dict[str, Any], declared: dict[str, Any], strict: bool
) -> dict[str, Any]:
    """Literal values and data URIs by name; `strict` for a component, which says what it takes."""
    values = {
        name: about.get("default") for name, about in declared.items() if strict and isinstance(about, dict)
    }
    for name, item in given.items():
        if strict and name not in declared:
            raise GraphError(f"The component has no input '{name}'.")
        values[name] = _input_value(workspace, item)
    if strict:
        missing = [
            name for name, about in declared.items() if is_required(about) and values.get(name) is None
        ]
        if missing:
            raise GraphError(f"Required inputs are missing: {', '.join(sorted(missing))}.")
    return values


def _input_value(workspace: Workspace, item: dict[str, Any]) -> Any:
    if item.get("jobInputType") == "literal":
        return item.get("value")
    uri = str(item.get("uri"))
    place = locate(workspace, uri)
    if not place.folder.exists():
        raise NoSuchPlaceError(f"The data at {uri} was not found.")
    return uri


def _automl(workspace: Workspace, properties: dict[str, Any]) -> Submission:
    node = node_of_job(properties)
    spec = read_spec(node)
    locate(workspace, str(spec.training_data))
    _check_computes(workspace, [last_segment(str(properties.get("computeId") or ""))])
    return Submission(node=node)


def _command(workspace: Workspace, properties: dict[str, Any]) -> Submission:
    given = properties.get("inputs") or {}
    spec = {
        "command": properties.get("command"),
        "code": properties.get("codeId"),
        "environment": properties.get("environmentId"),
        "environment_variables": properties.get("environmentVariables"),
        "inputs": {name: {"type": _declared_type(item)} for name, item in given.items()},
        "outputs": properties.get("outputs") or {},
    }
    if not spec["command"]:
        raise GraphError("command is required.")
    check_environment(workspace, str(spec["environment"]))
    compute = last_segment(str(properties.get("computeId") or ""))
    _check_computes(workspace, [compute])
    return Submission(command=spec, inputs=_inputs(workspace, given, {}, strict=False), compute=compute)


def _declared_type(item: dict[str, Any]) -> str:
    kind = str(item.get("jobInputType"))
    return "string" if kind == "literal" else kind
