"""Why a training failed: the deepest useful error, and the last lines of the run that has it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from infra.azureml import runs
from infra.azureml.connection import STORAGE_VERSION, Connection
from infra.azureml.errors import AzureError
from infra.azureml.runs import Run, RunError
from infra.http.fields import texts

TAIL_BYTES = 16 * 1024
TAIL_LINES = 12
_LOGS = ("user_logs/std_log.txt", "std_log.txt", "std_log_process_0.txt", "70_driver_log.txt", ".txt", ".log")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fault:
    """The failure of a job. `errors` go from the deepest run that says something up to the job itself."""

    run_id: str
    run_name: str
    errors: tuple[RunError, ...] = ()
    warnings: tuple[str, ...] = ()
    last_lines: tuple[str, ...] = ()
    trials: int = 0
    failed_trials: int = 0

    @property
    def messages(self) -> tuple[str, ...]:
        return tuple(error.message for error in self.errors if error.message)

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(code for error in self.errors for code in error.codes)


def find(connection: Connection, job_name: str) -> Fault:
    """What is known of a job's failure, as far down as the tree can be read."""
    root = _own_run(connection, job_name)
    tree = runs.tree(connection, job_name)
    failed_trials = [trial for trial in tree.trials if trial.status == "Failed"]
    failed_steps = [step for step in tree.steps if step.status == "Failed"]
    from_trials = not failed_steps or (tree.train is not None and failed_steps[0].id == tree.train.id)
    chain = [
        *(failed_trials[:1] if from_trials else ()),
        *([tree.sweep] if tree.sweep and from_trials else ()),
    ]
    chain += [*failed_steps[:1], *([root] if root else ())]
    telling = [run for run in chain if run.error]
    deepest = chain[0] if chain else None
    return Fault(
        run_id=deepest.id if deepest else job_name,
        run_name=deepest.name if deepest else job_name,
        errors=_distinct(telling),
        warnings=tuple(dict.fromkeys(warning for run in chain for warning in run.warnings)),
        last_lines=last_lines(connection, deepest.id) if deepest else (),
        trials=len(tree.trials),
        failed_trials=len(failed_trials),
    )


def _own_run(connection: Connection, job_name: str) -> Run | None:
    try:
        return runs.batch(connection, [job_name]).get(job_name)
    except AzureError as fault:
        log.info("The run of job %s is not available: %s", job_name, fault)
        return None


def last_lines(connection: Connection, run_id: str) -> tuple[str, ...]:
    """The end of a run's own log; empty where there is none or it may not be read."""
    try:
        details = connection.get(connection.history("runs", run_id, "details"))
        url = _best_log(texts(details, "logFiles"))
        content = _tail(connection, url) if url else b""
    except AzureError as fault:
        log.info("The log of run %s is not available: %s", run_id, fault)
        return ()
    lines = [line.rstrip() for line in content.decode("utf-8", "replace").splitlines()]
    return tuple([line for line in lines if line][-TAIL_LINES:])


def _best_log(files: Mapping[str, str]) -> str:
    for ending in _LOGS:
        for name in sorted(files):
            if name.endswith(ending):
                return files[name]
    return ""


def _tail(connection: Connection, url: str) -> bytes:
    """The end of a log, whose address carries its own permission."""
    headers = {"x-ms-version": STORAGE_VERSION}
    size = connection.send("HEAD", url, audience="none", headers=headers).headers.get("Content-Length", "0")
    start = max(0, int(size) - TAIL_BYTES) if size.isdigit() else 0
    if start:
        headers["Range"] = f"bytes={start}-"
    content: bytes = connection.send("GET", url, audience="none", headers=headers).content
    return content[-TAIL_BYTES:]


def _distinct(chain: list[Run]) -> tuple[RunError, ...]:
    return tuple(dict.fromkeys(run.error for run in chain if run.error))
