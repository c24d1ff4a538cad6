"""A store with something of everything that can be asked about, each under a name that is told nowhere else."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from commands.deploy import evidence
from commands.kit.policy import Policy
from commands.train.command import PUBLISHED
from infra.azureml.labeling import LabelingProject
from infra.devops.pipelines import AZURE_REPOS, Pipeline
from storage import catalog, deployments, devices, digests, evaluations, marks, publishes, runs
from storage.catalog import ClusterRow, ExportRow, ModelRow
from storage.deployments import Deployment
from storage.devices import DeviceRow
from storage.digests import Digest
from storage.evaluations import EvaluationRow
from storage.publishes import BranchRow, PublishRun
from storage.runs import TrainingRun

LINE = "C0LINEVIS1"
MODEL, MEASURED, EXPORT, COCO = (
    "Zebra_Model",
    "Zebra_Measured",
    "zebra_20261102_081530",
    "zebra_coco_20261102_081530",
)
CLUSTER, OTHER_CLUSTER, BRANCH, COMMIT = "zebra-gpu", "zebra-gpu-2", "zebra-branch", "c0ffee" * 6 + "abcd"
QUEUED, FAILED, PUBLISHING, NOT_PUBLISHED = "zebra-queued", "zebra-failed", "zebra-publishing", "zebra-broken"
WAITING, GATED, SHIPPED = "line-1-zebra-waiting", "line-1-zebra-gated", "line-1-zebra-shipped"
PROJECT, DIGEST, PAUSED = "zebra-project", "zebra-digest", "zebra-paused"
WORD = r"[\w.-]*zebra[\w.-]*"
"""What nobody reads who may see nothing."""


def fill(tx: Connection, now: datetime, policy: Policy, requester: str) -> None:
    """Whatever was asked for, `requester` asked for it."""
    by: dict[str, Any] = {
        "requested_by": requester,
        "requested_by_name": "zebra-person",
        "channel": LINE,
        "requested_at": now,
    }
    _models(tx, now)
    _labels(tx, now)
    _azure(tx, now)
    for name, state in ((QUEUED, "queued"), (FAILED, "failed")):
        runs.add(tx, TrainingRun(name, name, state, MODEL, EXPORT, "1", CLUSTER, "zebra", **by))
    for name, state in ((PUBLISHING, "running"), (NOT_PUBLISHED, "failed")):
        publishes.add(tx, PublishRun(name, name, state, False, "spotter-publish", BRANCH, **by))
    for name, state, version in ((SHIPPED, "shipped", 1), (WAITING, "waiting", 2), (GATED, "waiting", 3)):
        deployments.add(tx, _deployment(tx, name, state, version, policy, **by))
    for name, state, cron in ((DIGEST, digests.ON, "30 8 * * 1-5"), (PAUSED, digests.PAUSED, "0 9 * * 1")):
        told = (name, LINE, cron, "Europe/Berlin", False, requester, "zebra-person", now)
        digests.add(tx, Digest(*told, now + timedelta(days=1), state))


def _models(tx: Connection, now: datetime) -> None:
    tags = {"Dataset": EXPORT, "Dataset Version": "1"}
    for version, average in ((1, 0.7), (2, 0.8), (3, 0.2)):
        figures = (average, 0.9, 0.9)
        catalog.add_model(
            tx, ModelRow(MODEL, version, now, "zebra-person", *figures, tags, None, QUEUED, True, now)
        )
    last = (0.7, 0.9, 0.9, tags, None, QUEUED, True, now)
    catalog.add_model(tx, ModelRow(MEASURED, 1, now, "zebra-person", *last))
    evaluations.want(tx, MEASURED, 1, QUEUED, now)
    points = [[0.9, 1.0, 0.3], [0.5, 0.8, 0.6]]
    found = {"average_precision": 0.7, "precision": 0.9, "recall": 0.9, "boxes": 16, "points": points}
    measured = {"name": MEASURED, "version": 1, "held_out": True, "classes": {"zebra-cap": found}}
    measured |= {"mean_average_precision": 0.7, "precision": 0.9, "recall": 0.9}
    pictures = {"digest": "a" * 64, "pictures": 48, "boxes": 99}
    told = {"dataset": f"{EXPORT}:1", "set": pictures, "models": [measured]}
    evaluations.put(tx, EvaluationRow(MEASURED, 1, QUEUED, now), now, found=told)
    devices.keep(tx, [DeviceRow("zebra-cam", "line-1", "all", MODEL, "1", True, True, "", now)])


def _labels(tx: Connection, now: datetime) -> None:
    contents = {"images": 60, "boxes": {"zebra-cap": 90}, "images_without_boxes": 0, "blockers": []}
    for name, kind in ((EXPORT, "mltable"), (COCO, "coco")):
        catalog.put_export(
            tx, ExportRow(name, "1", kind, now, "zebra-person", "u", contents, None, now, True)
        )
    project = LabelingProject(PROJECT, "Zebra labels", labelled=90, skipped=0, total=100)
    marks.put(tx, "labeling.projects", json.dumps([asdict(project)]), now)
    marks.put(tx, "exports.read", "done", now)


def _azure(tx: Connection, now: datetime) -> None:
    facts = {"vm_size": "Standard_NC4as_T4_v3", "gpu": True, "max_nodes": 2}
    catalog.put_clusters(tx, [ClusterRow(name, facts, now) for name in (CLUSTER, OTHER_CLUSTER)])
    marks.put(tx, "clusters.read", "done", now)
    marks.put(tx, PUBLISHED, "7", now)
    pipeline = Pipeline(
        1, "spotter-publish", "\\", "publish.yml", "repository", AZURE_REPOS, "https://x.test"
    )
    marks.put(tx, "publish.pipeline:spotter-publish", json.dumps(asdict(pipeline)), now)
    publishes.put_branches(tx, [BranchRow(BRANCH, COMMIT, now, "zebra-commit", "zebra-author", now)])


def _deployment(
    tx: Connection, name: str, state: str, version: int, policy: Policy, *, requested_at: datetime, **by: Any
) -> Deployment:
    """Ready to be decided, or on all devices."""
    model, there = (catalog.get_model(tx, MODEL, each) for each in (version, 1))
    assert model
    assert there
    shown = evidence.collect(
        evidence.figures(model, "files"),
        evidence.figures(there, "files") if version > 1 else None,
        policy.targets["line-1"],
        {"all": ["zebra-cam"]},
    )
    return Deployment(
        name, name, state, "line-1", MODEL, version, "zebra-reason",
        requested_at=requested_at,
        expires_at=requested_at + timedelta(days=1),
        evidence=shown,
        fingerprint=evidence.fingerprint("line-1", shown),
        approvals_needed=2,
        decided_at=requested_at if state == "shipped" else None,
        ended_at=requested_at if state == "shipped" else None,
        rings=[{"name": "all", "state": "done", "correlation_id": f"{name}-all"}] if state == "shipped" else None,
        **by,
    )  # fmt: skip
