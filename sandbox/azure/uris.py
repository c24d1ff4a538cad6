"""The several spellings of where data lies, resolved to a datastore and a path in it."""

import re
from dataclasses import dataclass
from pathlib import Path

from sandbox.azure.storage import ARTIFACT_STORE, Datastore
from sandbox.azure.workspace import Workspace

_LONG = re.compile(
    r"azureml://subscriptions/[^/]+/resource[gG]roups/[^/]+(?:/providers/Microsoft\.MachineLearningServices)?"
    r"/workspaces/[^/]+/datastores/(?P<store>[^/]+)/paths/(?P<path>.*)"
)
_SHORT = re.compile(r"azureml://datastores/(?P<store>[^/]+)/paths/(?P<path>.*)")
_JOB = re.compile(r"azureml://jobs/(?P<run>[^/]+)/outputs/(?P<output>[^/]+)(?:/paths)?(?:/(?P<path>.*))?")
_RUN = re.compile(r"runs:/(?P<run>[^/]+)/(?P<path>.*)")
_BLOB = re.compile(
    r"https://(?P<account>[^.]+)\.blob\.core\.windows\.net/(?P<container>[^/]+)(?:/(?P<path>.*))?"
)
_ASSET = re.compile(r"(?:.*/data/|azureml:)(?P<name>[^/:]+)(?:/versions/|:)(?P<version>[^/:]+)")


class NoSuchPlaceError(ValueError):
    """Names the URI and what about it does not exist."""


@dataclass(frozen=True)
class Location:
    store: Datastore
    path: str

    @property
    def folder(self) -> Path:
        return self.store.path_of(self.path.rstrip("/"))

    def uri(self, workspace: Workspace) -> str:
        return workspace.place.datastore_uri(self.store.name, self.path)


def locate(workspace: Workspace, uri: str) -> Location:
    """Raises NoSuchPlaceError."""
    if match := _LONG.fullmatch(uri) or _SHORT.fullmatch(uri):
        return _in_store(workspace, uri, match["store"], match["path"])
    if match := _JOB.fullmatch(uri):
        return _in_run(workspace, uri, match["run"], match["output"], match["path"] or "")
    if match := _RUN.fullmatch(uri):
        return _in_run(workspace, uri, match["run"], "artifacts", match["path"])
    if match := _BLOB.fullmatch(uri):
        store = workspace.storage.container(match["account"], match["container"])
        if store is None:
            raise NoSuchPlaceError(f"The storage container of {uri} does not exist.")
        return Location(store, match["path"] or "")
    if match := _ASSET.fullmatch(uri):
        version = workspace.assets.version("data", match["name"], match["version"])
        if version is None:
            raise NoSuchPlaceError(f"Data asset {match['name']}:{match['version']} was not found.")
        return locate(workspace, version.properties["dataUri"])
    raise NoSuchPlaceError(f"The uri {uri} is not a valid datastore uri path.")


def _in_store(workspace: Workspace, uri: str, name: str, path: str) -> Location:
    store = workspace.storage.stores.get(name)
    if store is None:
        raise NoSuchPlaceError(f"Datastore {name} of {uri} was not found.")
    return Location(store, path)


def _in_run(workspace: Workspace, uri: str, run_id: str, output: str, path: str) -> Location:
    run = workspace.runs.get(run_id)
    if run is None:
        raise NoSuchPlaceError(f"Run {run_id} of {uri} was not found.")
    if output in ("artifacts", "default"):
        return Location(workspace.storage.stores[ARTIFACT_STORE], f"{run.artifact_prefix}/{path}".rstrip("/"))
    if output not in run.outputs:
        raise NoSuchPlaceError(f"Run {run_id} has no output {output}.")
    base = locate(workspace, run.outputs[output]["uri"])
    return Location(base.store, f"{base.path.rstrip('/')}/{path}".rstrip("/"))
