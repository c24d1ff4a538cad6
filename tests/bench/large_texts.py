"""What is the same in each row of a large store, as large as it is in truth: the rooms themselves make messages."""

import json
from datetime import datetime
from typing import Any

from commands.deploy import evidence
from commands.kit.policy import Target
from commands.models.messages import announcement
from commands.train.estimate import Estimate
from commands.train.messages import Spent, live
from infra.azureml.evaluations import Box, ClassFigures, Disputed, Evaluation, Measured, PictureSet
from storage.catalog import ModelRow
from storage.runs import TrainingRun

CHANNEL = "C0LINEVIS1"
NAME, NUMBER = "name-of-the-model", "9876543"  # in the evaluation, in place of each version's own


def texts(now: datetime) -> dict[str, str]:
    """By the name of its parameter."""
    ids = "cap-detection-model-20261122-3f9a10"
    trials = [
        {
            "run_id": f"{ids}_HD_{number}", "number": number, "status": "Completed", "epochs": 30, "epoch": 21,
            "mean_average_precision": 0.812345 + number / 1000, "precision": 0.912, "recall": 0.853,
            "started_at": "2026-11-22T12:00:00+00:00", "ended_at": "2026-11-22T12:40:00+00:00",
        }
        for number in range(9)
    ]  # fmt: skip
    steps = [
        {"name": step, "run_id": f"{ids}-{step}", "status": "Completed"}
        for step in ("split", "train", "register", "evaluate")
    ]
    progress: dict[str, Any] = {
        "sweep_id": ids, "planned": 9, "waits": None, "steps": steps, "node_seconds": 9000, "trials": trials,
        "max_trials": 9, "max_epochs": 30,
    }  # fmt: skip
    tags = {
        "Dataset": "caps_1_20261120_093011", "Dataset Version": "1", "Mean Average Precision": "0.853",
        "Precision": "0.9", "Recall": "0.85", "Epoch": "21", "Pipeline Run": ids,
    }  # fmt: skip
    run = TrainingRun(
        ids, "r", "registered", "Cap_Detection_Model", "caps_1_20261120_093011", "1", "gpu-cluster", "spotter",
        "U0TRAINER1", "trainer", CHANNEL, now, ended_at=now, progress=progress, registered_version=3,
        studio_url="https://ml.azure.com/runs/" + ids,
    )  # fmt: skip
    versions = [
        ModelRow(run.model_name, number, now, "trainer", 0.85, 0.9, 0.85, tags, None, ids, True, now)
        for number in range(9, 0, -1)
    ]
    candidate, incumbent = (evidence.figures(model, "d" * 64) for model in versions[:2])
    devices = {ring: [f"camera-{number}" for number in range(100)] for ring in ("canary", "all")}
    measured = _evaluation()
    texts: dict[str, Any] = {
        "progress": progress,
        "failure": {
            "cause": "The GPU ran out of memory.",
            "remedy": "Use smaller batches.",
            "log": ["line"] * 20,
        },
        "estimate": Estimate(9, 1500, 2520, 4200, 5000, 1.9, "EUR").record(),
        "tags": tags,
        "live": live(run, (), now, Spent()).content(),
        "announced": announcement(versions[0], versions[1:], run).content(),
        "thin": {"digest": "0123456789abcdef" * 4},
        "evaluation": measured.model_dump(mode="json"),
        "figures": measured.figures(),
        "evidence": evidence.collect(candidate, incumbent, Target(channel=CHANNEL), devices),
        "rings": [_ring("canary", "done"), _ring("all", "done")],
        "rolling": [_ring("canary", "done"), _ring("all", "rolling")],
        "contents": {
            "images": 1500,
            "boxes": {"cap": 4000, "no_cap": 300},
            "images_without_boxes": 3,
            "blockers": [],
        },
        "details": {
            "model": run.model_name,
            "dataset": run.dataset,
            "cluster": run.cluster,
            "state": "submitted",
        },
    }
    return {
        **{name: json.dumps(told) for name, told in texts.items()},
        "studio": run.studio_url or "",
        "hash": "0123456789abcdef" * 4,
    }


def _ring(name: str, state: str) -> dict[str, Any]:
    truth = {"targeted": 100, "healthy": 98, "failed": 0, "silent": 2}
    url = "https://dev.azure.com/org/project/_build/results?buildId=1"
    return {"name": name, "state": state, "id": f"line-0-{name}", "run_id": 1, "url": url, "truth": truth}


def _evaluation() -> Evaluation:
    """Three versions on two hundred pictures of five kinds of defects."""
    box = Box(label="missing cap", corners=(0.1234, 0.2345, 0.3456, 0.4567), score=0.8765)
    points = [(1 - place / 50, 1 - place / 200, place / 50) for place in range(40)]
    kinds = {
        f"defect {number}": ClassFigures(
            average_precision=0.8123, precision=0.9012, recall=0.8345, boxes=120, points=points
        )
        for number in range(5)
    }
    measured = [
        Measured(
            name=name, version=version, held_out=True, mean_average_precision=0.8123, precision=0.9012,
            recall=0.8345, classes=kinds,
        )
        for name, version in ((NAME, int(NUMBER)), ("Model_1", 1), ("Model_2", 1))
    ]  # fmt: skip
    disputed = [
        Disputed(
            name=f"picture-{number}.jpg",
            address=f"azureml://datastores/workspaceblobstore/paths/line-1/picture-{number}.jpg",
            truth=[box] * 3,
            answers={f"{NAME}:{NUMBER}": [box] * 3, "Model_1:1": [box] * 3, "Model_2:1": [box] * 3},
            disagreement={"Model_1:1": 1, "Model_2:1": 2},
        )
        for number in range(12)
    ]
    held_out = PictureSet(digest="d" * 64, pictures=200, boxes=600)
    return Evaluation(dataset="caps_1_20261120_093011:1", set=held_out, models=measured, pictures=disputed)
