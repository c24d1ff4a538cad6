"""What all kinds of runs share while they run: a machine, a folder, a process, artifacts, an end."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.azure.cluster import Cluster, Node, NodeLostError
from sandbox.azure.engine.environment import job_environment
from sandbox.azure.engine.process import JobProcess
from sandbox.azure.runs import Run, run_error
from sandbox.azure.storage import ARTIFACT_STORE
from sandbox.azure.times import arm_time, now
from sandbox.azure.workspace import Workspace

LOG_NAME = "user_logs/std_log.txt"
UPLOADED = ("outputs", "train_artifacts", "logs")

log = logging.getLogger(__name__)


@dataclass
class ArmedFailure:
    """The next trial ends with this message (or, without one, silently) when it has logged `epoch` epochs."""

    message: str | None = None
    exit_code: int = 1
    epoch: int = 0


class StepFailedError(Exception):
    """A node of a pipeline did not complete; its run says why."""


@dataclass
class Workshop:
    """Where and with what jobs run."""

    workspace: Workspace
    network: dict[str, str]
    trainer: Sequence[str]
    cache: Path
    failures: deque[ArmedFailure] = field(default_factory=deque)

    def folder(self, run: Run) -> Path:
        folder = self.workspace.root / "runs" / run.run_id / "wd"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def log_path(self, run: Run) -> Path:
        return self.workspace.storage.stores[ARTIFACT_STORE].path_of(f"{run.artifact_prefix}/{LOG_NAME}")

    def environment(self, run: Run) -> dict[str, str]:
        return job_environment(self.workspace, run, self.network, self.cache)

    def upload(self, run: Run) -> None:
        """What the run left in the folders that Azure ML uploads."""
        store, folder = self.workspace.storage.stores[ARTIFACT_STORE], self.folder(run)
        for name in UPLOADED:
            if (folder / name).is_dir():
                store.put_tree(folder / name, f"{run.artifact_prefix}/{name}")

    def cluster(self, run: Run, name: str) -> Cluster:
        """Raises StepFailedError when the cluster is gone since the job was submitted."""
        run.target = name
        cluster = self.workspace.clusters.get(name)
        if cluster is None:
            machine_lost(self, run, NodeLostError("deleted"))
            raise StepFailedError(run.run_id)
        run.vm_size = cluster.size.name
        return cluster


async def machine_for(workshop: Workshop, cluster: Cluster, run: Run) -> Node:
    """Waits in the cluster's queue; the run says why it waits. Raises StepFailedError when the cluster goes."""
    run.become("Queued")

    def queueing() -> dict[str, str]:
        return {
            "code": "WaitingForNodes",
            "message": cluster.why_wait(run.run_id),
            "lastRefreshTimestamp": arm_time(now()),
        }

    run.queueing = queueing
    try:
        return await cluster.acquire(run.run_id)
    except NodeLostError as lost:
        machine_lost(workshop, run, lost)
        raise StepFailedError(run.run_id) from None


async def run_on(
    workshop: Workshop,
    run: Run,
    node: Node,
    command: Sequence[str],
    environment: dict[str, str],
    stop: "asyncio.Future[str] | None" = None,
) -> JobProcess:
    """Runs one process to its end on a machine. `stop` ends it early; its result is the reason.

    Raises NodeLostError when the machine goes away. The caller looks at the exit code.
    """
    process = await JobProcess.start(
        command,
        workshop.folder(run),
        environment,
        workshop.log_path(run),
        workshop.workspace.pace.terminate_grace,
    )
    ended = asyncio.ensure_future(process.wait())
    lost = asyncio.ensure_future(node.lost.wait())
    watched: set[asyncio.Future[object]] = {ended, lost, *([stop] if stop else [])}  # type: ignore[arg-type]  # results differ
    try:
        await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        if lost.done() and not ended.done():
            raise NodeLostError(node.state)
        return process
    finally:
        lost.cancel()
        await asyncio.shield(process.stop())
        ended.cancel()


def machine_lost(workshop: Workshop, run: Run, lost: NodeLostError) -> None:
    """Fails the run as the service words it; an eviction counts as the user's error there."""
    place = workshop.workspace.place
    code, message, inner = "UserError", "Nodes of this job got pre-empted.", "PreemptionError"
    if str(lost) == "unusable":
        code, message, inner = "ServiceError", "The node of this job became unusable.", "NodeUnusable"
    elif str(lost) == "deleted":
        message = f"AzureMLCompute cluster {run.target} does not exist in workspace {place.workspace}."
        inner = "ComputeNotFound"
    run.fail(run_error(place, code, message, (inner,)))
