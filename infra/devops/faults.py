"""Why a run failed: the first error of the deepest failed record, and the end of its log."""

import logging
import re
from dataclasses import dataclass

from infra.devops import timeline
from infra.devops.connection import Connection
from infra.devops.runs import Run
from infra.devops.stages import CHECKPOINT, NAMELESS
from infra.devops.timeline import Record, Timeline
from infra.http.errors import AzureError
from infra.http.fields import sequence, whole

TAIL_LINES = 12
READ_LINES = 60
FAILED = ("failed", "canceled", "abandoned")
_STAMP = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT[\d:.]+Z ?")
_NOISE = re.compile(
    r"^(##\[(section|debug|group|endgroup|command)\]|Generating script\.$|=+ Starting Command Output =+$)"
)
_MARK = re.compile(r"^##\[\w+\]")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunFault:
    """A run's failure. `where` goes from the stage down to the task; `messages` from the deepest record up."""

    where: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    last_lines: tuple[str, ...] = ()


def find(connection: Connection, run: Run) -> RunFault:
    """What is known of a run's failure; what was wrong with its file where it did not even start."""
    told = timeline.read(connection, run.id)
    deepest = _deepest_failed(told)
    if deepest is None:
        return RunFault(messages=run.problems)
    path = list(told.path(deepest))
    messages = dict.fromkeys(message for record in path for message in _said(record))
    return RunFault(
        where=tuple(record.name for record in reversed(path) if _is_shown(record)),
        messages=(*messages, *run.problems),
        last_lines=last_lines(connection, run.id, deepest.log) if deepest.log else (),
    )


def last_lines(connection: Connection, run_id: int, log_id: int) -> tuple[str, ...]:
    """The end of a log without its time stamps; empty where it may not be read."""
    logs = connection.project("build", "builds", run_id, "logs")
    try:
        listed = sequence(connection.get(logs), "value")
        length = next((whole(each, "lineCount") or 0 for each in listed if whole(each, "id") == log_id), 0)
        told = connection.get(f"{logs}/{log_id}", {"startLine": max(1, length - READ_LINES)})
    except AzureError as fault:
        log.info("Log %s of run %s is not available: %s", log_id, run_id, fault)
        return ()
    lines = [_STAMP.sub("", str(line)).rstrip() for line in sequence(told, "value")]
    telling = [_MARK.sub("", line) for line in lines if line and not _NOISE.match(line)]
    return tuple(line for line in telling[-TAIL_LINES:] if line)


def _deepest_failed(told: Timeline) -> Record | None:
    """The deepest failed record that says why; the first of several. One that was canceled counts where none failed."""
    candidates = [record for record in told.records.values() if record.result in FAILED]
    if not candidates:
        return None

    def rank(record: Record) -> tuple[bool, bool, int]:
        return (bool(record.errors), record.result == "failed", len(list(told.path(record))))

    best = max(rank(record) for record in candidates)
    return min((record for record in candidates if rank(record) == best), key=lambda record: record.order)


def _said(record: Record) -> tuple[str, ...]:
    """Its errors; a check says nothing of itself when it does not pass."""
    did_not_pass = record.kind.startswith(CHECKPOINT) and record.result in FAILED
    return record.errors or ((f"{record.kind} {record.result}",) if did_not_pass else ())


def _is_shown(record: Record) -> bool:
    return record.kind in ("Stage", "Job", "Task") and record.name not in ("", NAMELESS)
