"""A trial that logs the figures written in the rows of its data for its model size, as the trainer logs its own."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import requests


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--data", "--datastores", "--params", "--seed"):
        parser.add_argument(name, required=True)
    parser.add_argument("--validation", required=True)
    given = parser.parse_args()
    params = json.loads(given.params)
    [rows] = Path(given.data).glob("*.jsonl")
    figures = json.loads(rows.read_text().splitlines()[0])["figures"][params["model_size"]]
    for epoch in range(len(figures["mean_average_precision"])):
        log("log-batch", metrics=[point(name, values, epoch) for name, values in figures.items() if values])
    log("set-tag", key="data", value="synthetic")
    Path("outputs").mkdir(exist_ok=True)
    Path("outputs/model.onnx").write_text(params["model_size"])
    sys.stdout.write("done\n")


def point(name: str, values: list[float], epoch: int) -> dict[str, object]:
    return {"key": name, "value": values[epoch], "step": epoch, "timestamp": 1_000 + epoch}


def log(call: str, **content: Any) -> None:
    answer = requests.post(
        f"{os.environ['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/runs/{call}",
        headers={"Authorization": f"Bearer {os.environ['MLFLOW_TRACKING_TOKEN']}"},
        json={"run_id": os.environ["MLFLOW_RUN_ID"], **content},
        timeout=10,
    )
    answer.raise_for_status()


if __name__ == "__main__":
    main()
