"""What approvers are shown, and the fingerprint that binds their decision to it."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from commands.deploy import gates
from commands.kit.policy import Target
from infra.azureml.models import ModelVersion
from infra.training.register import model_tags
from storage.catalog import ModelRow

Evidence = dict[str, Any]
PRECISION = 6


def figures(model: ModelRow | ModelVersion, digest: str) -> dict[str, Any]:
    """A version's own facts. `digest` is that of its files; metrics are between 0 and 1, or None."""
    dataset = model.tags.get(model_tags.DATASET)
    version = model.tags.get(model_tags.DATASET_VERSION)
    return {
        "name": model.name,
        "version": model.version,
        "digest": digest,
        "mean_average_precision": _rounded(model.mean_average_precision),
        "precision": _rounded(model.precision),
        "recall": _rounded(model.recall),
        "dataset": dataset,
        "dataset_version": version,
        "evaluated_on": f"{dataset}:{version}" if dataset and version else dataset,
        "run_id": model.tags.get(model_tags.PIPELINE_RUN),
    }


def collect(
    candidate: dict[str, Any],
    incumbent: dict[str, Any] | None,
    target: Target,
    devices: dict[str, list[str]],
) -> Evidence:
    """`devices` are ids by ring."""
    judged = gates.judge(candidate, incumbent, target.gates)
    return {
        "candidate": candidate,
        "incumbent": incumbent,
        "gates": [gate.record() for gate in judged],
        "rings": list(target.rings),
        "devices": devices,
    }


def fingerprint(target_name: str, evidence: Evidence) -> str:
    """SHA-256 over the model version, the digest of its files, its metrics, the target and its rings."""
    candidate = evidence["candidate"]
    bound = {
        "model": candidate["name"],
        "version": candidate["version"],
        "digest": candidate["digest"],
        "metrics": {name: candidate[name] for name in gates.FIGURES},
        "target": target_name,
        "rings": evidence["rings"],
    }
    return hashlib.sha256(json.dumps(bound, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def what_changed(before: Evidence, now: Evidence) -> Sequence[str]:
    """In words, what a fingerprint is bound to and is not the same any more."""
    ours, theirs = before["candidate"], now["candidate"]
    changed = [label for name, label in gates.FIGURES.items() if ours[name] != theirs[name]]
    if ours["digest"] != theirs["digest"]:
        changed.append("the model's files")
    if before["rings"] != now["rings"]:
        changed.append("the target's rings")
    return changed


def _rounded(metric: float | None) -> float | None:
    return None if metric is None else round(metric, PRECISION)
