"""The models that are measured: the new version, the one before it, and those that are in use."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from azure.core.exceptions import AzureError

from infra.edge.module.model import SCORING_FILES
from infra.training.evaluate.metrics import Box
from infra.training.evaluate.pictures import EDGES
from infra.training.job.azure import Azure, RefusedError
from infra.training.job.files import Files, NowhereError
from infra.training.register import model_tags
from infra.training.register.register import REGISTERED
from infra.training.split.held_out import RULE

MOST_OTHERS = 4
LONGEST = 3600
LAST_WORDS = 300


@dataclass
class Contestant:
    """A registered version. `held_out` is whether it is known to have learned from none of the held-out pictures;
    `trouble` says why there are no answers."""

    model: str
    version: int
    address: str
    held_out: bool
    answers: Sequence[Sequence[Box]] = field(default_factory=list)
    trouble: str = ""

    @property
    def name(self) -> str:
        return f"{self.model}:{self.version}"


def contestants(azure: Azure, registered: Path, in_use: str) -> list[Contestant]:
    """The version that `registered` names first. Versions that are gone are passed over."""
    told = json.loads((registered / REGISTERED).read_text(encoding="utf-8"))
    model, newest = str(told["name"]), int(told["version"])
    known = {model: _versions(azure, model)}
    wanted = [(model, newest)]
    older = [number for number in known[model] if number < newest]
    if older:
        wanted.append((model, max(older)))
    for named in filter(None, in_use.split(",")):
        name, _, number = named.rpartition(":")
        if number.isdigit() and (name, int(number)) not in wanted:
            known.setdefault(name, _versions(azure, name))
            wanted.append((name, int(number)))
    return [known[name][number] for name, number in wanted if number in known[name]][: 1 + MOST_OTHERS]


def answers_of(
    contestant: Contestant, pictures: int, files: Files, folder: Path, seen: Path
) -> tuple[list[list[Box]], str]:
    """A model's answers to the pictures in the folder `seen`, or why there are none."""
    try:
        if not files.copy(contestant.address, folder):
            return [], "Its files are gone."
    except (RefusedError, NowhereError, AzureError) as fault:
        return [], f"Its files cannot be read: {str(fault)[:LAST_WORDS]}"
    if not any(folder.rglob(SCORING_FILES)):
        return [], "It has no scoring file."
    told = folder.with_suffix(".json")
    line = [sys.executable, "-m", "infra.training.evaluate.score", "--model", str(folder)]
    line += ["--pictures", str(seen), "--answers", str(told)]
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=LONGEST, check=False)
    except subprocess.TimeoutExpired:
        return [], f"It took longer than {LONGEST} s."
    if done.returncode != 0:
        words = (done.stderr or done.stdout).replace(str(folder), "its files").strip().splitlines()
        return [], (words[-1] if words else f"It ended with {done.returncode}.")[:LAST_WORDS]
    try:
        answers = [[_box(row) for row in rows] for rows in json.loads(told.read_text(encoding="utf-8"))]
    except (ValueError, KeyError, TypeError) as fault:
        return [], f"Its answers are not as scoring files give them: {fault}"[:LAST_WORDS]
    return (answers, "") if len(answers) == pictures else ([], "It did not answer every picture.")


def _versions(azure: Azure, model: str) -> dict[int, Contestant]:
    found: dict[int, Contestant] = {}
    for told in azure.versions(model):
        about: Mapping[str, Any] = told.get("properties") or {}
        number = str(told.get("name") or str(told.get("id")).rpartition("/")[2])
        if number.isdigit() and not about.get("isArchived"):
            rule = (about.get("tags") or {}).get(model_tags.HELD_OUT)
            found[int(number)] = Contestant(
                model, int(number), str(about.get("modelUri") or ""), rule == RULE
            )
    return found


def _box(row: Mapping[str, Any]) -> Box:
    left, top, right, bottom = (float(row["box"][edge]) for edge in EDGES)
    return Box(str(row["label"]), (left, top, right, bottom), float(row["score"]))
