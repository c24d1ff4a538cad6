"""What a run's stages tell, what they wait for and why it failed, in the form in which its record keeps it."""

from collections.abc import Callable, Sequence
from typing import Any

from infra.devops.approvals import Approval
from infra.devops.project import Project
from infra.devops.runs import Run
from infra.devops.stages import Stage
from infra.failures.stages import explain_run, why_stage_waits
from infra.http.errors import AzureError

SEVERE_FIRST = ("permission", "approval", "check", "agent", "lock")


def stages_of(stages: Sequence[Stage]) -> list[dict[str, Any]]:
    return [
        {
            "name": stage.name,
            "state": stage.state,
            "result": stage.result,
            "jobs": [
                {"name": job.name, "state": job.state, "result": job.result, "task": job.task}
                for job in stage.jobs
            ],
        }
        for stage in stages
    ]


def waiting_of(stages: Sequence[Stage], pending: Callable[[], Sequence[Approval]]) -> dict[str, Any] | None:
    """Why the run gets no further, in a sentence and a remedy; None while it does, or waits for what is usual.

    `pending` tells the approvals that people still owe."""
    kinds = {hold.kind for stage in stages for hold in stage.holds}
    approvals = pending() if "approval" in kinds else ()
    for stage in stages:
        waiting = why_stage_waits(stage, approvals)
        if waiting is not None:
            kind = next(kind for kind in SEVERE_FIRST if any(hold.kind == kind for hold in stage.holds))
            return {
                "kind": kind,
                "sentence": waiting.sentence,
                "remedy": waiting.remedy,
                "normal": waiting.normal,
            }
    return None


def failure_of(there: Run, devops: Project) -> dict[str, Any]:
    """The cause in a sentence, what to do, DevOps's own words and the last log lines."""
    try:
        fault = devops.fault(there)
    except AzureError as trouble:
        cause = "The pipeline failed, and Azure DevOps did not say why."
        return {"cause": cause, "remedy": "Open the run there.", "raw": str(trouble), "where": there.name}
    told = explain_run(fault)
    return {
        "cause": told.cause,
        "remedy": told.remedy,
        "raw": told.raw if told.is_known else "",
        "where": fault.where[-1] if fault.where else there.name,
        "log": list(fault.last_lines),
    }
