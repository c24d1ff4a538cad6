"""`az ml model download`: the files of a registered model, from the datastore that they lie in."""

import os
import re
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

from sandbox.devops.tools.azure import ARM_SCOPE, call, failed, resource_manager

STORAGE = "https://storage.azure.com"
API = "2024-10-01"
_URI = re.compile(r"azureml://.*/datastores/(?P<store>[^/]+)/paths/(?P<path>.+?)/?")


def download(name: str, version: str, folder: Path, group: str, workspace: str) -> Path:
    """Into `folder/<name>/<last part of the path>`, as the extension does; that folder."""
    subscription = os.environ["AZURE_SUBSCRIPTION_ID"]
    base = (
        f"{resource_manager()}/subscriptions/{subscription}/resourceGroups/{group}"
        f"/providers/Microsoft.MachineLearningServices/workspaces/{workspace}"
    )
    uri = _arm(f"{base}/models/{name}/versions/{version}")["modelUri"]
    match = _URI.fullmatch(uri)
    if match is None:
        failed(f"{uri} is in no datastore.")
    store, path = _arm(f"{base}/datastores/{match['store']}"), match["path"]
    container = f"https://{store['accountName']}.blob.core.windows.net/{store['containerName']}"
    target = folder / name / path.rpartition("/")[2]
    for blob in _blobs(container, path):
        file = target / blob.removeprefix(path).lstrip("/") if blob != path else target
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_blob(f"{container}/{quote(blob)}"))
    return target


def _arm(url: str) -> dict[str, str]:
    answer = call("GET", url, ARM_SCOPE, query={"api-version": API})
    if answer.status != 200:
        failed(answer.json()["error"]["message"])
    found: dict[str, str] = answer.json()["properties"]
    return found


def _blob(url: str, asked: dict[str, str] | None = None) -> bytes:
    answer = call("GET", url, STORAGE, query=asked, headers={"x-ms-version": "2023-11-03"})
    if answer.status != 200:
        failed(f"{url} was answered with {answer.status}.")
    return answer.body


def _blobs(container: str, path: str) -> list[str]:
    asked = {"restype": "container", "comp": "list", "prefix": path}
    listed = ElementTree.fromstring(_blob(container, asked))  # noqa: S314  a twin's
    names = [str(blob.text) for blob in listed.iter("Name")]
    found = [name for name in names if name == path or name.startswith(f"{path}/")]
    return found or failed(f"There is nothing at {path}.")
