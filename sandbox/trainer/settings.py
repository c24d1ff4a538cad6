"""Hyper-parameters, read as AutoML for images names them and cut to what two processor cores can train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.trainer.errors import TrainingError

SANDBOX_MODEL = "sandbox-centrenet"
MODEL_NAMES = {
    "yolov5",
    "fasterrcnn_resnet18_fpn",
    "fasterrcnn_resnet34_fpn",
    "fasterrcnn_resnet50_fpn",
    "fasterrcnn_resnet101_fpn",
    "fasterrcnn_resnet152_fpn",
    "retinanet_resnet50_fpn",
}
WIDTHS = {"small": 12, "medium": 16}
SMALLEST, LARGEST, STEP = 96, 192, 32
IOU_THRESHOLD = 0.5


@dataclass(frozen=True)
class Settings:
    """What a trial trains with; `image` is (width, height) in pixels, `width` the channels of the first layer."""

    model_name: str
    model_size: str
    image: tuple[int, int]
    learning_rate: float
    epochs: int
    batch: int
    score_threshold: float
    seed: int

    @property
    def width(self) -> int:
        return WIDTHS[self.model_size]


class _Reader:
    """Takes values out of the parameters and notes what was not taken as it was asked for."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.left = dict(params)
        self.notes: list[str] = []

    def number(self, name: str, default: float, least: float, most: float) -> float:
        """A number within bounds; TrainingError outside of them."""
        value = self.left.pop(name, default)
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise TrainingError(
                f"The value of parameter '{name}' should be a number, but is {value!r}."
            ) from None
        if not least <= number <= most:
            raise TrainingError(
                f"The value of parameter '{name}' should be from {least:g} to {most:g}: {number:g}."
            )
        return number

    def model_name(self) -> str:
        name = str(self.left.pop("model_name", "yolov5"))
        if name not in MODEL_NAMES:
            raise TrainingError(f"The provided model_name is not supported: {name}.")
        self.notes.append(f"model_name {name} was asked for; the sandbox trains {SANDBOX_MODEL} in its place")
        return name

    def model_size(self) -> str:
        size = str(self.left.pop("model_size", "small"))
        if size in {"large", "extra_large"}:
            self.notes.append(f"model_size {size} is more than the sandbox trains: medium")
            return "medium"
        if size not in WIDTHS:
            raise TrainingError(f"The provided model_size is not supported: {size}.")
        return size

    def image(self) -> tuple[int, int]:
        """The network's input, 4:3; any picture is stretched to it."""
        name = "img_size" if "img_size" in self.left else "image_size"
        asked = self.number(name, 160, 32, 10_000)
        side = min(LARGEST, max(SMALLEST, round(asked / STEP) * STEP))
        if side != asked:
            self.notes.append(
                f"{name} {asked:g} is trained as {side} (multiples of {STEP}, {SMALLEST}..{LARGEST})"
            )
        return side, side * 3 // 4


def read_settings(params: Mapping[str, Any], seed: int) -> tuple[Settings, list[str]]:
    """Settings and remarks for the log. TrainingError for a value that cannot be used."""
    reader = _Reader(params)
    name = reader.model_name()
    batch_name = "training_batch_size" if "training_batch_size" in params else "batch_size"
    settings = Settings(
        model_name=name,
        model_size=reader.model_size(),
        image=reader.image(),
        learning_rate=reader.number("learning_rate", 0.01, 1e-7, 1),
        epochs=int(reader.number("number_of_epochs", 10, 1, 200)),
        batch=int(reader.number(batch_name, 8, 1, 64)),
        score_threshold=reader.number("box_score_threshold", 0.1 if name == "yolov5" else 0.3, 0, 1),
        seed=seed,
    )
    if reader.number("validation_iou_threshold", IOU_THRESHOLD, 0, 1) != IOU_THRESHOLD:
        reader.notes.append(f"validation_iou_threshold stays {IOU_THRESHOLD}")
    reader.notes += [f"parameter {name} has no effect in the sandbox" for name in sorted(reader.left)]
    return settings, reader.notes
