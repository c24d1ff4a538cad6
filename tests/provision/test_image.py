"""The bot's container image, as far as it can be held without building it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTAINERFILE = (ROOT / "infra" / "provision" / "Containerfile").read_text()
LAST_STAGE = CONTAINERFILE.rpartition("\nFROM ")[2]
IGNORED = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]


def test_it_is_slim_pinned_and_in_two_stages() -> None:
    base, build, last = re.findall(r"^FROM (.+)$", CONTAINERFILE, re.MULTILINE)
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64} AS base", base)
    assert (build, last) == ("base AS build", "base")
    assert "--require-hashes" in CONTAINERFILE and "pip install" not in LAST_STAGE


def test_it_does_not_run_as_root() -> None:
    user = re.findall(r"^USER (\S+)$", LAST_STAGE, re.MULTILINE)
    assert user and user[-1].partition(":")[0].isdigit() and user[-1] != "0:0"
    assert LAST_STAGE.index("USER ") < LAST_STAGE.index("ENTRYPOINT")


def test_it_tells_its_health() -> None:
    assert re.search(r"^HEALTHCHECK .*\\\n +CMD \[.*/healthz", LAST_STAGE, re.MULTILINE)


def test_it_has_what_the_bot_needs_and_nothing_else() -> None:
    copied = set(re.findall(r"^COPY (?!--from)(\S+) ", CONTAINERFILE, re.MULTILINE))
    assert copied == {"bot", "commands", "storage", "infra", "requirements/run.txt"}
    assert all((ROOT / path).exists() for path in copied)
    assert IGNORED[0] == "*"
    assert {entry[1:] for entry in IGNORED if entry.startswith("!")} == copied


def test_what_is_copied_is_enough_to_start(tmp_path: Path) -> None:
    for package in re.findall(r"^COPY (\w+) /app/\w+$", CONTAINERFILE, re.MULTILINE):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli", "manifest"],
        env={"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["display_information"]["name"] == "Spotter"
