"""Registers the best trial of this pipeline run as the next version of a model.

Runs as the pipeline's last step, in a curated Azure ML environment: needs Python 3.10, azure-core and azure-identity.
Run twice for the same request it registers one version. Ends with status 1 and one line of reason where there is
nothing to register.
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from azure.core import PipelineClient
from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RetryPolicy, UserAgentPolicy
from azure.core.rest import HttpRequest, HttpResponse
from azure.identity import ManagedIdentityCredential

from . import best_epoch as metrics
from . import model_tags as tags
from .best_epoch import Figures
from .run_tree import Tree, best_trial_id, find_tree

PUBLIC_RESOURCE_MANAGER = "https://management.azure.com"
MODELS_API = "2023-08-01-preview"
TRIES = 12
PAUSE_SECONDS = 1.0
LONGEST_PAUSE = 10.0
LONGEST_HISTORY = 999
LONGEST_TAG = 256
_TAKEN = ("already exists", "cannot be recreated", "without increasing the version", "immutable", "conflict")
_SERVICE_TAGS = ("_aml", "azureml", "mlflow.", "hyperparameters", "automl_", "model_explain_run")

log = logging.getLogger("register")


class NothingToRegisterError(Exception):
    """The training left no model that could be registered."""


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
    """The calls that the step needs, with the credentials that its job has."""

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
        token = environment.get("MLFLOW_TRACKING_TOKEN") or environment.get("AZUREML_RUN_TOKEN")
        self._models = f"{manager}{self._scope}/models"
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


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    logging.getLogger("azure").setLevel(logging.WARNING)
    try:
        register(_parsed(arguments), Azure(environment), environment["AZUREML_ROOT_RUN_ID"])
    except ClientAuthenticationError as fault:
        return _failed(f"The cluster has no managed identity that may register models: {fault.message}")
    except NothingToRegisterError as fault:
        return _failed(str(fault))
    except (RefusedError, AzureError) as fault:
        return _failed(f"The model could not be registered: {fault}")
    except KeyError as fault:
        return _failed(f"This is no Azure ML job: {fault} is not set.")
    return 0


def register(wanted: argparse.Namespace, azure: Azure, job_name: str) -> None:
    """Finds the best trial below the job and registers it, unless that was done before."""
    trial, figures = best_trial(azure, find_tree(azure.children, job_name))
    run_id = str(trial["runId"])
    log.info("Best trial %s, epoch %s: %s", run_id, figures.epoch, figures)
    properties: dict[str, Any] = {
        "modelType": "custom_model",
        "modelUri": f"azureml://jobs/{run_id}/outputs/artifacts/paths/outputs/",
        "jobName": job_name,
        "description": f"Trained on {wanted.dataset_name}:{wanted.dataset_version}.",
        "tags": {**_trainers_tags(trial), **_tags(wanted, figures, run_id, job_name)},
        "properties": {},
        "isAnonymous": False,
        "isArchived": False,
    }
    number = create_once(azure, wanted.model_name, properties)
    log.info("Registered %s version %s.", wanted.model_name, number)


def best_trial(azure: Azure, tree: Tree) -> tuple[Mapping[str, Any], Figures]:
    """The trial that AutoML names, else the one with the highest mean average precision, and its best epoch."""
    named = best_trial_id(tree)
    for trial in tree.trials:
        if trial.get("runId") == named:
            figures = figures_of(azure, named)
            if figures:
                return trial, figures
    measured = [
        (trial, figures) for trial in tree.trials if (figures := figures_of(azure, str(trial["runId"])))
    ]
    if not measured:
        raise NothingToRegisterError(_why_nothing(tree))
    return max(measured, key=lambda each: each[1].mean_average_precision)


def figures_of(azure: Azure, run_id: str) -> Figures | None:
    scores = azure.metric(run_id, metrics.MEAN_AVERAGE_PRECISION)
    best = metrics.best_epoch(scores)
    if best is None:
        return None
    precision = azure.metric(run_id, metrics.PRECISION)
    return metrics.figures_at(best, scores, precision, azure.metric(run_id, metrics.RECALL))


def create_once(azure: Azure, model: str, properties: Mapping[str, Any]) -> int:
    """Registers under the next free number and gives it; a version that is ours already is taken as it is.

    Another registration may take the number meanwhile, and an answer may be lost: so each try looks first.
    """
    fault: Exception | None = None
    highest = 0
    for attempt in range(TRIES):
        time.sleep(min(PAUSE_SECONDS * attempt, LONGEST_PAUSE))
        try:
            versions = azure.versions(model)
            ours = [version for version in versions if _is_ours(version, properties["tags"])]
            if ours:
                return _number(ours[0])
            highest = max([highest, *(_number(version) for version in versions)])
            if _is_ours(azure.create(model, highest + 1, properties), properties["tags"]):
                return highest + 1
        except ClientAuthenticationError:
            raise
        except RefusedError as refused:
            fault = refused
            if _asks_for_another(refused):
                highest += 1
            elif not refused.passes:
                raise
        except AzureError as lost:
            fault = lost
    raise fault or NothingToRegisterError(f"No number was free for {model} in {TRIES} tries.")


def _asks_for_another(fault: Exception) -> bool:
    """Whether Azure says that a version number is taken, or was once and may not be used again."""
    said = str(fault).lower()
    return any(phrase in said for phrase in _TAKEN)


def _is_ours(version: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    found = (version.get("properties") or {}).get("tags") or {}
    same_request = bool(wanted[tags.REQUEST]) and found.get(tags.REQUEST) == wanted[tags.REQUEST]
    return same_request or found.get(tags.TRIAL) == wanted[tags.TRIAL]


def _number(version: Mapping[str, Any]) -> int:
    name = str(version.get("name") or str(version.get("id")).rpartition("/")[2])
    return int(name) if name.isdigit() else 0


def _tags(wanted: argparse.Namespace, figures: Figures, run_id: str, job_name: str) -> dict[str, str]:
    shares = {
        tags.MEAN_AVERAGE_PRECISION: figures.mean_average_precision,
        tags.PRECISION: figures.precision,
        tags.RECALL: figures.recall,
    }
    return {
        **{name: str(round(share, 6)) for name, share in shares.items() if share is not None},
        tags.EPOCH: str(figures.epoch),
        tags.DATASET: wanted.dataset_name,
        tags.DATASET_VERSION: wanted.dataset_version,
        tags.TRIAL: run_id,
        tags.PIPELINE_RUN: job_name,
        tags.REQUEST: wanted.request_id,
        tags.FRAMEWORK: wanted.framework,
    }


def _trainers_tags(trial: Mapping[str, Any]) -> dict[str, str]:
    """What the trainer itself wrote on the trial, such as a seed; without what the service keeps there."""
    found: Mapping[str, Any] = trial.get("tags") or {}
    return {
        name: str(value)
        for name, value in found.items()
        if not name.startswith(_SERVICE_TAGS) and value is not None and len(str(value)) <= LONGEST_TAG
    }


def _why_nothing(tree: Tree) -> str:
    if not tree.trials:
        return "The training had no trials, so there is no model to register."
    failed = sum(trial.get("status") == "Failed" for trial in tree.trials)
    if failed == len(tree.trials):
        return f"All {failed} trials failed, so there is no model to register."
    return f"None of the {len(tree.trials)} trials logged {metrics.MEAN_AVERAGE_PRECISION}, so none can be judged."


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("model-name", "dataset-name", "dataset-version", "request-id", "framework"):
        parser.add_argument(f"--{name}", required=True)
    return parser.parse_args(arguments)


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


def _failed(reason: str) -> int:
    log.error("ERROR: %s", reason)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
