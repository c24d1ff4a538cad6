"""What the Azure Machine Learning workspace holds now, for the page. Times are seconds since 1970."""

import json
import re
from collections import defaultdict
from datetime import datetime
from typing import Any

from sandbox.azure.cluster import Cluster
from sandbox.azure.engine.automl_spec import METRIC
from sandbox.azure.labeling import Project
from sandbox.azure.runs import Run
from sandbox.azure.twin import AzureTwin
from sandbox.azure.workspace import Workspace
from sandbox.plant.labels import Labels

Json = dict[str, Any]
JOBS, VERSIONS, EXPORTS, POINTS = 12, 8, 12, 40
PROJECT = re.compile(r"(?P<project>.+)_\d{8}_\d{6}")
METRICS = ("Mean Average Precision", "Precision", "Recall")


class WorkspaceView:
    def __init__(self, twin: AzureTwin) -> None:
        self._workspace = twin.workspace
        self._labels = Labels(twin.workspace)

    def state(self) -> Json:
        """Newest jobs, models and exports first."""
        workspace = self._workspace
        return {
            "name": workspace.place.workspace,
            "region": workspace.place.region,
            "clusters": [_cluster(workspace, cluster) for cluster in workspace.clusters.values()],
            "jobs": self._jobs(),
            "models": [self._model(c.name) for c in workspace.assets.containers("models")],
            "projects": [_project(project) for project in workspace.labeling.values()],
            "exports": self._exports(),
        }

    def _jobs(self) -> list[Json]:
        below: dict[str, list[Run]] = defaultdict(list)
        for run in self._workspace.runs.all():
            if run.parent is not None:
                below[run.parent.run_id].append(run)
        return [_job(run, below) for run in self._workspace.runs.roots()[:JOBS]]

    def _model(self, name: str) -> Json:
        container = self._workspace.assets.container("models", name)
        versions = container.newest_first[:VERSIONS] if container else []
        return {
            "name": name,
            "versions": [
                {
                    "version": found.version,
                    "at": found.created.timestamp(),
                    "by": found.created_by,
                    "figures": [_figure(found.properties.get("tags") or {}, tag) for tag in METRICS],
                    "dataset": (found.properties.get("tags") or {}).get("Dataset"),
                }
                for found in versions
            ],
        }

    def _exports(self) -> list[Json]:
        found = [
            (container.name, version)
            for container in self._workspace.assets.containers("data")
            for version in container.versions.values()
        ]
        found.sort(key=lambda pair: pair[1].created, reverse=True)
        return [
            {
                "name": name,
                "project": match["project"] if (match := PROJECT.fullmatch(name)) else name,
                "version": version.version,
                "at": version.created.timestamp(),
                **self._labels.counted(name, version),
            }
            for name, version in found[:EXPORTS]
        ]


def _project(project: Project) -> Json:
    categories = project.given["labelCategories"].values()
    return {
        "name": project.name,
        "title": project.title,
        "classes": [name for category in categories for name in category["classes"]],
        "pictures": project.total,
        "labelled": len(project.labelled),
        "skipped": project.skipped,
    }


def _figure(tags: dict[str, str], tag: str) -> float | None:
    try:
        return float(tags[tag])
    except (KeyError, ValueError):
        return None


def _cluster(workspace: Workspace, cluster: Cluster) -> Json:
    return {
        "name": cluster.name,
        "size": cluster.size.name,
        "gpus": cluster.size.gpus,
        "vcpus": cluster.size.vcpus,
        "minimum": cluster.minimum,
        "maximum": cluster.maximum,
        "nodes": [
            {"id": node.node_id, "state": node.state, "runs": _called(workspace, node.run_id)}
            for node in cluster.nodes
        ],
        "waiting": [_called(workspace, ticket.run_id) for ticket in cluster.queue],
        "problem": cluster.errors[0]["error"]["message"] if cluster.errors else None,
    }


def _called(workspace: Workspace, run_id: str | None) -> str | None:
    """What a run is called to people: its part in its job, and the job."""
    run = workspace.runs.get(run_id or "")
    if run is None:
        return None
    job = run.root.display_name or run.root.run_id
    return job if run is run.root else f"{_part(run)} · {job}"


def _part(run: Run) -> str:
    return f"trial {int(run.properties.get('iteration', 0)) + 1}" if run.kind == "trial" else run.display_name


def _job(run: Run, below: dict[str, list[Run]]) -> Json:
    """A job or a part of one. A sweep's trials stand right below its AutoML node."""
    children = below[run.run_id]
    sweeps = [child for child in children if child.kind == "sweep"]
    parts = [child for child in children if child.kind != "sweep"]
    parts += [trial for sweep in sweeps for trial in below[sweep.run_id]]
    told = [_job(part, below) for part in parts]
    curve = [point.value for point in run.metrics.get(METRIC, [])]
    scores = [*curve, *(part["best"] for part in told if part["best"] is not None)]
    waits = run.queueing() if run.queueing else {}
    return {
        "id": run.run_id,
        "name": _part(run) if run.parent else run.display_name or run.run_id,
        "kind": run.kind,
        "status": run.status,
        "note": _note(run, waits),
        "failed": run.status == "Failed",
        "cluster": run.target or next((part["cluster"] for part in told if part["cluster"]), None),
        "settings": _settings(run),
        "created": run.created.timestamp(),
        "started": _at(run.started),
        "ended": _at(run.ended),
        "best": max(scores, default=None),
        "curve": curve[-POINTS:],
        "planned": sum(int(sweep.tags.get("max_total_jobs", "0")) for sweep in sweeps),
        "bestPart": next((s.properties["best_child_run_id"] for s in sweeps if _crowned(s)), None),
        "parts": told,
    }


def _crowned(sweep: Run) -> bool:
    return "best_child_run_id" in sweep.properties


def _note(run: Run, waits: dict[str, str]) -> str:
    """Why it waits, ended early or failed; nothing where nothing is to be said."""
    if waits:
        return waits["message"]
    if run.error:
        return str(run.error["error"]["message"])
    return "Stopped early: it fell behind the best." if "azureml.earlyTermination" in run.properties else ""


def _settings(run: Run) -> Json:
    """What was sampled for a trial, or the literal inputs of a job."""
    if run.kind == "trial":
        sampled: Json = json.loads(run.tags.get("hyperparameters", "{}"))
        return {key: round(value, 4) if isinstance(value, float) else value for key, value in sampled.items()}
    return {}


def _at(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None
