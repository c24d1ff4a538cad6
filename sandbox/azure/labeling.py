"""Labeling projects: pictures in a queue, what people have drawn on them so far, from which exports are made."""

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any

from sandbox.azure.times import arm_time, now
from sandbox.line.formats import Picture
from sandbox.line.scene import Box

LABELERS = "Line engineer"
_sequence = count(1)


@dataclass
class Project:
    """`waiting` are pictures in the order in which people come to them, with the boxes that they will see there.

    `given` are the properties with which it was made, as its resource shows them.
    """

    name: str
    datastore: str
    waiting: list[Picture]
    given: dict[str, Any]
    labelled: list[Picture] = field(default_factory=list)
    skipped: int = 0
    created: datetime = field(default_factory=now)
    created_by: str = LABELERS
    project_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    refreshed: datetime = field(default_factory=now)
    sequence: int = field(default_factory=lambda: next(_sequence))

    @property
    def title(self) -> str:
        return str(self.given.get("displayName") or self.name)

    @property
    def total(self) -> int:
        return len(self.waiting) + len(self.labelled) + self.skipped

    @property
    def status(self) -> str:
        if not self.labelled and not self.skipped:
            return "NotStarted"
        return "Running" if self.waiting else "Completed"

    def label(self, pictures: int, boxes: Sequence[Box] | None = None) -> int:
        """People label the next pictures: with these boxes, or with what there is to see. Returns how many."""
        taken, self.waiting = self.waiting[:pictures], self.waiting[pictures:]
        self.labelled += [
            picture if boxes is None else replace(picture, boxes=tuple(boxes)) for picture in taken
        ]
        return len(taken)

    def skip(self, pictures: int) -> None:
        skipped, self.waiting = self.waiting[:pictures], self.waiting[pictures:]
        self.skipped += len(skipped)

    def properties(self) -> dict[str, Any]:
        """As its resource shows them."""
        return {
            "experimentName": "Default",
            "isArchived": False,
            "tags": {},
            "properties": {},
            "statusMessages": [],
            **self.given,
            "jobType": "Labeling",
            "projectId": self.project_id,
            "status": self.status,
            "provisioningState": "Succeeded",
            "createdDateTime": arm_time(self.created),
            "progressMetrics": {
                "totalDatapointCount": self.total,
                "completedDatapointCount": len(self.labelled),
                "skippedDatapointCount": self.skipped,
                "incrementalDataLastRefreshDateTime": arm_time(self.refreshed),
            },
        }


def described(title: str, classes: Sequence[str]) -> dict[str, Any]:
    """The properties of a project in which people draw boxes of these classes."""
    return {
        "displayName": title,
        "labelCategories": {
            "classes": {
                "displayName": "Classes",
                "multiSelect": "Disabled",
                "classes": {name: {"displayName": name, "subclasses": {}} for name in classes},
            }
        },
        "labelingJobMediaProperties": {"mediaType": "Image", "annotationType": "BoundingBox"},
        "mlAssistConfiguration": {"mlAssist": "Disabled"},
    }


async def keep_labeling(projects: Mapping[str, Project], pause: Callable[[], float | None]) -> None:
    """People at work: one picture of each project after every pause of so many seconds, until there is none."""
    while (seconds := pause()) is not None:
        await asyncio.sleep(seconds)
        for project in projects.values():
            project.label(1)
