"""What each kind of asset must satisfy before the workspace takes it."""

import re
from typing import Any

import yaml

from sandbox.azure.assets import Version
from sandbox.azure.engine.graph import GraphError, check_component
from sandbox.azure.errors import ServiceError, bad_request, ml_error
from sandbox.azure.uris import Location, NoSuchPlaceError, locate
from sandbox.azure.workspace import Workspace

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-_]{0,254}")
VERSION = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-_.]{0,254}")
DATA_TYPES = ("uri_file", "uri_folder", "mltable")
MODEL_TYPES = ("custom_model", "mlflow_model", "triton_model")
FIXED = {
    "data": ("dataType", "dataUri"),
    "models": ("modelType", "modelUri"),
    "components": ("componentSpec",),
    "environments": ("image", "condaFile", "build"),
    "codes": ("codeUri",),
}


def check_name(kind: str, name: str, version: str) -> None:
    if not NAME.fullmatch(name):
        raise bad_request(
            f"The name '{name}' of the {kind.rstrip('s')} asset is invalid. It must match ^{NAME.pattern}$.",
            "InvalidAssetName",
        )
    if not VERSION.fullmatch(version):
        raise bad_request(f"The version '{version}' is invalid. It must match ^{VERSION.pattern}$.")
    if kind == "models" and not re.fullmatch(r"[1-9]\d*", version):
        raise bad_request(
            f"Model version must be a positive integer; got '{version}'.", "InvalidModelVersion"
        )
    if kind == "environments" and name.lower().startswith(("microsoft", "azureml")):
        raise bad_request(f"Environment names beginning with Microsoft or AzureML are reserved: '{name}'.")


def checked(workspace: Workspace, kind: str, name: str, properties: dict[str, Any]) -> dict[str, Any]:
    """The properties as the workspace stores them, or a refusal."""
    try:
        return _CHECKS[kind](workspace, properties)
    except NoSuchPlaceError as missing:
        raise bad_request(str(missing), "InvalidAssetUri") from None
    except GraphError as broken:
        raise ml_error(
            400, "ValidationError", f"Component {name}: {broken}", ["UserError", "InvalidComponent"]
        ) from None


def _data(workspace: Workspace, properties: dict[str, Any]) -> dict[str, Any]:
    if properties.get("dataType") not in DATA_TYPES:
        raise bad_request(f"Data type '{properties.get('dataType')}' is none of {', '.join(DATA_TYPES)}.")
    place = locate(workspace, str(properties.get("dataUri")))
    return {**properties, "dataUri": place.uri(workspace)}


def _model(workspace: Workspace, properties: dict[str, Any]) -> dict[str, Any]:
    kind = properties.get("modelType") or "custom_model"
    if kind not in MODEL_TYPES:
        raise bad_request(f"Model type '{kind}' is none of {', '.join(MODEL_TYPES)}.")
    place = locate(workspace, str(properties.get("modelUri")))
    if not place.folder.exists():
        raise bad_request(f"The model path {properties['modelUri']} does not exist.", "ArtifactNotFound")
    source = re.fullmatch(r"azureml://jobs/([^/]+)/.*|runs:/([^/]+)/.*", properties["modelUri"])
    return {
        **properties,
        "modelType": kind,
        "modelUri": place.uri(workspace),
        "jobName": properties.get("jobName") or ((source[1] or source[2]) if source else None),
        "flavors": _flavors(place) if kind == "mlflow_model" else properties.get("flavors") or {},
    }


def _flavors(place: Location) -> dict[str, Any]:
    try:
        described = yaml.safe_load((place.folder / "MLmodel").read_text())
        flavors = described["flavors"]
        return {name: {"data": {k: str(v) for k, v in spec.items()}} for name, spec in flavors.items()}
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        raise bad_request(
            "An mlflow_model needs a file called MLmodel in its root.", "MLmodelNotFound"
        ) from None


def _component(workspace: Workspace, properties: dict[str, Any]) -> dict[str, Any]:
    check_component(workspace, properties.get("componentSpec") or {})
    return properties


def _environment(workspace: Workspace, properties: dict[str, Any]) -> dict[str, Any]:
    if not (properties.get("image") or properties.get("build")):
        raise bad_request("An environment needs an image or a build context.")
    return {"osType": "Linux", "environmentType": "UserCreated", **properties}


def _code(workspace: Workspace, properties: dict[str, Any]) -> dict[str, Any]:
    place = locate(workspace, str(properties.get("codeUri")))
    if not place.folder.exists():
        raise bad_request(f"The code path {properties['codeUri']} does not exist.", "ArtifactNotFound")
    return properties


_CHECKS = {
    "data": _data,
    "models": _model,
    "components": _component,
    "environments": _environment,
    "codes": _code,
}


def check_unchanged(kind: str, name: str, old: Version, new: dict[str, Any]) -> None:
    """A version's content and its existing properties stay for ever; tags, description and archiving may change."""
    for key in FIXED[kind]:
        if old.properties.get(key) != new.get(key):
            raise _immutable(kind, name, old.version, key)
    for key, value in (new.get("properties") or {}).items():
        if (old.properties.get("properties") or {}).get(key, value) != value:
            raise _immutable(kind, name, old.version, f"properties.{key}")


def _immutable(kind: str, name: str, version: str, key: str) -> ServiceError:
    if key.endswith("Uri"):
        return ml_error(
            400, "UserError", "Asset paths cannot be updated.", ["Immutable", "AssetPathImmutable"]
        )
    asset = f"{kind.rstrip('s').capitalize()} {name}:{version}"
    message = f"{asset} cannot be replaced in {key} without increasing the version."
    return ml_error(400, "UserError", message, ["Immutable", "AssetPropertyImmutable"], {"property": key})
