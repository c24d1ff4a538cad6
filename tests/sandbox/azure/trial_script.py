"""A small honest trial: fits a line to points by gradient descent and logs what it measures, epoch by epoch."""

import argparse
import json
import os
import random
import ssl
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--datastores", type=Path, required=True)
    parser.add_argument("--params", type=json.loads, required=True)
    parser.add_argument("--seed", type=int, required=True)
    given = parser.parse_args()
    Path("pid").write_text(str(os.getpid()))
    points = [json.loads(line) for line in (given.data / "points.jsonl").read_text().splitlines()]
    if not points:
        sys.exit(
            "ERROR: No objects in dataset. Please ensure that at least one image has one or more objects"
        )
    train(points, given.params, random.Random(given.seed))  # noqa: S311  no secret


def train(points: list[dict[str, float]], params: dict[str, Any], chance: random.Random) -> None:
    slope = chance.uniform(-1, 1)
    for epoch in range(int(params.get("number_of_epochs", 4))):
        error = sum((slope * p["x"] - p["y"]) * p["x"] for p in points) / len(points)
        slope -= float(params["learning_rate"]) * error
        loss = sum((slope * p["x"] - p["y"]) ** 2 for p in points) / len(points)
        score = 1 / (1 + loss)
        log(epoch, mean_average_precision=score, precision=score**2, recall=score**0.5)
        sys.stdout.write(f"epoch {epoch} loss {loss:.4f}\n")
        time.sleep(float(params.get("seconds_per_epoch", 0)))
    outputs = Path("outputs/mlflow-model")
    outputs.mkdir(parents=True)
    (outputs / "MLmodel").write_text("flavors:\n  python_function:\n    loader_module: line\n")
    (outputs / "slope.json").write_text(json.dumps(slope))
    Path("outputs/scoring_file_v_1_0_0.py").write_text("def run(x): ...\n")
    Path("train_artifacts").mkdir()
    Path("train_artifacts/settings.json").write_text(json.dumps(params))


def log(epoch: int, **metrics: float) -> None:
    now = int(time.time() * 1000)
    content = {
        "run_id": os.environ["MLFLOW_RUN_ID"],
        "metrics": [{"key": k, "value": v, "step": epoch, "timestamp": now} for k, v in metrics.items()],
    }
    request = urllib.request.Request(  # noqa: S310  the twin's address
        f"{os.environ['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/runs/log-batch",
        json.dumps(content).encode(),
        {
            "Authorization": f"Bearer {os.environ['MLFLOW_TRACKING_TOKEN']}",
            "Content-Type": "application/json",
        },
    )
    trust = ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])
    with urllib.request.urlopen(request, timeout=60, context=trust):  # noqa: S310  the twin's address
        pass


if __name__ == "__main__":
    main()
