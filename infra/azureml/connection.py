"""Signed requests to one Azure ML workspace: resource manager, run history, MLflow, blobs.

Everything above speaks through `Connection`; it is safe to use from many threads.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from infra.azureml.errors import Refused, Unavailable, Unclear, error_from
from infra.http.answers import MOST_PAGES, endless, read
from infra.http.cloud import Cloud, cloud_from_environment
from infra.http.fields import mapping, sequence, text
from infra.http.safety import is_address, is_same_host
from infra.http.types import Gate, HttpResponse, TokenCredential, always

STORAGE_SCOPE = "https://storage.azure.com/.default"
STORAGE_VERSION = "2023-11-03"
WORKSPACE_API = "2024-10-01-preview"

Audience = Literal["arm", "storage", "none"]


@dataclass(frozen=True)
class WorkspaceId:
    """Where a workspace is."""

    subscription: str
    resource_group: str
    name: str

    @property
    def path(self) -> str:
        """Its ARM id."""
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self.name}"
        )


@dataclass(frozen=True)
class DataPlane:
    """The workspace's own hosts, without trailing slashes; `mlflow` ends before `/api/2.0/mlflow`."""

    api: str
    mlflow: str


class Connection:
    """Sends requests and turns every failure into an `AzureError`."""

    def __init__(
        self, workspace: WorkspaceId, cloud: Cloud, sign_in: Callable[[], TokenCredential], gate: Gate
    ) -> None:
        from infra.http.signed import SignedRequests
        from infra.http.transport import client, open_transport

        self.workspace = workspace
        self.cloud = cloud
        self._transport = open_transport(gate)
        self._signed = SignedRequests(self._transport, sign_in)
        self._unsigned = client(self._transport)
        self._scopes = {"arm": cloud.arm_scope, "storage": STORAGE_SCOPE}
        self._data_plane: DataPlane | None = None
        self._finding = threading.Lock()

    @classmethod
    def open(
        cls, workspace: WorkspaceId, credential: TokenCredential | None = None, gate: Gate = always
    ) -> "Connection":
        """Reads cloud and identity from the environment. Raises Unavailable if the cloud's metadata is not there."""
        from infra.http.transport import default_credential

        cloud = cloud_from_environment()
        return cls(workspace, cloud, lambda: credential or default_credential(cloud), gate)

    def close(self) -> None:
        self._transport.close()

    @property
    def credential(self) -> TokenCredential:
        return self._signed.credential

    def arm(self, *parts: str) -> str:
        """The address of something in the workspace; the parts are escaped."""
        return self.cloud.resource_manager + self.workspace.path + escaped(parts)

    def history(self, *parts: str) -> str:
        """The address of something in the workspace's run history."""
        return f"{self.data_plane().api}/history/v1.0{self.workspace.path}{escaped(parts)}"

    def mlflow(self, call: str) -> str:
        return f"{self.data_plane().mlflow}/api/2.0/mlflow/{call}"

    def get(self, url: str, *, api: str = "", **query: str | int) -> Any:
        """The JSON at `url`. `api` is the api-version; `query` keys may spell `$` as `_`, as in `_top`."""
        return read(self.send("GET", url, params=_query(api, query)))

    def ask(self, url: str, body: Any = None, *, api: str = "") -> Any:
        """The JSON answer to a POST that changes nothing."""
        return read(self.send("POST", url, params=_query(api, {}), json=body))

    def pages(self, url: str, *, api: str = "", **query: str | int) -> Iterator[Any]:
        """The items of a list, one page at a time as they are consumed."""
        page = self.get(url, api=api, **query)
        seen = {url}
        while len(seen) <= MOST_PAGES:
            yield from sequence(page, "value")
            following = text(page, "nextLink")
            if not following or following in seen:
                return
            if not is_same_host(following, url):
                raise Refused(
                    "A list of Azure's goes on at another host, which Spotter's sign-in is not for."
                )
            seen.add(following)
            page = self.get(following)
        raise endless()

    def change(
        self, method: str, url: str, body: Any = None, *, api: str, headers: Mapping[str, str] | None = None
    ) -> Any:
        """A write. Raises Unclear where it may or may not have happened."""
        try:
            response = self.send(method, url, params=_query(api, {}), json=body, headers=headers)
        except Unavailable as fault:
            raise Unclear(
                f"{fault.message} The change may have been made.",
                status=fault.status,
                code=fault.code,
                inner_codes=fault.inner_codes,
                request_id=fault.request_id,
            ) from fault
        return read(response) if response.content else {}

    def send(
        self,
        method: str,
        url: str,
        *,
        audience: Audience = "arm",
        params: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        once: bool = False,
    ) -> HttpResponse:
        """One request with its retries, or `once`. Raises an AzureError for every answer of 400 and above."""
        from azure.core.rest import HttpRequest

        from infra.http.transport import exchange

        request = HttpRequest(
            method, url, params=params, json=json, content=content, headers=dict(headers or {})
        )
        if audience == "none":
            response = exchange(self._unsigned, request)
        else:
            response = self._signed.send(request, self._scopes[audience], once=once)
        if response.status_code >= 400:
            raise error_from(response)
        return response

    def machine_learning_token(self) -> str:
        """A token for Azure ML itself, which a pipeline job is handed to act with."""
        return self._signed.token(self.cloud.machine_learning_scope)

    def data_plane(self) -> DataPlane:
        """The workspace's hosts, looked up once."""
        with self._finding:
            if self._data_plane is None:
                self._data_plane = self._find_data_plane()
            return self._data_plane

    def _find_data_plane(self) -> DataPlane:
        workspace = mapping(self.get(self.arm(), api=WORKSPACE_API), "properties")
        discovery = text(workspace, "discoveryUrl")
        if not is_address(discovery):
            raise Unavailable(f"Workspace {self.workspace.name} names no discovery address.")
        api = text(read(self.send("GET", discovery, audience="none")), "api").rstrip("/")
        if not is_address(api):
            raise Unavailable(f"{discovery} names no api address.")
        tracking = text(workspace, "mlFlowTrackingUri").replace("azureml://", "https://", 1).rstrip("?/")
        return DataPlane(api, tracking if is_address(tracking) else f"{api}/mlflow/v2.0{self.workspace.path}")


def escaped(parts: Sequence[str]) -> str:
    """Raises Refused for a name that would lead to another place."""
    if {".", ".."} & set(parts):
        raise Refused("Nothing can be called . or .. there.", status=400)
    return "".join("/" + quote(part, safe="") for part in parts)


def _query(api: str, query: Mapping[str, str | int]) -> dict[str, str]:
    named = {("$" + key[1:] if key.startswith("_") else key): str(entry) for key, entry in query.items()}
    return {"api-version": api, **named} if api else named
