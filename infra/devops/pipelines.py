"""Pipelines that are defined by a YAML file, and what parameters that file declares."""

from dataclasses import dataclass
from typing import Any

from infra.devops import repositories
from infra.devops.connection import Connection
from infra.http.errors import NotFound, Refused, Unclear
from infra.http.fields import mapping, sequence, text, whole

AZURE_REPOS = "azureReposGit"


@dataclass(frozen=True)
class Pipeline:
    """`folder` begins with a backslash. `repository_kind` is DevOps's own word, such as azureReposGit or gitHub."""

    id: int
    name: str
    folder: str
    yaml_path: str
    repository_id: str
    repository_kind: str
    web_url: str


@dataclass(frozen=True)
class Parameter:
    """A template parameter. Without a `default` it must be given; with `values` it must be one of them."""

    name: str
    kind: str = "string"
    default: str | None = None
    values: tuple[str, ...] = ()
    title: str = ""


def named(connection: Connection, name: str) -> Pipeline:
    """The pipeline called `name`, or `folder\\name` where several are. Raises NotFound, Refused if ambiguous."""
    wanted = name.strip("\\").lower()
    listed = list(connection.pages(connection.project("pipelines")))
    same = [told for told in listed if wanted in (text(told, "name").lower(), _full_name(told).lower())]
    exact = [told for told in same if _full_name(told).lower() == wanted]
    chosen = exact or same
    if not chosen:
        raise NotFound(f"There is no pipeline called {name}.", status=404)
    if len(chosen) > 1:
        raise Refused(
            f"Several pipelines are called {name}: say {' or '.join(_full_name(told) for told in chosen)}."
        )
    return one(connection, whole(chosen[0], "id") or 0)


def one(connection: Connection, pipeline_id: int) -> Pipeline:
    """Raises NotFound."""
    told = connection.get(connection.project("pipelines", pipeline_id))
    return pipeline_from(told, pipeline_id)


def create(connection: Connection, name: str, repository_id: str, yaml_path: str) -> Pipeline:
    """Makes a pipeline from a YAML file in Azure Repos; one that is there is handed back as it is.

    `name` may begin with folders, as in `vision\\publish`. Raises Unclear; calling again is then safe.
    """
    there = _exactly(connection, name)
    if there:
        return there
    folder, _, short = name.strip("\\").rpartition("\\")
    body = {
        "name": short,
        "folder": f"\\{folder}",
        "configuration": {
            "type": "yaml",
            "path": "/" + yaml_path.lstrip("/"),
            "repository": {"id": repository_id, "type": AZURE_REPOS},
        },
    }
    try:
        told = connection.change("POST", connection.project("pipelines"), body)
    except (Unclear, Refused):
        there = _exactly(connection, name)
        if there is None:
            raise
        return there
    return one(connection, whole(told, "id") or 0)


def repoint(connection: Connection, pipeline: Pipeline, yaml_path: str) -> None:
    """Makes a pipeline run another file of its repository. Raises Refused where it was changed meanwhile."""
    url = connection.project("build", "definitions", pipeline.id)
    told = dict(connection.get(url))
    process = {**mapping(told, "process"), "yamlFilename": "/" + yaml_path.lstrip("/")}
    connection.change("PUT", url, told | {"process": process})


def parameters(connection: Connection, pipeline: Pipeline, branch: str) -> tuple[Parameter, ...] | None:
    """What the pipeline's file declares on a branch; None where the file is not in Azure Repos and cannot be read.

    Raises NotFound for a missing branch or file, Refused for a file that is no YAML.
    """
    if pipeline.repository_kind.lower() != AZURE_REPOS.lower():
        return None
    content = repositories.file(connection, pipeline.repository_id, pipeline.yaml_path, branch)
    return declared(content, pipeline.yaml_path)


def declared(content: str, path: str) -> tuple[Parameter, ...]:
    """The parameters of a pipeline's YAML, in both forms: a list with types, or a mapping of names to defaults."""
    import yaml  # not needed to start

    try:
        told = mapping(yaml.safe_load(content)).get("parameters")
    except (yaml.YAMLError, RecursionError) as fault:
        at = getattr(fault, "problem_mark", None)
        raise Refused(f"{path} is not valid YAML{f' (line {at.line + 1})' if at else ''}.") from fault
    if isinstance(told, dict):
        return tuple(Parameter(str(name), default=as_text(default)) for name, default in told.items())
    return (
        tuple(_parameter(entry) for entry in told or () if text(entry, "name"))
        if isinstance(told, list)
        else ()
    )


def as_text(given: Any) -> str:
    """A parameter's value as a run takes it: text, with true and false as YAML writes them."""
    if isinstance(given, bool):
        return "true" if given else "false"
    return "" if given is None else str(given)


def pipeline_from(told: Any, pipeline_id: int) -> Pipeline:
    about = mapping(told, "configuration")
    return Pipeline(
        id=whole(told, "id") or pipeline_id,
        name=text(told, "name"),
        folder=text(told, "folder") or "\\",
        yaml_path=text(about, "path"),
        repository_id=text(about, "repository", "id") or text(about, "repository", "fullName"),
        repository_kind=text(about, "repository", "type"),
        web_url=text(told, "_links", "web", "href"),
    )


def _exactly(connection: Connection, name: str) -> Pipeline | None:
    """The pipeline of this name in this folder, or in none."""
    wanted = name.strip("\\").lower()
    listed = connection.pages(connection.project("pipelines"))
    found = next((told for told in listed if _full_name(told).lower() == wanted), None)
    return one(connection, whole(found, "id") or 0) if found else None


def _full_name(told: Any) -> str:
    return f"{text(told, 'folder')}\\{text(told, 'name')}".strip("\\")


def _parameter(told: Any) -> Parameter:
    entry = mapping(told)
    return Parameter(
        name=text(entry, "name"),
        kind=text(entry, "type") or "string",
        default=as_text(entry["default"]) if "default" in entry else None,
        values=tuple(as_text(each) for each in sequence(entry, "values")),
        title=text(entry, "displayName"),
    )
