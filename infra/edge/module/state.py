"""What the module says of itself, to whoever asks and in its twin."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from .model import Model

LONGEST_REASON = 500
FAILURES_IN_A_ROW = 3


@dataclass(frozen=True)
class State:
    """`health` is starting, ok or failed; `reason` is a sentence where it failed."""

    model_name: str
    model_version: str
    health: str = "starting"
    reason: str = ""

    def properties(self) -> dict[str, str]:
        """The reported properties, which the deployment's `modelOk` metric reads too."""
        return {
            "modelName": self.model_name,
            "modelVersion": self.model_version,
            "health": self.health,
            "reason": self.reason,
        }


class Module:
    """The loaded model and the present state; `changed` is called after each change."""

    def __init__(self, name: str, version: str) -> None:
        self.state = State(name, version)
        self.model: Model | None = None
        self.changed: Callable[[], None] = lambda: None
        self._changing = threading.Lock()
        self._failures = 0

    def is_ready(self, model: Model) -> None:
        self.model = model
        self._become("ok", "")

    def has_no_model(self, reason: str) -> None:
        self._become("failed", reason)

    def has_scored(self) -> None:
        self._failures = 0
        self._become("ok", "")

    def could_not_score(self, reason: str) -> None:
        """One odd picture is no illness of the model; several in a row are."""
        self._failures += 1
        if self._failures >= FAILURES_IN_A_ROW:
            self._become("failed", reason)

    def _become(self, health: str, reason: str) -> None:
        with self._changing:
            before = self.state
            self.state = replace(before, health=health, reason=reason[:LONGEST_REASON])
        if self.state != before:
            self.changed()
