"""The held-out pictures with the boxes that people drew."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.core.exceptions import AzureError

from infra.training.evaluate.metrics import Box
from infra.training.job.addresses import name_of
from infra.training.job.azure import RefusedError
from infra.training.job.files import Files, NowhereError
from infra.training.split.held_out import ANNOTATIONS, BOXES, PICTURE, place_of

MOST_PICTURES = 1000
EDGES = ("topX", "topY", "bottomX", "bottomY")

log = logging.getLogger("evaluate")


@dataclass(frozen=True)
class Picture:
    """`name` is "datastore/path", the same in every export."""

    name: str
    address: str
    truth: Sequence[Box]


def fetch(files: Files, table: Path, folder: Path) -> tuple[list[Picture], int]:
    """Downloads the pictures of a table, at most `MOST_PICTURES`, into files that sort as the answer is ordered.

    Gives the pictures and how many are left out, because there are too many of them or they cannot be read.
    """
    folder.mkdir()
    listed = list(_listed((table / ANNOTATIONS).read_text(encoding="utf-8").splitlines()))
    listed.sort(key=lambda picture: place_of(picture.name))
    kept: list[Picture] = []
    for picture in listed[:MOST_PICTURES]:
        try:
            content = files.read(picture.address)
        except (RefusedError, NowhereError, AzureError) as fault:
            log.warning("%s is left out: %s", picture.name, fault)
            continue
        (folder / f"{len(kept):06}{Path(picture.name).suffix}").write_bytes(content)
        kept.append(picture)
    return kept, len(listed) - len(kept)


def _listed(lines: Sequence[str]) -> list[Picture]:
    """The rows that the trainer takes too: it passes over a picture whose boxes are all ill-formed."""
    pictures: dict[str, Picture] = {}
    for line in lines:
        row = json.loads(line)
        drawn = row.get(BOXES) or []
        boxes = [box for box in map(_box, drawn) if box]
        if boxes or not drawn:
            name = name_of(str(row[PICTURE]))
            pictures[name] = Picture(name, str(row[PICTURE]), boxes)
    return list(pictures.values())


def _box(row: Mapping[str, Any]) -> Box | None:
    left, top, right, bottom = (float(row[edge]) for edge in EDGES)
    sound = 0 <= left < right <= 1 and 0 <= top < bottom <= 1
    return Box(str(row["label"]), (left, top, right, bottom)) if sound and not row.get("isCrowd") else None
