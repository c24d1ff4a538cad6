"""Approvals that runs wait for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.devops.connection import Connection
from infra.http.fields import moment, sequence, text, whole


@dataclass(frozen=True)
class Approval:
    """`approvers` are the names of those who have not answered yet; `needed` of them must still approve.

    `run_id` is None where DevOps does not tell; the timeline's record of a waiting approval has the same id as this.
    """

    id: str
    status: str
    approvers: tuple[str, ...]
    needed: int
    in_sequence: bool
    instructions: str
    created_at: datetime | None
    run_id: int | None


def pending(connection: Connection) -> list[Approval]:
    """All approvals of the project that wait for somebody."""
    query = {"state": "pending", "$expand": "steps"}
    told = connection.pages(connection.project("pipelines", "approvals"), query)
    found = [approval_from(each) for each in told]
    return [approval for approval in found if approval.status == "pending"]


def approval_from(told: Any) -> Approval:
    steps = sequence(told, "steps")
    waiting = [step for step in steps if text(step, "status") in ("pending", "uninitiated", "")]
    approved = sum(text(step, "status") == "approved" for step in steps)
    names = (text(step, "assignedApprover", "displayName") for step in waiting)
    return Approval(
        id=text(told, "id"),
        status=text(told, "status"),
        approvers=tuple(name for name in names if name),
        needed=max(1, (whole(told, "minRequiredApprovers") or len(steps)) - approved),
        in_sequence=text(told, "executionOrder") == "inSequence",
        instructions=text(told, "instructions"),
        created_at=moment(told, "createdOn"),
        run_id=whole(told, "pipeline", "owner", "id"),
    )
