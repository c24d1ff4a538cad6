"""Azure ML's two shapes of a labeling export: MLTable over JSON lines, and COCO as Data Labeling writes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.line.scene import HEIGHT, WIDTH, Box

ANNOTATIONS = "train_annotations.jsonl"
MLTABLE = f"""\
paths:
  - file: ./{ANNOTATIONS}
transformations:
  - read_json_lines:
        encoding: utf8
        invalid_lines: error
        include_path_column: false
  - convert_column_types:
      - columns: image_url
        column_type: stream_info
"""


@dataclass(frozen=True)
class Workspace:
    """The workspace whose datastores the picture addresses name."""

    subscription: str
    resource_group: str
    name: str


@dataclass(frozen=True)
class Picture:
    """A labelled picture; `path` is relative to the datastore's root."""

    path: str
    taken: datetime
    boxes: tuple[Box, ...]


def write_mltable(folder: Path, pictures: list[Picture], datastore: str, workspace: Workspace) -> None:
    """`MLTable` and its JSON lines: a line per picture, corners in fractions of width and height."""
    root = (
        f"azureml://subscriptions/{workspace.subscription}/resourcegroups/{workspace.resource_group}"
        f"/workspaces/{workspace.name}/datastores/{datastore}/paths/"
    )
    lines = (json.dumps(_line(root, picture)) + "\n" for picture in pictures)
    (folder / ANNOTATIONS).write_text("".join(lines), encoding="utf-8")
    (folder / "MLTable").write_text(MLTABLE, encoding="utf-8")


def _line(root: str, picture: Picture) -> dict[str, Any]:
    return {
        "image_url": root + picture.path,
        "image_details": {"format": "jpg", "width": WIDTH, "height": HEIGHT},
        "label": [
            {
                "label": box.label,
                "topX": box.left,
                "topY": box.top,
                "bottomX": box.right,
                "bottomY": box.bottom,
                "isCrowd": 0,
            }
            for box in picture.boxes
        ],
    }


def write_coco(file: Path, pictures: list[Picture], datastore: str) -> None:
    """Data Labeling's COCO: ids from 1, boxes as fractions [x, y, width, height], area always 0.0, no iscrowd."""
    labels = sorted({box.label for picture in pictures for box in picture.boxes})
    boxes = [(image, box) for image, picture in enumerate(pictures, 1) for box in picture.boxes]
    content = {
        "images": [_image(number, picture, datastore) for number, picture in enumerate(pictures, 1)],
        "annotations": [
            {
                "id": number,
                "category_id": labels.index(box.label) + 1,
                "image_id": image,
                "area": 0.0,
                "bbox": [box.left, box.top, box.right - box.left, box.bottom - box.top],
            }
            for number, (image, box) in enumerate(boxes, 1)
        ],
        "categories": [{"id": number, "name": label} for number, label in enumerate(labels, 1)],
    }
    file.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _image(number: int, picture: Picture, datastore: str) -> dict[str, Any]:
    return {
        "id": number,
        "width": WIDTH,
        "height": HEIGHT,
        "file_name": picture.path,
        "coco_url": f"AmlDatastore://{datastore}/{picture.path}",
        "absolute_url": f"https://{datastore}.blob.core.windows.net/pictures/{picture.path}",
        "date_captured": f"{picture.taken:%Y-%m-%dT%H:%M:%S}.0000000Z",
    }
