"""A trial that logs the figures written in the rows of its data for its model size, as the trainer logs its own."""

import argparse
import json
import os
import ssl
import sys
import urllib.request
from pathlib import Path
from typing import Any


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
    request = urllib.request.Request(  # noqa: S310  the twin's address
        f"{os.environ['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/runs/{call}",
        json.dumps({"run_id": os.environ["MLFLOW_RUN_ID"], **content}).encode(),
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
