"""The last lines of a log, of a job in Azure or of a step in Azure DevOps."""

from collections import deque
from pathlib import Path

from sandbox.azure.engine.jobs import LOG_NAME
from sandbox.azure.storage import ARTIFACT_STORE
from sandbox.azure.twin import AzureTwin
from sandbox.devops.twin import DevOpsTwin
from sandbox.plant.people import RefusedError

LINES = 400


def of_job(azure: AzureTwin, run_id: str) -> list[str]:
    """Raises RefusedError. A run that has written nothing yet has no lines."""
    workspace = azure.workspace
    run = workspace.runs.get(run_id)
    if run is None:
        raise RefusedError("This job is no longer there.")
    path: Path = workspace.storage.stores[ARTIFACT_STORE].path_of(f"{run.artifact_prefix}/{LOG_NAME}")
    if not path.exists():
        return []
    with path.open(errors="replace") as lines:
        return [line.rstrip("\n") for line in deque(lines, LINES)]


def of_step(devops: DevOpsTwin, run: int, log: int) -> list[str]:
    """Raises RefusedError. Each line begins with its time."""
    build = devops.organisation.builds.get(run)
    found = next((one for one in build.logs if one.id == log), None) if build else None
    if found is None:
        raise RefusedError("This log is no longer there.")
    return found.lines[-LINES:]
