"""Files a finished trial leaves behind, where AutoML for images leaves them."""

from __future__ import annotations

import json
import platform
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from sandbox.trainer import scoring
from sandbox.trainer.dataset import Example, fingerprint
from sandbox.trainer.learning import Epoch
from sandbox.trainer.metrics import DEFINITION, Figures
from sandbox.trainer.network import CELL
from sandbox.trainer.settings import Settings

SCORING_FILE = "scoring_file_v_1_0_0.py"
ENVIRONMENT_FILE = "conda_env_v_1_0_0.yml"
NEEDED = ("numpy", "onnxruntime", "pillow")


def write_outputs(
    run: Path,
    run_id: str,
    settings: Settings,
    labels: Sequence[str],
    tags: Mapping[str, str],
    history: Sequence[Figures],
    best: Epoch,
    held_out: list[Example],
) -> None:
    """Everything but `outputs/model.onnx`, which is the file that was measured, and is there already."""
    outputs = run / "outputs"
    shutil.copyfile(scoring.__file__, outputs / SCORING_FILE)
    _write_yaml(outputs / ENVIRONMENT_FILE, _conda())
    (outputs / "run_id.txt").write_text(run_id, encoding="utf-8")
    _write_json(outputs / "labels.json", list(labels))
    _write_json(outputs / "metrics.json", _metrics(settings, tags, history, best.number, held_out))
    _write_mlflow_model(outputs, run_id, settings, len(labels), tags)
    artifacts = run / "train_artifacts"
    _write_json(artifacts / "epochs.json", [asdict(figures) for figures in history])
    _write_json(artifacts / "settings.json", asdict(settings))
    arrays = {
        f"{kind}/{layer}/{name}": value
        for kind, tree in (("weights", best.weights), ("running", best.running))
        for layer, entries in tree.items()
        for name, value in entries.items()
    }
    np.savez(artifacts / "weights.npz", allow_pickle=False, **arrays)


def _metrics(
    settings: Settings,
    tags: Mapping[str, str],
    history: Sequence[Figures],
    best: int,
    held_out: list[Example],
) -> dict[str, Any]:
    figures = asdict(history[best - 1])
    return {
        "best_epoch": best,
        "epochs": len(history),
        **{name: figures[name] for name in ("mean_average_precision", "precision", "recall")},
        "per_label": figures["labels"],
        "definition": DEFINITION,
        "box_score_threshold": settings.score_threshold,
        "held_out": {
            "sha256": fingerprint(held_out),
            "files": [example.name for example in held_out],
        },
        "tags": dict(tags),
    }


def _write_mlflow_model(
    outputs: Path, run_id: str, settings: Settings, classes: int, tags: Mapping[str, str]
) -> None:
    """MLflow's directory layout for its onnx flavour."""
    folder = outputs / "mlflow-model"
    folder.mkdir(exist_ok=True)
    shutil.copyfile(outputs / "model.onnx", folder / "model.onnx")
    width, height = settings.image
    cells = [height // CELL, width // CELL]

    def tensor(name: str, *shape: int) -> dict[str, Any]:
        spec = {"dtype": "float32", "shape": list(shape)}
        return {"type": "tensor", "tensor-spec": spec, "name": name}

    function = {
        "data": "model.onnx",
        "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
        "loader_module": "mlflow.onnx",
        "python_version": platform.python_version(),
    }
    onnx = {"data": "model.onnx", "onnx_version": version("onnx"), "providers": ["CPUExecutionProvider"]}
    signature = {
        "inputs": json.dumps([tensor("image", 1, 3, height, width)]),
        "outputs": json.dumps([tensor("heat", 1, classes, *cells), tensor("reach", 1, 4, *cells)]),
    }
    _write_yaml(
        folder / "MLmodel",
        {
            "artifact_path": "mlflow-model",
            "flavors": {"onnx": onnx, "python_function": function},
            "metadata": dict(tags),
            "model_uuid": uuid.uuid5(uuid.NAMESPACE_OID, run_id).hex,
            "run_id": run_id,
            "signature": signature,
            "utc_time_created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
        },
    )
    _write_yaml(folder / "conda.yaml", _conda())
    _write_yaml(
        folder / "python_env.yaml",
        {"python": platform.python_version(), "dependencies": ["-r requirements.txt"]},
    )
    (folder / "requirements.txt").write_text("\n".join(_requirements()) + "\n", encoding="utf-8")


def _requirements() -> list[str]:
    return [f"{package}=={version(package)}" for package in NEEDED]


def _conda() -> dict[str, Any]:
    python = ".".join(platform.python_version_tuple()[:2])
    return {
        "name": "sandbox-detector",
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", "pip", {"pip": _requirements()}],
    }


def _write_yaml(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(yaml.safe_dump(dict(content), sort_keys=False), encoding="utf-8")


def _write_json(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
