"""Approvals that a stage waits for: who was asked, who answered, and when it is decided."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.azure.times import arm_time, now
from sandbox.devops.builds import Build
from sandbox.devops.errors import devops_error
from sandbox.devops.identities import PEOPLE, Identity
from sandbox.devops.protected import Check
from sandbox.devops.timeline import Record


@dataclass(eq=False)
class ApprovalStep:
    assigned: Identity
    order: int
    status: str = "pending"
    comment: str = ""
    by: Identity | None = None
    at: datetime = field(default_factory=now)


@dataclass(eq=False)
class Approval:
    """`status`: pending, approved, rejected, canceled, timedOut. Its id is that of its record in the timeline."""

    check: Check
    build: Build
    stage: Record
    steps: list[ApprovalStep]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "pending"
    created: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)

    @classmethod
    def asked(cls, check: Check, build: Build, stage: Record) -> "Approval":
        ids = [str(given.get("id")) for given in check.settings["approvers"]]
        assigned = [person for person in PEOPLE if person.id in ids]
        return cls(check, build, stage, [ApprovalStep(person, n) for n, person in enumerate(assigned, 1)])

    @property
    def needed(self) -> int:
        """0 in the settings stands for all of them."""
        return int(self.check.settings.get("minRequiredApprovers") or len(self.steps))

    def answer(self, by: Identity, status: str, comment: str) -> None:
        """`status`: approved or rejected. Raises what Azure DevOps answers to those who may not."""
        if self.status != "pending":
            message = f"Approval {self.id} is already {self.status} and cannot be updated."
            raise devops_error(400, "ApprovalAlreadyCompletedException", message)
        step = next((step for step in self.steps if step.assigned == by), None)
        own = by == self.build.requested_for and self.check.settings.get("requesterCannotBeApprover")
        blocked = any(by.id == given.get("id") for given in self.check.settings.get("blockedApprovers") or [])
        if step is None or blocked or own:
            message = f"User {by.name} does not have permission to approve or reject approval {self.id}."
            raise devops_error(403, "ApprovalUnauthorizedException", message)
        in_sequence = self.check.settings.get("executionOrder") == "inSequence"
        if in_sequence and any(s.status == "pending" for s in self.steps if s.order < step.order):
            message = f"Approval {self.id} is to be answered by others before {by.name}."
            raise devops_error(400, "ApprovalUninitiatedException", message)
        step.status, step.comment, step.by, step.at = status, comment, by, now()
        self.modified = step.at
        if status == "rejected":
            self.status = "rejected"
        elif sum(s.status == "approved" for s in self.steps) >= self.needed:
            self.status = "approved"

    def close(self, status: str) -> None:
        if self.status == "pending":
            self.status, self.modified = status, now()

    def as_json(self, project_url: str, *, steps: bool) -> dict[str, Any]:
        settings = self.check.settings
        return {
            "id": self.id,
            "steps": [_step(step) for step in self.steps] if steps else [],
            "status": self.status,
            "createdOn": arm_time(self.created),
            "lastModifiedOn": arm_time(self.modified),
            "executionOrder": settings.get("executionOrder", "anyOrder"),
            "minRequiredApprovers": self.needed,
            "blockedApprovers": settings.get("blockedApprovers") or [],
            "instructions": settings.get("instructions", ""),
            "pipeline": {
                "owner": {
                    "id": self.build.id,
                    "name": self.build.number,
                    "_links": {
                        "self": {"href": f"{project_url}/_apis/build/Builds/{self.build.id}"},
                    },
                },
                "id": str(self.build.pipeline.id),
                "name": self.build.pipeline.name,
            },
            "_links": {"self": {"href": f"{project_url}/_apis/pipelines/approvals/{self.id}"}},
        }


def _step(step: ApprovalStep) -> dict[str, Any]:
    answered = {"actualApprover": step.by.ref(), "lastModifiedBy": step.by.ref()} if step.by else {}
    return {
        "assignedApprover": step.assigned.ref(),
        **answered,
        "status": step.status,
        "comment": step.comment,
        "lastModifiedOn": arm_time(step.at),
        "order": step.order,
        "initiatedOn": arm_time(step.at),
        "history": [],
    }
