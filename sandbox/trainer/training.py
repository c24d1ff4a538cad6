"""One trial from data to outputs: learn an epoch, write it as ONNX, measure that file, keep the best."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.trainer.dataset import Example, fingerprint, hold_out, load, load_measured
from sandbox.trainer.learning import Epoch, TrainingSet, train
from sandbox.trainer.metrics import DEFINITION, Detection, Figures, measure
from sandbox.trainer.onnx_file import write_onnx
from sandbox.trainer.outputs import write_outputs
from sandbox.trainer.scoring import Detector
from sandbox.trainer.settings import IOU_THRESHOLD, SANDBOX_MODEL, Settings, read_settings
from sandbox.trainer.tracking import Tracking

log = logging.getLogger(__name__)


def run_trial(
    data: Path,
    datastores: Path,
    params: Mapping[str, Any],
    seed: int,
    run: Path,
    tracking: Tracking,
    validation: Path | None = None,
) -> Figures:
    """Train, log every epoch, leave `outputs` and `train_artifacts` in `run`; the best epoch's figures.

    What is in `validation` is measured on, else a part of `data` that is held out.

    TrainingError if data or parameters cannot be used.
    """
    settings, notes = read_settings(params, seed)
    for note in notes:
        log.info(note)
    training = load(data, datastores)
    training, held_out = (
        (training, load_measured(validation, datastores)) if validation else hold_out(training)
    )
    examples = [*training, *held_out]
    labels = sorted({box.label for example in examples for box in example.boxes})
    log.info(
        "%d images to train on, %d held out; classes: %s", len(training), len(held_out), ", ".join(labels)
    )
    tags = _tags(examples, settings)
    tracking.log(params=_params(params, settings), tags=tags)
    for folder in ("outputs", "train_artifacts"):
        (run / folder).mkdir(parents=True, exist_ok=True)
    metadata = {"labels": json.dumps(labels), "box_score_threshold": repr(settings.score_threshold), **tags}
    history, best = _learn(
        TrainingSet(training, labels, settings), settings, metadata, held_out, run, tracking
    )
    write_outputs(run, tracking.run_id, settings, labels, tags, history, best, held_out)
    return history[best.number - 1]


def _learn(
    data: TrainingSet,
    settings: Settings,
    metadata: Mapping[str, str],
    held_out: list[Example],
    run: Path,
    tracking: Tracking,
) -> tuple[list[Figures], Epoch]:
    """Figures of every epoch, and the best one, whose file becomes `outputs/model.onnx`."""
    history: list[Figures] = []
    best: Epoch | None = None
    candidate = run / "train_artifacts" / "candidate.onnx"
    started = time.monotonic()
    for epoch in train(data, settings):
        write_onnx(candidate, epoch.weights, epoch.running, settings.image, metadata)
        figures = judge(Detector(candidate), held_out)
        history.append(figures)
        _report(epoch, settings, figures, time.monotonic() - started, tracking)
        if best is None or figures.mean_average_precision > history[best.number - 1].mean_average_precision:
            best = epoch
            candidate.replace(run / "outputs" / "model.onnx")
    candidate.unlink(missing_ok=True)
    if best is None:
        raise AssertionError("settings allow no run without an epoch")
    return history, best


def judge(detector: Detector, held_out: list[Example]) -> Figures:
    """Figures of a saved model on pictures it has not learned from."""
    found = [
        [Detection.from_answer(answer) for answer in detector.detect(example.file.read_bytes())]
        for example in held_out
    ]
    return measure([example.boxes for example in held_out], found, IOU_THRESHOLD)


def _report(epoch: Epoch, settings: Settings, figures: Figures, seconds: float, tracking: Tracking) -> None:
    log.info(
        "epoch %d/%d  loss %.3f  mean_average_precision %.4f  precision %.4f  recall %.4f  (%.1f s)",
        epoch.number,
        settings.epochs,
        epoch.loss,
        figures.mean_average_precision,
        figures.precision,
        figures.recall,
        seconds,
    )
    metrics = {
        "mean_average_precision": figures.mean_average_precision,
        "precision": figures.precision,
        "recall": figures.recall,
        "loss": epoch.loss,
    }
    for name, label in figures.labels.items():
        metrics[f"per_label_metrics/{name}/average_precision"] = label.average_precision
        metrics[f"per_label_metrics/{name}/precision"] = label.precision
        metrics[f"per_label_metrics/{name}/recall"] = label.recall
    tracking.log(metrics=metrics, step=epoch.number)


def _params(params: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """What was asked for, word for word as a tracking server lets no value change, and what else was used."""
    used = {
        "sandbox_model": SANDBOX_MODEL,
        "sandbox_image": "x".join(map(str, settings.image)),
        "sandbox_model_size": settings.model_size,
        "learning_rate": settings.learning_rate,
        "number_of_epochs": settings.epochs,
        "training_batch_size": settings.batch,
        "box_score_threshold": settings.score_threshold,
    }
    return {**used, **params}


def _tags(examples: list[Example], settings: Settings) -> dict[str, str]:
    """What anybody who finds the model should know about it."""
    return {
        "data": "synthetic",
        "trainer": "sandbox",
        "model": SANDBOX_MODEL,
        "seed": str(settings.seed),
        "data_sha256": fingerprint(examples),
        "metric_definition": DEFINITION,
    }
