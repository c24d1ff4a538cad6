"""The outside world of one sandbox: all twins, in one thread with an event loop of its own."""

import asyncio
import socket
import threading
import time
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.azure.pace import Pace
from sandbox.azure.seed import seed
from sandbox.azure.twin import TRAINER, AzureTwin
from sandbox.devops.pace import Pace as DevOpsPace
from sandbox.devops.twin import DevOpsTwin
from sandbox.edge.edge import Edge
from sandbox.edge.incumbent import ship
from sandbox.edge.pace import Pace as EdgePace
from sandbox.edge.pipeline import ask_first
from sandbox.edge.plant.plant import LINES
from sandbox.faults import Faults
from sandbox.pipelines import connect
from sandbox.plant.site import Plant
from sandbox.repository import furnish
from sandbox.slack.link import ANSWER_SECONDS
from sandbox.slack.twin import SlackTwin

TAKEN_IN = 0.4  # seconds


class World:
    """Start it, point the bot at it with `env()`, stop it. May be used from any thread.

    `lines` tells how many devices each line has; `trainer` is the command that one trial runs.
    """

    def __init__(
        self,
        root: Path,
        *,
        pace: Pace | None = None,
        devops_pace: DevOpsPace | None = None,
        edge_pace: EdgePace | None = None,
        lines: Mapping[str, int] = LINES,
        trainer: Sequence[str] = TRAINER,
        cache: Path | None = None,
        slack_patience: float = ANSWER_SECONDS,
    ) -> None:
        self._root = root
        self._lines = lines
        self.slack_faults = Faults()
        self.azure_faults = Faults()
        self.devops_faults = Faults()
        self.edge_faults = Faults()
        self.slack = SlackTwin(faults=self.slack_faults, patience=slack_patience)
        self.azure = AzureTwin(
            root / "azure", faults=self.azure_faults, pace=pace or Pace(), trainer=trainer, cache=cache
        )
        self.devops = DevOpsTwin(
            root / "devops",
            faults=self.devops_faults,
            tokens=self.azure.workspace.tokens,
            pace=devops_pace or DevOpsPace(),
        )
        self.edge = Edge(
            root / "edge",
            self.azure.workspace.tokens,
            faults=self.edge_faults,
            pace=edge_pace or EdgePace(),
            lines=lines,
        )
        self.plant = Plant(self.slack, self.azure, self.devops, self.edge)
        self.slack.beside("/plant", "The plant", self.plant.app())
        self._exports: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="world", daemon=True)

    def start(self, page: socket.socket | None = None) -> None:
        """Serves Slack and its page on the given socket, else on a free port of this machine."""
        self._thread.start()
        self._do(self.slack.start(page))
        self._do(self.azure.start())
        self._do(self.devops.start())
        self._do(self.edge.start(self.azure))
        self.devops.variables.update(self.azure.env())

    def seed(self) -> None:
        """Clusters, datastores and the bottling line's labeling exports. Takes some seconds of rendering."""
        self._exports = [export.name for export in seed(self.azure, self._root / "line")]

    def push(self, policy: Path) -> None:
        """Makes this project, with that policy file, the main branch of the team's repository in Azure DevOps."""
        folder = furnish(self._root / "repository", policy, self.azure.workspace.place)
        self.devops.portal.push("main", folder, "Train object-detection models with Spotter")

    def connect(self, policy: Path) -> None:
        """Gives the team its repository, with that policy file, its pipelines, and what they may use."""
        self.push(policy)
        connect(self.devops, self.azure.workspace, self._lines)

    def guard(self, url: str, secret: str) -> None:
        """Lets the environments of all lines ask the bot at `url` whether a run was approved."""
        ask_first(self.devops, self._lines, url, "/checks/deployment", {"X-Spotter-Secret": secret})

    def ship(self, model: str, version: int, folder: Path, line: str) -> None:
        """Puts a registered model's files on all devices of a line, as if that had been done long ago."""

        async def work() -> None:
            ship(self.edge, model, version, folder, line)

        self._do(work())

    def was_read(self) -> bool:
        """Whether somebody has read the content of every labeling export of the line, and had time to take it in."""
        read = [entry for entry in self.azure_faults.log("GET", "/Labeling/export/") if entry.status < 300]
        everything = all(any(f"/{export}/" in entry.path for entry in read) for export in self._exports)
        return everything and time.time() - read[-1].at > TAKEN_IN

    def stop(self) -> None:
        """Ends every process that the twins started."""
        self.slack_faults.clear()
        self.azure_faults.clear()
        self.devops_faults.clear()
        self.edge_faults.clear()
        self._do(self.devops.stop())
        self._do(self.edge.stop())
        self._do(self.azure.stop())
        self._do(self.slack.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)

    def env(self) -> dict[str, str]:
        """The environment variables that point a bot at this world."""
        return {**self.slack.env(), **self.azure.env(), **self.devops.env(), **self.edge.env()}

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)
