"""Trials forked by a nursery end as trials do, and leave nothing behind."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.trainer import ask

PATIENCE = 60


@pytest.fixture
def owner() -> Iterator[subprocess.Popen[bytes]]:
    """Somebody for whom trials are run."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def begin(owner: subprocess.Popen[bytes], data: Path, params: str = "{}") -> subprocess.Popen[str]:
    given = ["--data", str(data), "--datastores", str(data), "--params", params]
    return subprocess.Popen(
        [sys.executable, "-IS", ask.__file__, str(owner.pid), *given],
        cwd=data,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ask.SOURCES)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def nurseries(owner: subprocess.Popen[bytes]) -> list[str]:
    """Processes that work for the owner: its nursery and what that has forked."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_text().split("\0")
        except OSError:
            continue
        if "sandbox.trainer.nursery" in words and str(owner.pid) in words:
            found.append(folder.name)
    return found


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes in /proc")
def test_trials_end_with_their_own_words_when_stopped_and_with_their_owner(
    owner: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    refused = begin(owner, tmp_path, params="[]")
    _, complaint = refused.communicate(timeout=PATIENCE)
    assert (refused.returncode, complaint) == (1, "ERROR: --params should be a JSON object, not []\n")
    (nursery,) = nurseries(owner)

    os.mkfifo(tmp_path / "MLTable")  # whoever opens it waits for ever
    waiting = begin(owner, tmp_path)
    until(lambda: len(nurseries(owner)) == 2)
    waiting.terminate()
    waiting.communicate(timeout=PATIENCE)
    until(lambda: nurseries(owner) == [nursery])

    orphaned = begin(owner, tmp_path)
    until(lambda: len(nurseries(owner)) == 2)
    orphaned.kill()
    orphaned.communicate(timeout=PATIENCE)
    until(lambda: nurseries(owner) == [nursery])

    owner.kill()
    owner.wait()
    until(lambda: nurseries(owner) == [])
