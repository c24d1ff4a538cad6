"""`python -m sandbox.trainer.trial`: one trial as a process, in the folder of its run.

Ends with exit code 1 and a last line `ERROR: <message>` on stderr where data, parameters or the machine do not allow
training; a fault of its own ends with a stack instead. MLFLOW_* and REQUESTS_CA_BUNDLE say where metrics go;
JAX_COMPILATION_CACHE_DIR saves compiling again.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from pathlib import Path

from sandbox.trainer.errors import TrainingError

ONE_THREAD = {
    "NPROC": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "JAX_PLATFORMS": "cpu",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one trial; the process's exit code."""
    parser = argparse.ArgumentParser(prog="sandbox.trainer.trial", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data asset, with MLTable")
    parser.add_argument("--validation", type=Path, help="the same for validation; else a part is held out")
    parser.add_argument("--datastores", type=Path, required=True, help="folder with one folder per datastore")
    parser.add_argument("--params", default="{}", help="hyper-parameters as a JSON object")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    os.environ.update(ONE_THREAD)  # before numpy and jax are imported, which read it once
    try:
        _run(given)
    except TrainingError as error:
        sys.stdout.flush()
        sys.stderr.write(f"ERROR: {error}\n")
        return 1
    return 0


def _run(given: argparse.Namespace) -> None:
    try:
        params = json.loads(given.params)
    except ValueError:
        params = None
    if not isinstance(params, dict):
        raise TrainingError(f"--params should be a JSON object, not {given.params}")
    try:
        from sandbox.trainer.tracking import Tracking
        from sandbox.trainer.training import run_trial
    except ModuleNotFoundError as error:
        raise TrainingError(
            f"The sandbox's trainer needs the extra 'sandbox', of which {error.name} is not installed:"
            " pip install 'spotter[sandbox]'."
        ) from error
    best = run_trial(
        given.data,
        given.datastores,
        params,
        given.seed,
        Path.cwd(),
        Tracking.from_environment(),
        given.validation,
    )
    logging.getLogger(__name__).info("done: best mean_average_precision %.4f", best.mean_average_precision)


if __name__ == "__main__":
    sys.exit(main())
