"""People who label pictures and export them, as the labeling project of the workspace does."""

from datetime import datetime

from sandbox.line.exports import DATASTORE, FIRST_FRAME
from sandbox.line.formats import Picture, Workspace, write_mltable
from sandbox.line.scene import Box
from tests.stories.stage import Stage


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


def _box(label: str) -> Box:
    return Box(label, 0.1, 0.1, 0.3, 0.3)
