"""People who label pictures and export them, as the labeling project of the workspace does."""

import json
import re
from datetime import datetime
from typing import Any

from sandbox.line.exports import DATASTORE, FIRST_FRAME
from sandbox.line.formats import Picture, Workspace, write_coco, write_mltable
from sandbox.line.scene import Box
from tests.stories.stage import Stage

SEEDED = "20261102_081530|20261109_101204|20261112_093011|20261116_143000|20261113_220110|20261105_070500"
MADE_NOW = re.compile(rf"\b([a-z_]+)_(?!{SEEDED})20\d{{6}}_\d{{6}}\b")


def label_and_export(stage: Stage, name: str, *labels: tuple[str, ...], times: int = 1) -> None:
    """Exports one picture for each tuple of labels, the whole set `times` over, each label as a box.

    `name` ends in the time of the export, as Azure names them.
    """
    pictures = [
        Picture(f"line3/{name}_{number}.jpg", FIRST_FRAME, tuple(map(_box, boxes)))
        for number, boxes in enumerate(labels * times)
    ]
    place = stage.world.azure.workspace.place
    folder = stage.bot.log_file.with_name(name)
    folder.mkdir()
    write_mltable(folder, pictures, DATASTORE, Workspace(place.subscription, place.group, place.workspace))
    made = datetime.strptime(name[-15:] + "+0000", "%Y%m%d_%H%M%S%z")
    stage.world.azure.studio.add_export(name, "1", folder, made)


def exports_as_coco(stage: Stage, name: str, *labels: tuple[str, ...], **changes: Any) -> None:
    """As `label_and_export`, but in COCO; `changes` replace entries of the first annotation."""
    pictures = [
        Picture(f"line3/{name}_{number}.jpg", FIRST_FRAME, tuple(map(_box, boxes)))
        for number, boxes in enumerate(labels)
    ]
    folder = stage.bot.log_file.with_name(name)
    folder.mkdir()
    file = folder / f"{name}.json"
    write_coco(file, pictures, DATASTORE)
    document = json.loads(file.read_text())
    document["annotations"][0] |= changes
    file.write_text(json.dumps(document))
    made = datetime.strptime(name[-15:] + "+0000", "%Y%m%d_%H%M%S%z")
    stage.world.azure.studio.add_export(name, "1", folder, made, "coco")


def steady_names(text: str) -> str:
    """Names of exports that were made by the minute, the same in every run; the seeded ones are of November 2026."""
    return MADE_NOW.sub(r"\1_<made now>", text)


def _box(label: str) -> Box:
    return Box(label, 0.1, 0.1, 0.3, 0.3)
