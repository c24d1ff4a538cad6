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


def unregistered(name: str, version: int) -> dict[str, Any]:
    """A version that devices run although the registry does not have it any more: nothing can be compared with it."""
    known = {"name": name, "version": version, "digest": ""}
    figures_of_it = dict.fromkeys(("mean_average_precision", "precision", "recall"))
    origin = dict.fromkeys(("dataset", "dataset_version", "evaluated_on", "run_id"))
    return {**known, **figures_of_it, **origin}


def collect(
    candidate: dict[str, Any],
    incumbent: dict[str, Any] | None,
    target: Target,
    devices: dict[str, list[str]],
    measured: dict[str, Any] | None = None,
    dataset: dict[str, Any] | None = None,
) -> Evidence:
    """`devices` are ids by ring; `measured` has the figures of both on held-out pictures, where they are known;
    `dataset` is what the candidate learned from."""
    found = {"candidate": candidate, "incumbent": incumbent, "measured": measured, "dataset": dataset}
    judged = gates.judge(*shown(found), target.gates)
    return {
        **found,
        "gates": [gate.record() for gate in judged],
        "rings": list(target.rings),
        "devices": devices,
    }


def shown(evidence: Evidence) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Candidate and incumbent with the figures that people compare: those on the same held-out pictures where there
    are such, else those that they were registered with."""
    candidate, incumbent, measured = (
        evidence["candidate"],
        evidence.get("incumbent"),
        evidence.get("measured"),
    )
    ours, theirs = (measured or {}).get("candidate"), (measured or {}).get("incumbent")
    if incumbent is None:
        return {**candidate, **(ours or {})}, None
    if not (ours and theirs) and gates.comparable(candidate, incumbent):
        return candidate, incumbent
    return {**candidate, **(ours or {})}, {**incumbent, **(theirs or {})}


def fingerprint(target_name: str, evidence: Evidence) -> str:
    """SHA-256 over the model version, the digest of its files, its metrics, what was measured, the pictures that were
    shown, the target and rings."""
    candidate = evidence["candidate"]
    bound = {
        "model": candidate["name"],
        "version": candidate["version"],
        "digest": candidate["digest"],
        "metrics": {name: candidate[name] for name in gates.FIGURES},
        "target": target_name,
        "rings": evidence["rings"],
    }
    if evidence.get("measured"):
        bound["measured"] = _digest(evidence["measured"])
    if evidence.get("pictures"):
        bound["pictures"] = evidence["pictures"]
    return _digest(bound)


def what_changed(before: Evidence, now: Evidence) -> Sequence[str]:
    """In words, what a fingerprint is bound to and is not the same any more."""
    ours, theirs = before["candidate"], now["candidate"]
    changed = [label for name, label in gates.FIGURES.items() if ours[name] != theirs[name]]
    if ours["digest"] != theirs["digest"]:
        changed.append("the model's files")
    if before["rings"] != now["rings"]:
        changed.append("the target's rings")
    return changed


def _digest(told: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _rounded(metric: float | None) -> float | None:
    return None if metric is None else round(metric, PRECISION)
