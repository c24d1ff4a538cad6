"""What a labeling export holds: pictures, and boxes by label. Exports never change, so each is read once."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from sandbox.azure.assets import Version
from sandbox.azure.uris import NoSuchPlaceError, locate
from sandbox.azure.workspace import Workspace


class Labels:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known: dict[str, dict[str, Any]] = {}

    def counted(self, name: str, version: Version) -> dict[str, Any]:
        """`{format, pictures, boxes: {label: count}}`; pictures None where it is not an export that we can read."""
        key = f"{name}:{version.version}"
        if key not in self._known:
            self._known[key] = self._count(version)
        return self._known[key]

    def _count(self, version: Version) -> dict[str, Any]:
        try:
            folder = locate(self._workspace, str(version.properties["dataUri"])).folder
            coco = next(folder.glob("*.json"), None)
            return _coco(coco) if coco else _lines(folder)
        except (NoSuchPlaceError, OSError, ValueError, KeyError):
            return {"format": "other", "pictures": None, "boxes": {}}


def _lines(folder: Path) -> dict[str, Any]:
    (annotations,) = folder.glob("*.jsonl")
    pictures = [json.loads(line) for line in annotations.read_text().splitlines()]
    boxes = Counter(box["label"] for picture in pictures for box in picture["label"])
    return {"format": "MLTable", "pictures": len(pictures), "boxes": dict(sorted(boxes.items()))}


def _coco(file: Path) -> dict[str, Any]:
    content = json.loads(file.read_text())
    labels = {category["id"]: category["name"] for category in content["categories"]}
    boxes = Counter(labels[found["category_id"]] for found in content["annotations"])
    return {"format": "COCO", "pictures": len(content["images"]), "boxes": dict(sorted(boxes.items()))}
