"""The look for known weaknesses in what is pinned."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def looks(tmp_path: Path) -> Path:
    """The script, beside one of the pins."""
    pins = (REQUIREMENTS / "run.txt").read_text()
    first = pins[: pins.index("\n    # via")]
    assert first.count("==") == 1
    (tmp_path / "run.txt").write_text(first)
    return Path(shutil.copy(REQUIREMENTS / "audit.py", tmp_path))


@pytest.mark.parametrize(("must", "code"), [({}, 0), ({"SPOTTER_MUST_AUDIT": "1"}, 1)])
def test_that_nothing_was_looked_up_is_told_and_red_where_it_must_be(
    looks: Path, must: dict[str, str], code: int
) -> None:
    kept = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
    offline = {**kept, "HTTPS_PROXY": NOWHERE, "https_proxy": NOWHERE, "SPOTTER_MUST_AUDIT": "", **must}
    done = subprocess.run(
        [sys.executable, looks], env=offline, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("NOT AUDITED: ")
    assert ("so this fails" in done.stderr) == bool(must)
