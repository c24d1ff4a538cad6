"""Sandbox: from the start of `spotter-sandbox` to a page that can be used: the bot serves, and knows the workspace."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.table import Row, at_most

BAR = 20.0
WELCOME = "http://127.0.0.1:"
STARTS, STARTS_QUICK = 3, 1


def measure(*, quick: bool) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        for number in range(STARTS_QUICK if quick else STARTS):
            yield at_most(f"start {number + 1}", _start(Path(folder) / "sandbox"), BAR, "s")


def _start(root: Path) -> float:
    """Seconds until the address is told, which is when people can begin."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.cli", "--port", "0", "--root", str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "BROWSER": "true"},
        text=True,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if WELCOME in line:
                return time.monotonic() - began
    finally:
        process.terminate()
        process.wait(timeout=60)
    raise RuntimeError("the sandbox did not start")
