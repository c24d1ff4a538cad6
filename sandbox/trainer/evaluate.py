"""`python -m sandbox.trainer.evaluate`: measure a saved model again, through its own scoring file.

Reads what a trial left in `outputs` and the data it was trained on, scores the same held-out pictures, and writes the
figures as one JSON object. Nothing of the training is used but the way figures are computed.
"""

from __future__ import annotations

import argparse
import base64
import importlib.util
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sandbox.trainer.dataset import fingerprint, load
from sandbox.trainer.errors import TrainingError
from sandbox.trainer.metrics import Detection, Figures, measure
from sandbox.trainer.settings import IOU_THRESHOLD


def evaluate(outputs: Path, data: Path, datastores: Path) -> Figures:
    """Figures of the model in `outputs`. TrainingError if the held-out pictures are not those of its training."""
    noted = json.loads((outputs / "metrics.json").read_text(encoding="utf-8"))["held_out"]
    names = set(noted["files"])
    held_out = [example for example in load(data, datastores) if example.name in names]
    if noted["sha256"] != fingerprint(held_out):
        raise TrainingError("These are not the held-out pictures that the model was measured on.")
    scoring = _scoring_file(outputs)
    found = []
    for example in held_out:
        picture = base64.b64encode(example.file.read_bytes()).decode()
        request = json.dumps({"input_data": {"columns": ["image"], "data": [picture]}})
        [answer] = scoring.run(request)
        found.append([Detection.from_answer(box) for box in answer["boxes"]])
    return measure([example.boxes for example in held_out], found, IOU_THRESHOLD)


def _scoring_file(outputs: Path) -> Any:
    """The scoring file as Azure ML would start it: loaded from where it lies, then init()."""
    [file] = outputs.glob("scoring_file_*.py")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise TrainingError(f"{file} cannot be loaded.")
    module = importlib.util.module_from_spec(spec)
    kept = sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # a model's folder stays as it was registered
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = kept
    os.environ["AZUREML_MODEL_DIR"] = str(outputs)
    module.init()
    return module


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; the process's exit code."""
    parser = argparse.ArgumentParser(prog="sandbox.trainer.evaluate", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a trial's outputs folder")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--datastores", type=Path, required=True)
    given = parser.parse_args(arguments)
    try:
        figures = evaluate(given.model, given.data, given.datastores)
    except TrainingError as error:
        sys.stderr.write(f"ERROR: {error}\n")
        return 1
    sys.stdout.write(json.dumps(asdict(figures), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
