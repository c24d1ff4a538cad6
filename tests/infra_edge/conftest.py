"""The real module as a process, with a real ONNX model behind the scoring file that the trainer registers."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sandbox.trainer import scoring

ROOT = Path(__file__).parents[2]
SECONDS = 60
ABOUT = {"labels": '["cap_missing", "cap_on"]', "box_score_threshold": "0.3"}

Start = Callable[..., "Running"]


@dataclass
class Running:
    """A module's process; `port` is the one that it says it listens on."""

    process: subprocess.Popen[str]
    port: int

    def ask(
        self, path: str, body: bytes | None = None, kind: str = "image/png"
    ) -> tuple[int, Any, dict[str, str]]:
        headers = {"Content-Type": kind} if body is not None else {}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310  # this machine
                return answer.status, json.load(answer), dict(answer.headers)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused), dict(refused.headers)

    def settled(self) -> tuple[int, Any]:
        """Its health when it is no longer starting."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            status, told, _ = self.ask("/healthz")
            if told["health"] != "starting":
                return status, told
            time.sleep(0.05)
        raise AssertionError("it is still starting")


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registered model's folder. It finds something in noise, and nothing in the dark."""
    from sandbox.trainer.network import first_weights  # imports jax, which takes a second
    from sandbox.trainer.onnx_file import write_onnx
    from sandbox.trainer.outputs import SCORING_FILE

    folder = tmp_path_factory.mktemp("registered") / "Cap_Detection_Model" / "outputs"
    folder.mkdir(parents=True)
    weights, running = first_weights(12, 2, np.random.default_rng(5))
    weights["answer"]["kernel"] *= 60
    write_onnx(folder / "model.onnx", weights, running, (96, 72), ABOUT)
    shutil.copyfile(scoring.__file__, folder / SCORING_FILE)
    return folder.parent


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def run(
        folder: Path, program: str = "infra.edge.module", cwd: Path = ROOT, **environment: str
    ) -> Running:
        given = {"MODEL_NAME": "Cap_Detection_Model", "MODEL_VERSION": "3", "HOST": "127.0.0.1", "PORT": "0"}
        process = subprocess.Popen(
            [sys.executable, "-m", program],
            cwd=cwd,
            env={**os.environ, **given, "MODEL_DIR": str(folder), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "Listening on port " in line, line + process.stdout.read()
        return Running(process, int(line.rpartition(" ")[2].rstrip(".\n")))

    yield run
    for process in started:
        process.terminate()
        process.wait(SECONDS)
        assert process.stdout is not None
        process.stdout.close()
