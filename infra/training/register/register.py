"""Registers the best trial of this pipeline run as the next version of a model.

Runs as a step of the pipeline, in a curated Azure ML environment: needs Python 3.10, azure-core and azure-identity.
Run twice for the same request it registers one version. Ends with status 1 and one line of reason where there is
nothing to register.
"""

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from azure.core.exceptions import AzureError, ClientAuthenticationError

from infra.training.job.azure import Azure, RefusedError
from infra.training.register import best_epoch as metrics
from infra.training.register import model_tags as tags
from infra.training.register.best_epoch import Figures
from infra.training.register.run_tree import Tree, best_trial_id, find_tree
from infra.training.split.held_out import RULE as HELD_OUT_RULE

REGISTERED = "model.json"
TRIES = 12
PAUSE_SECONDS = 1.0
LONGEST_PAUSE = 10.0
LONGEST_TAG = 256
_TAKEN = ("already exists", "cannot be recreated", "without increasing the version", "immutable", "conflict")
_SERVICE_TAGS = ("_aml", "azureml", "mlflow.", "hyperparameters", "automl_", "model_explain_run")

log = logging.getLogger("register")


class NothingToRegisterError(Exception):
    """The training left no model that could be registered."""


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
    """Finds the best trial below the job and registers it, unless that was done before; then says as what."""
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
    wanted.registered.mkdir(parents=True, exist_ok=True)
    named = json.dumps({"name": wanted.model_name, "version": number})
    (wanted.registered / REGISTERED).write_text(named, encoding="utf-8")
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
        tags.HELD_OUT: HELD_OUT_RULE,
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
    parser.add_argument("--registered", required=True, type=Path, help="the folder in which to say as what")
    return parser.parse_args(arguments)


def _failed(reason: str) -> int:
    log.error("ERROR: %s", reason)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
