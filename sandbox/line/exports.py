"""Labeling exports as they pile up over some weeks, on disk in Azure's own formats.

Every export shares one shoot of pictures; they differ in which of them they hold and in how well somebody labelled.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np

from sandbox.line.formats import Picture, Workspace, write_coco, write_mltable
from sandbox.line.picture import camera
from sandbox.line.scene import Box

DATASTORE = "edgevisionstorage"
SHOOT = 240
QUEUE = 60
SMALL = 60
FIRST_FRAME = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
ANYWHERE = Workspace("00000000-0000-0000-0000-000000000000", "edge-vision", "edge-vision")


@dataclass(frozen=True)
class ExportOnDisk:
    """One export: `folder` is the data asset's content, `datastores` the tree its picture addresses lead into."""

    name: str
    version: str
    kind: Literal["mltable", "coco"]
    created_at: datetime
    folder: Path
    datastores: Path


def write_all(folder: Path, workspace: Workspace = ANYWHERE) -> list[ExportOnDisk]:
    """Render the shoot and write all exports under `folder`, oldest first; the same bytes every time."""
    return write_exports(folder, take_pictures(folder, SHOOT), workspace)


def take_pictures(folder: Path, count: int) -> list[Picture]:
    """Render pictures of the line into `folder`, with the boxes that careful people draw on them."""
    return _render(folder / "datastores" / DATASTORE, count)


def write_exports(folder: Path, shoot: list[Picture], workspace: Workspace) -> list[ExportOnDisk]:
    """All exports of these pictures, oldest first."""
    datastores = folder / "datastores"
    exports = []
    for project, created, kind, pictures in _projects(shoot):
        name = f"{project}_{created:%Y%m%d_%H%M%S}"
        content = folder / "exports" / name
        content.mkdir(parents=True, exist_ok=True)
        if kind == "coco":
            write_coco(content / f"{name}.json", pictures, DATASTORE)
        else:
            write_mltable(content, pictures, DATASTORE, workspace)
        exports.append(ExportOnDisk(name, "1", kind, created, content, datastores))
    return exports


def _render(root: Path, count: int) -> list[Picture]:
    """Take the shoot: a frame every 25 minutes, filed by month."""

    def take(frame: int) -> Picture:
        taken = FIRST_FRAME + timedelta(minutes=25 * frame)
        data, boxes = camera(frame)
        picture = Picture(f"line3/{taken:%Y/%m}/cam2_{taken:%d%H%M%S}_{frame:06d}.jpg", taken, tuple(boxes))
        path = root / picture.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return picture

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(take, range(count)))


def _projects(
    shoot: list[Picture],
) -> list[tuple[str, datetime, Literal["mltable", "coco"], list[Picture]]]:
    """Project, time of export, format and labelled pictures."""

    def at(day: int, hour: int, minute: int, second: int) -> datetime:
        return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC)

    early, middle = shoot[:SMALL], shoot[: 2 * SMALL]
    return [
        ("caps", at(2, 8, 15, 30), "mltable", early),
        ("caps_unlabelled", at(5, 7, 5, 0), "mltable", [replace(p, boxes=()) for p in shoot[-40:]]),
        ("caps_crooked", at(9, 10, 12, 4), "mltable", _with_rare_class(middle, "cap_crooked", 3)),
        ("caps_coco", at(12, 9, 30, 11), "coco", middle),
        ("caps_nightshift", at(13, 22, 1, 10), "mltable", _carelessly_labelled(middle)),
        ("caps", at(16, 14, 30, 0), "mltable", shoot),
    ]


def _with_rare_class(pictures: list[Picture], label: str, count: int) -> list[Picture]:
    """The same boxes, but the `count` most tilted caps, whose boxes are the widest, have a class of their own."""
    capped = [box for picture in pictures for box in picture.boxes if box.label == "cap_on"]
    tilted = sorted(capped, key=lambda box: (box.right - box.left) / (box.bottom - box.top))[-count:]

    def relabel(picture: Picture) -> Picture:
        boxes = (replace(box, label=label) if box in tilted else box for box in picture.boxes)
        return replace(picture, boxes=tuple(boxes))

    return [relabel(picture) for picture in pictures]


def _carelessly_labelled(pictures: list[Picture]) -> list[Picture]:
    """Boxes somewhere near the belt instead of on the necks, classes at random: nothing can be learned from it."""
    random = np.random.default_rng(41)

    def spoil(box: Box) -> Box:
        width, height = box.right - box.left, box.bottom - box.top
        left, top = random.uniform(0, 1 - width), random.uniform(0, 1 - height)
        label = ("cap_missing", "cap_on")[random.integers(2)]
        return Box(label, left, top, left + width, top + height)

    return [replace(picture, boxes=tuple(spoil(box) for box in picture.boxes)) for picture in pictures]
