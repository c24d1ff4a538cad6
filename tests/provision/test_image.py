"""The bot's container image, as far as it can be held without building it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTAINERFILE = (ROOT / "infra" / "provision" / "Containerfile").read_text()
LAST_STAGE = CONTAINERFILE.rpartition("\nFROM ")[2]
IGNORED = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]


def test_it_is_slim_pinned_and_in_two_stages() -> None:
    assert re.search(r"^ARG PYTHON=python:3\.11-slim", CONTAINERFILE, re.MULTILINE)
    assert len(re.findall(r"^FROM ", CONTAINERFILE, re.MULTILINE)) == 2
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
