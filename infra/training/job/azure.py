"""The calls that steps of the pipeline make, with the credentials that their job has."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from azure.core import PipelineClient
from azure.core.credentials import AccessToken, TokenCredential
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RetryPolicy, UserAgentPolicy
from azure.core.rest import HttpRequest, HttpResponse
from azure.identity import ManagedIdentityCredential

from infra.training.register import best_epoch as metrics

PUBLIC_RESOURCE_MANAGER = "https://management.azure.com"
STORAGE = "https://storage.azure.com"
STORAGE_VERSION = "2023-11-03"
MODELS_API = "2023-08-01-preview"
DATASTORES_API = "2024-10-01-preview"
LONGEST_HISTORY = 999


class RefusedError(Exception):
    """Azure said no to a request."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__(
            f"{response.request.method} {response.url} answered {response.status_code}: {response.text()}"
        )
        self.passes = response.status_code == 429 or response.status_code >= 500


class RunToken(TokenCredential):
    """The token that Azure ML gives each run for its own history and metrics."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        return AccessToken(self._token, int(time.time()) + 3600)


class Azure:
    """One workspace, as the run that this is may see it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._scope = environment.get("AZUREML_WORKSPACE_SCOPE") or _workspace(environment)
        service = environment["AZUREML_SERVICE_ENDPOINT"].rstrip("/")
        tracking = (
            environment.get("MLFLOW_TRACKING_URI", "").replace("azureml://", "https://", 1).rstrip("?/")
        )
        self._history = f"{service}/history/v1.0{self._scope}"
        self._mlflow = f"{tracking or f'{service}/mlflow/v2.0{self._scope}'}/api/2.0/mlflow"
        identity = ManagedIdentityCredential(client_id=environment.get("DEFAULT_IDENTITY_CLIENT_ID") or None)
        manager = _resource_manager(environment)
        self._blobs = _client(identity, STORAGE)
        token = environment.get("MLFLOW_TRACKING_TOKEN") or environment.get("AZUREML_RUN_TOKEN")
        self._workspace = f"{manager}{self._scope}"
        self._models = f"{self._workspace}/models"
        self._arm = _client(identity, manager)
        self._runs = _client(RunToken(token), manager) if token else self._arm

    def children(self, run_id: str) -> Sequence[Mapping[str, Any]]:
        found = self._pages(self._runs, f"{self._history}/runs/{quote(run_id, safe='')}/children")
        return [run for run in found if not run.get("hidden")]

    def metric(self, run_id: str, name: str) -> dict[int, float]:
        """A metric by epoch; empty where the run never logged it."""
        points: list[Mapping[str, Any]] = []
        query = {"run_id": run_id, "metric_key": name, "max_results": str(LONGEST_HISTORY)}
        while True:
            told = self._get(self._runs, f"{self._mlflow}/metrics/get-history", query) or {}
            points += told.get("metrics") or ()
            if not told.get("next_page_token"):
                return metrics.by_epoch(points)
            query["page_token"] = str(told["next_page_token"])

    def versions(self, model: str) -> list[Mapping[str, Any]]:
        """All versions of a model, archived ones too: their numbers are taken."""
        query = {"api-version": MODELS_API, "listViewType": "All"}
        return list(self._pages(self._arm, f"{self._models}/{quote(model, safe='')}/versions", query))

    def create(self, model: str, number: int, properties: Mapping[str, Any]) -> Mapping[str, Any]:
        url = f"{self._models}/{quote(model, safe='')}/versions/{number}"
        request = HttpRequest("PUT", url, params={"api-version": MODELS_API}, json={"properties": properties})
        answer: Mapping[str, Any] = _checked(self._arm.send_request(request)).json()
        return answer

    def datastore(self, name: str) -> Mapping[str, Any]:
        """What the workspace says of a datastore. Raises RefusedError."""
        url = f"{self._workspace}/datastores/{quote(name, safe='')}"
        request = HttpRequest("GET", url, params={"api-version": DATASTORES_API})
        told = _checked(self._arm.send_request(request)).json()
        about: Mapping[str, Any] = told.get("properties") or {}
        return about

    def blob(self, url: str) -> bytes:
        """What is at an address of blob storage. Raises RefusedError."""
        request = HttpRequest("GET", url, headers={"x-ms-version": STORAGE_VERSION})
        content: bytes = _checked(self._blobs.send_request(request)).content
        return content

    def _pages(
        self, client: PipelineClient[Any, Any], url: str, query: Mapping[str, str] | None = None
    ) -> Iterator[Mapping[str, Any]]:
        page = self._get(client, url, query)
        while page:
            yield from page.get("value") or ()
            page = self._get(client, page["nextLink"]) if page.get("nextLink") else None

    def _get(self, client: PipelineClient[Any, Any], url: str, query: Mapping[str, str] | None = None) -> Any:
        """The JSON at `url`, None where there is nothing."""
        response = client.send_request(HttpRequest("GET", url, params=query))
        return None if response.status_code == 404 else _checked(response).json()


def _workspace(environment: Mapping[str, str]) -> str:
    return (
        f"/subscriptions/{environment['AZUREML_ARM_SUBSCRIPTION']}"
        f"/resourceGroups/{environment['AZUREML_ARM_RESOURCEGROUP']}"
        f"/providers/Microsoft.MachineLearningServices/workspaces/{environment['AZUREML_ARM_WORKSPACE_NAME']}"
    )


def _resource_manager(environment: Mapping[str, str]) -> str:
    """The public cloud's, or the one that the environment's metadata address describes."""
    url = environment.get("ARM_CLOUD_METADATA_URL")
    if not url:
        return PUBLIC_RESOURCE_MANAGER
    client: PipelineClient[Any, Any] = PipelineClient(url, policies=[RetryPolicy()])
    told = _checked(client.send_request(HttpRequest("GET", url))).json()
    clouds = [cloud for cloud in (told if isinstance(told, list) else [told]) if cloud.get("resourceManager")]
    here = [cloud for cloud in clouds if cloud.get("name") == environment.get("AZUREML_CURRENT_CLOUD")]
    return str((here or clouds)[0]["resourceManager"]).rstrip("/")


def _client(credential: TokenCredential, manager: str) -> PipelineClient[Any, Any]:
    sign_in = BearerTokenCredentialPolicy(credential, f"{manager}/.default")
    return PipelineClient(
        "", policies=[UserAgentPolicy("spotter-register"), RetryPolicy(retry_backoff_factor=0.4), sign_in]
    )


def _checked(response: HttpResponse) -> HttpResponse:
    if response.status_code >= 400:
        raise RefusedError(response)
    return response
