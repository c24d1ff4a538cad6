"""Scoring file: answers pictures with the boxes that the ONNX detector beside it finds.

Request  {"input_data": {"columns": ["image"], "data": ["<base64 of a picture>", ...]}}
Answer   [{"boxes": [{"box": {"topX", "topY", "bottomX", "bottomY"}, "label", "score"}]}, ...], corners 0..1
"""

import base64
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

SAME_OBJECT = 0.45  # boxes that overlap more than this are one object
MOST_BOXES = 100

detector: "Detector"


def init() -> None:
    """Load the model from AZUREML_MODEL_DIR, where Azure ML mounts it."""
    global detector
    folder = Path(os.environ["AZUREML_MODEL_DIR"])
    files = sorted(folder.rglob("model.onnx"))
    if not files:
        raise FileNotFoundError(f"no model.onnx under {folder}")
    detector = Detector(files[0])


def run(raw: str | bytes | dict[str, Any]) -> list[dict[str, Any]]:
    """Answer one request; ValueError if it does not have the shape above."""
    request = raw if isinstance(raw, dict) else json.loads(raw)
    table = request.get("input_data") if isinstance(request, dict) else None
    if not isinstance(table, dict) or table.get("columns") != ["image"]:
        raise ValueError('expected {"input_data": {"columns": ["image"], "data": ["<base64>"]}}')
    rows = [row[0] if isinstance(row, list) else row for row in table.get("data", [])]
    return [{"boxes": detector.detect(base64.b64decode(row))} for row in rows]


def read_picture(data: bytes, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Decode a picture and stretch it to `size` (width, height): height x width x 3, 0..255."""
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB").resize(size, Image.Resampling.BILINEAR))


class Detector:
    """An ONNX centre-point detector; its classes and score threshold stand in the file's metadata."""

    def __init__(self, file: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        about = self.session.get_modelmeta().custom_metadata_map
        self.labels: list[str] = json.loads(about["labels"])
        self.score_threshold = float(about["box_score_threshold"])
        height, width = self.session.get_inputs()[0].shape[2:]
        self.size = (int(width), int(height))

    def detect(self, data: bytes) -> list[dict[str, Any]]:
        """Boxes of one encoded picture, best first."""
        pixels = read_picture(data, self.size).astype(np.float32) / np.float32(255)
        heat, reach = self.session.run(["heat", "reach"], {"image": pixels.transpose(2, 0, 1)[None]})
        return self._boxes(heat[0], reach[0])

    def _boxes(self, heat: NDArray[np.float32], reach: NDArray[np.float32]) -> list[dict[str, Any]]:
        """Local peaks of the heat maps (class, row, column); `reach` gives left, top, right, bottom from there."""
        _, rows, columns = heat.shape
        padded = np.pad(heat, ((0, 0), (1, 1), (1, 1)))
        around = [padded[:, i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
        peaks = np.argwhere((heat >= np.max(around, axis=0)) & (heat > self.score_threshold))
        order = np.argsort([-heat[tuple(peak)] for peak in peaks], kind="stable")
        kept: list[tuple[float, int, list[float]]] = []
        for kind, row, column in peaks[order]:
            x, y = (column + 0.5) / columns, (row + 0.5) / rows
            left, top, right, bottom = reach[:, row, column].astype(float)
            box = [min(1.0, max(0.0, v)) for v in map(float, (x - left, y - top, x + right, y + bottom))]
            if not any(overlap(box, other) > SAME_OBJECT for _, _, other in kept):
                kept.append((float(heat[kind, row, column]), int(kind), box))
        return [self._answer(*entry) for entry in kept[:MOST_BOXES]]

    def _answer(self, score: float, kind: int, box: list[float]) -> dict[str, Any]:
        corners = dict(zip(("topX", "topY", "bottomX", "bottomY"), box, strict=True))
        return {"box": corners, "label": self.labels[kind], "score": score}


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes (left, top, right, bottom)."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return shared / (areas - shared)
