"""A module that a device was told to run: its process, how often it ended, and how the edge agent tells of it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.azure.times import now
from sandbox.edge.plant.process import ModuleProcess
from sandbox.edge.registry.store import Image

LONGEST_BACKOFF = 300.0
NEVER = "0001-01-01T00:00:00"


@dataclass
class RunningModule:
    """`spec` is what the desired properties say of it."""

    spec: dict[str, Any]
    image: Image
    folder: Path
    process: ModuleProcess | None = None
    restarts: int = 0
    exit_code: int = 0
    started: datetime | None = None
    ended: datetime | None = None
    due: float = 0.0

    @property
    def runtime_status(self) -> str:
        if self.process is not None:
            return "running"
        return "stopped" if self.spec.get("status") == "stopped" else "backoff"

    @property
    def variables(self) -> dict[str, str]:
        given = self.spec.get("env") or {}
        return {name: str(entry["value"]) for name, entry in given.items()}

    def is_for(self, spec: Mapping[str, Any]) -> bool:
        """Whether it can go on as it is with this wish."""
        return dict(spec) == self.spec

    def begins(self, process: ModuleProcess) -> None:
        self.process = process
        self.started = now()

    def has_ended(self, first_backoff: float) -> bool:
        """Takes note where the process has ended; it may be started again after a while, longer each time."""
        if self.process is None or self.process.exit_code is None:
            return False
        self.exit_code = self.process.exit_code
        self.process, self.ended = None, now()
        self.due = time.monotonic() + min(LONGEST_BACKOFF, first_backoff * 2**self.restarts)
        return True

    @property
    def may_start(self) -> bool:
        wanted = self.spec.get("status") != "stopped"
        return wanted and self.process is None and time.monotonic() >= self.due

    def told(self) -> dict[str, Any]:
        """As it stands among the edge agent's reported properties."""
        status = self.runtime_status
        described = "running" if status == "running" else f"The module ended with exit code {self.exit_code}"
        return {
            "exitCode": self.exit_code,
            "statusDescription": described,
            "lastStartTimeUtc": _moment(self.started),
            "lastExitTimeUtc": _moment(self.ended),
            "restartCount": self.restarts,
            "lastRestartTimeUtc": _moment(self.ended),
            "runtimeStatus": status,
            "version": self.spec.get("version", ""),
            "status": self.spec.get("status", "running"),
            "restartPolicy": self.spec.get("restartPolicy", "always"),
            "imagePullPolicy": self.spec.get("imagePullPolicy", "on-create"),
            "type": "docker",
            "settings": {
                "image": self.spec["settings"]["image"],
                "imageHash": self.image.digest,
                "createOptions": self.spec["settings"].get("createOptions", "{}"),
            },
            "env": self.spec.get("env") or {},
        }


def _moment(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0" if at else NEVER
