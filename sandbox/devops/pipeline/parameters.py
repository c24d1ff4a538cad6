"""Template parameters: what a pipeline declares, and whether a run's values fit."""

from collections.abc import Mapping
from typing import Any

import yaml

from sandbox.devops.pipeline.definition import Parameter
from sandbox.devops.pipeline.document import Document

TYPES = ("string", "number", "boolean", "object")


class ParametersRefused(Exception):
    """A value that was not declared or does not fit."""


class ParametersMissing(Exception):
    """Parameters without default for which a run gives no value; the messages, one for each."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(*[f"A value for the '{name}' parameter must be provided." for name in names])


def declared(document: Document) -> list[Parameter]:
    """The parameters at the top of a pipeline's file."""
    section = next((value for key, _, value in document.entries(document.root) if key == "parameters"), None)
    if section is None:
        return []
    found = []
    for item in document.items(section):
        fields = document.mapping(item, {"name", "displayName", "type", "default", "values"})
        if "name" not in fields:
            raise document.refuse(item, "Expected a parameter's name.")
        kind = document.text(fields["type"]) if "type" in fields else "string"
        if kind not in TYPES:
            raise document.unserved(fields["type"], f"parameters of type '{kind}'")
        default = document.plain(fields["default"]) if "default" in fields else None
        values = tuple(map(document.text, document.items(fields["values"]))) if "values" in fields else ()
        parameter = Parameter(document.text(fields["name"]), kind, default, values)
        if default is not None:
            try:
                _typed(parameter, default)
            except ParametersRefused as wrong:
                raise document.refuse(fields["default"], str(wrong)) from None
        found.append(parameter)
    return found


def resolve(parameters: list[Parameter], given: Mapping[str, str], path: str) -> dict[str, Any]:
    """Every declared parameter with its value, typed. Names match in any case."""
    known = {parameter.name.lower(): parameter for parameter in parameters}
    for name in given:
        if name.lower() not in known:
            raise ParametersRefused(f"{path}: Unexpected parameter '{name}'")
    values = {name.lower(): value for name, value in given.items()}
    missing = [p.name for key, p in known.items() if p.default is None and key not in values]
    if missing:
        raise ParametersMissing(missing)
    return {p.name: _typed(p, values.get(key, p.default)) for key, p in known.items()}


def _typed(parameter: Parameter, value: Any) -> Any:
    if parameter.values and str(value) not in parameter.values:
        raise ParametersRefused(f"The '{parameter.name}' parameter value '{value}' is not a valid value.")
    if parameter.type == "boolean":
        if str(value).lower() not in ("true", "false"):
            raise ParametersRefused(
                f"The '{parameter.name}' parameter value '{value}' is not a valid Boolean."
            )
        return str(value).lower() == "true"
    if parameter.type == "number":
        try:
            number = float(value)
        except (TypeError, ValueError):
            message = f"The '{parameter.name}' parameter value '{value}' is not a valid Number."
            raise ParametersRefused(message) from None
        return int(number) if number.is_integer() else number
    if parameter.type == "string" and not isinstance(value, str):
        raise ParametersRefused(f"The '{parameter.name}' parameter value is not a valid String.")
    if parameter.type == "object" and isinstance(value, str):
        return yaml.safe_load(value)
    return value
