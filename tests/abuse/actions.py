"""Everything that can be done to Spotter, and by whom: the table that docs/security.md shows and tests try.

It is written by hand, apart from the declarations, so that a slip there is found; what is declared and missing here,
or here and declared nowhere, fails a test.
"""

import json
from dataclasses import dataclass, field
from typing import Literal

from tests.abuse import plant

Way = Literal["typed", "mentioned", "button", "form", "menu", "preview", "home"]
Effect = Literal["changes", "shows", "asks in a form"]

RULES: dict[str, set[str]] = {
    "role view": {
        "viewer",
        "trainer",
        "publisher",
        "requester",
        "approver",
        "approver of another target",
        "overrider",
    },
    "role train": {"trainer"},
    "role publish": {"publisher"},
    "role deploy": {"requester"},
    "who asked for it": {"requester"},
    "the target's approvers": {"approver"},
    "the target's override list": {"overrider"},
}
"""Who passes each rule, of those in `people`."""


@dataclass(frozen=True)
class Row:
    """`given` is what was typed, or the button's value; a form is given values by field, and what it is about."""

    way: Way
    name: str
    rule: str
    effect: Effect
    given: str = ""
    values: dict[str, str] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.way} {self.name}"


TRAINING = {"model_name": "My_Model", "dataset": plant.EXPORT, "cluster": plant.CLUSTER, "experiment": "e"}
IN_A_LINE = f"My_Model {plant.EXPORT} {plant.CLUSTER}"
DEPLOYING = {"model": f"{plant.MODEL}:2", "target": "line-1", "reason": "better"}
VERSION = f"{plant.MODEL}:1"
WEEKLY = {"when": "Mondays 9:30", "zone": "Europe/Berlin", "quiet": "no"}


def _commands(way: Way) -> list[Row]:
    return [
        Row(way, "/train", "role train", "changes", IN_A_LINE),
        Row(way, "/runs", "role view", "shows"),
        Row(way, "/models", "role view", "shows"),
        Row(way, "/exports", "role view", "shows"),
        Row(way, "/publish", "role publish", "shows", plant.BRANCH),
        Row(way, "/deploy", "role deploy", "changes", f"{plant.MODEL}:2 line-1 better"),
        Row(way, "/digest", "role view", "changes", f"pause {1}"),
        Row(way, "/spotter", "role view", "shows"),
    ]


ROWS: list[Row] = [
    *_commands("typed"),
    *_commands("mentioned"),
    Row("button", "train.start", "role train", "asks in a form"),
    Row("button", "train.on_export", "role train", "asks in a form", plant.EXPORT),
    Row("button", "train.other_values", "role train", "asks in a form", json.dumps(TRAINING)),
    Row("button", "train.above_budget", "role train", "changes", json.dumps(TRAINING)),
    Row("button", "train.again", "role train", "asks in a form", plant.FAILED),
    Row("button", "train.cancel", "role train", "changes", plant.QUEUED),
    Row("button", "train.move", "role train", "asks in a form", plant.QUEUED),
    Row("button", "runs.details", "role view", "shows", plant.QUEUED),
    Row("button", "models.compare", "role view", "shows", f"2 1 {plant.MODEL}"),
    Row("button", "models.versions", "role view", "shows", plant.MODEL),
    Row("button", "models.devices", "role view", "shows", "line-1"),
    Row("button", "models.lineage", "role view", "shows", VERSION),
    Row("button", "models.curves", "role view", "shows", f"{plant.MEASURED}:1"),
    Row("button", "exports.label", "role train", "changes", plant.PROJECT),
    Row("button", "exports.prepare", "role train", "changes", plant.COCO),
    Row("button", "publish.other", "role publish", "asks in a form"),
    Row("button", "publish.again", "role publish", "shows", plant.NOT_PUBLISHED),
    Row("button", "publish.start", "role publish", "changes", f"{plant.COMMIT} {plant.BRANCH}"),
    Row("button", "publish.cancel", "role publish", "changes", plant.PUBLISHING),
    Row("button", "deploy.ask", "role deploy", "asks in a form", f"{plant.MODEL}:2"),
    Row("button", "deploy.approve", "the target's approvers", "changes", plant.WAITING),
    Row("button", "deploy.ask_reject", "role view", "asks in a form", plant.WAITING),
    Row("button", "deploy.ask_override", "role view", "asks in a form", plant.GATED),
    Row("button", "deploy.withdraw", "who asked for it", "changes", plant.WAITING),
    Row("button", "deploy.rollback", "role deploy", "changes", plant.SHIPPED),
    Row("button", "digest.form", "role view", "asks in a form"),
    Row("button", "digest.share", "role view", "changes", "now"),
    Row("button", "digest.preview", "role view", "shows", plant.DIGEST),
    Row("button", "digest.pause", "role view", "changes", plant.DIGEST),
    Row("button", "digest.resume", "role view", "changes", plant.PAUSED),
    Row("button", "digest.remove", "role view", "changes", plant.DIGEST),
    Row("button", "digest.review", "role view", "shows", plant.WAITING),
    Row(
        "button",
        "spotter.form",
        "role publish",
        "asks in a form",
        json.dumps({"command": "/publish", "values": {"branch": plant.BRANCH}}),
    ),
    Row("form", "train", "role train", "changes", values=TRAINING),
    Row(
        "form",
        "train.move",
        "role train",
        "changes",
        values={"cluster": plant.OTHER_CLUSTER},
        about={"run_id": plant.QUEUED},
    ),
    Row("form", "runs", "role view", "shows", values={"run": plant.QUEUED}),
    Row("form", "models", "role view", "shows", values={"name": plant.MODEL}),
    Row("form", "exports", "role view", "shows", values={"name": plant.EXPORT}),
    Row("form", "publish", "role publish", "shows", values={"branch": plant.BRANCH}),
    Row("form", "deploy", "role deploy", "changes", values=DEPLOYING),
    Row(
        "form",
        "deploy.reject",
        "the target's approvers",
        "changes",
        values={"reason": "no"},
        about={"deployment": plant.WAITING},
    ),
    Row(
        "form",
        "deploy.override",
        "the target's override list",
        "changes",
        values={"reason": "tested by hand"},
        about={"deployment": plant.GATED},
    ),
    Row("form", "digest", "role view", "shows", values={"what": "list"}),
    Row("form", "digest.setting", "role view", "changes", values=WEEKLY),
    Row("menu", "train:dataset", "role train", "shows"),
    Row("menu", "train:cluster", "role train", "shows"),
    Row("menu", "train.move:cluster", "role train", "shows"),
    Row("menu", "runs:run", "role view", "shows"),
    Row("menu", "models:name", "role view", "shows"),
    Row("menu", "exports:name", "role view", "shows"),
    Row("menu", "publish:branch", "role publish", "shows"),
    Row("menu", "deploy:model", "role deploy", "shows"),
    Row("menu", "deploy:target", "role deploy", "shows"),
    Row("menu", "digest:what", "role view", "shows"),
    Row("menu", "digest:zone", "role view", "shows", "berlin"),
    Row("menu", "digest:quiet", "role view", "shows"),
    Row("menu", "digest.setting:zone", "role view", "shows", "berlin"),
    Row("menu", "digest.setting:quiet", "role view", "shows"),
    Row("preview", "train", "role train", "shows", values=TRAINING),
    Row(
        "preview",
        "deploy.override",
        "role view",
        "shows",
        values={"reason": "x"},
        about={"deployment": plant.GATED},
    ),
    Row("home", "Home", "role view", "shows"),
]
