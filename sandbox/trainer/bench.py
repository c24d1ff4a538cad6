"""`python -m sandbox.trainer.bench`: four random trials on the large export, two at a time, timed and measured."""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from sandbox.line.exports import ExportOnDisk, write_all

TRIALS, AT_ONCE = 4, 2


def search_space(random: np.random.Generator) -> dict[str, Any]:
    """One draw of the hyper-parameters."""
    return {
        "model_name": "yolov5",
        "learning_rate": random.uniform(0.002, 0.02),
        "model_size": str(random.choice(["small", "medium"])),
        "img_size": int(random.choice([128, 160])),
        "number_of_epochs": 10,
    }


def run(export: ExportOnDisk, params: dict[str, Any], seed: int, folder: Path, cache: Path) -> dict[str, Any]:
    """One trial as a process; what its `metrics.json` says."""
    folder.mkdir()
    command = [sys.executable, "-m", "sandbox.trainer.trial", "--data", str(export.folder)]
    command += ["--datastores", str(export.datastores), "--params", json.dumps(params), "--seed", str(seed)]
    environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(cache)}
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    metrics: dict[str, Any] = json.loads((folder / "outputs" / "metrics.json").read_text(encoding="utf-8"))
    return metrics


def main() -> None:
    """Draw, train, print a row per trial and the totals."""
    parser = argparse.ArgumentParser(prog="sandbox.trainer.bench", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--export", default="caps_20261116_143000")
    given = parser.parse_args()
    random = np.random.default_rng(given.seed)
    draws = [search_space(random) for _ in range(TRIALS)]
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(AT_ONCE) as pool:
        root = Path(name)
        export = next(one for one in write_all(root / "line") if one.name == given.export)
        started = time.monotonic()
        jobs = [
            pool.submit(run, export, draw, given.seed + place, root / f"trial{place}", root / "cache")
            for place, draw in enumerate(draws)
        ]
        for draw, job in zip(draws, jobs, strict=True):
            found = job.result()
            figures = "/".join(
                f"{found[key]:.3f}" for key in ("mean_average_precision", "precision", "recall")
            )
            sys.stdout.write(
                f"{draw['model_size']:6} {draw['img_size']} px  lr {draw['learning_rate']:.4f}"
                f"  mAP/P/R {figures}  epoch {found['best_epoch']}\n"
            )
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        sys.stdout.write(
            f"{time.monotonic() - started:.1f} s for {TRIALS} trials, {AT_ONCE} at a time;"
            f" {(spent.ru_utime + spent.ru_stime) / TRIALS:.1f} CPU-s a trial\n"
        )


if __name__ == "__main__":
    main()
