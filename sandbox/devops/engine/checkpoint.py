"""What stands before a stage: permission to use its resources, approvals, calls that ask others."""

import asyncio
from fnmatch import fnmatchcase

from sandbox.devops.approvals import Approval
from sandbox.devops.builds import Build
from sandbox.devops.engine.cancel import Cancellation
from sandbox.devops.engine.invoke import INVOKE_REST, CallRefused, TaskCheckRun
from sandbox.devops.hooks import Hooks
from sandbox.devops.organisation import Organisation
from sandbox.devops.pipeline.definition import Stage
from sandbox.devops.protected import Check
from sandbox.devops.timeline import Record

BRANCH_CONTROL = "86b05a0c-73e6-4f7d-b3cf-e38f3b39a75b"
NEEDS_PERMISSION = "This pipeline needs permission to access a resource before this run can continue"


class RejectedError(Exception):
    """The stage does not run; `result` is that of its record."""

    def __init__(self, result: str) -> None:
        super().__init__(result)
        self.result = result


def used_by(organisation: Organisation, build: Build, stage: Stage) -> list[tuple[str, str]]:
    """Type and id of everything that the stage uses."""
    resources = organisation.resources
    environments = {job.environment for job in stage.jobs if job.environment}
    found = [resources.environment(name) for name in sorted(environments)]
    used = [("environment", str(environment.id)) for environment in found if environment]
    connections = sorted(build.plan.connections(stage))
    endpoints = [resources.endpoint(name) for name in connections]
    used += [("endpoint", endpoint.id) for endpoint in endpoints if endpoint]
    pools = [organisation.pool(job.pool) for job in stage.jobs]
    return used + [("queue", str(pool.id)) for pool in dict.fromkeys(pools) if pool]


def unpermitted(organisation: Organisation, build: Build, stage: Stage) -> list[tuple[str, str]]:
    """Type and id of what the stage uses and the pipeline may not use yet."""
    permissions = organisation.resources.permissions
    used = used_by(organisation, build, stage)
    return [(kind, i) for kind, i in used if not permissions(kind, i).allow(build.pipeline.id)]


class Checkpoint:
    def __init__(
        self, organisation: Organisation, hooks: Hooks, build: Build, stage: Stage, record: Record
    ) -> None:
        self._organisation = organisation
        self._hooks = hooks
        self._build = build
        self._stage = stage
        self._record = record
        used = used_by(organisation, build, stage)
        self._checks = [check for kind, i in used for check in organisation.resources.checks_on(kind, i)]

    @property
    def _permitted(self) -> bool:
        return not unpermitted(self._organisation, self._build, self._stage)

    @property
    def needed(self) -> bool:
        return bool(self._checks) or not self._permitted

    async def passed(self, cancellation: Cancellation) -> None:
        """Returns when the stage may run; raises RejectedError, or Canceled."""
        top = self._build.add(Record("Checkpoint", "Checkpoint", "Checkpoint", self._record))
        top.begin()
        try:
            await cancellation.unless_asked(self._all(top))
            top.end("succeeded")
        except RejectedError as refused:
            top.end(refused.result)
            raise
        finally:
            for record in self._build.records:
                if record.parent is top:
                    record.end("canceled")
            top.end("canceled")

    async def _all(self, top: Record) -> None:
        if not self._permitted:
            await self._authorization(top)
        static = [check for check in self._checks if check.definition == BRANCH_CONTROL]
        for order, check in enumerate(static, 1):
            self._branch_control(top, check, order)
        approvals = [check for check in self._checks if check.type == "Approval"]
        calls = [check for check in self._checks if check.definition == INVOKE_REST]
        for checks, work in ((approvals, self._approval), (calls, self._task_check)):
            tasks = [asyncio.ensure_future(work(top, check, n)) for n, check in enumerate(checks, 1)]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _below(self, top: Record, kind: str, order: int = 1) -> Record:
        record = self._build.add(Record(kind, kind, kind, top, order))
        record.begin()
        return record

    async def _authorization(self, top: Record) -> None:
        record = self._below(top, "Checkpoint.Authorization")
        record.issue("warning", NEEDS_PERMISSION)
        await self._organisation.bell.until(lambda: self._permitted)
        record.end("succeeded")

    async def _approval(self, top: Record, check: Check, order: int) -> None:
        approval = Approval.asked(check, self._build, self._record)
        record = self._below(top, "Checkpoint.Approval", order)
        record.id = approval.id
        self._organisation.approvals[approval.id] = approval
        self._hooks.approval_pending(approval)
        try:
            async with asyncio.timeout(check.timeout * self._organisation.pace.minute or None):
                await self._organisation.bell.until(lambda: approval.status != "pending")
        except TimeoutError:
            approval.close("timedOut")
        finally:
            approval.close("canceled")
            self._hooks.approval_completed(approval)
        if approval.status != "approved":
            result = "skipped" if approval.status == "timedOut" else "failed"
            record.end(result)
            raise RejectedError(result)
        record.end("succeeded")

    def _branch_control(self, top: Record, check: Check, order: int) -> None:
        """Asked before all others, and only once."""
        record = self._below(top, "Checkpoint.TaskCheck", order)
        allowed = str(check.settings["inputs"]["allowedBranches"])
        if not any(fnmatchcase(self._build.branch, pattern.strip()) for pattern in allowed.split(",")):
            record.issue("error", f"Branch control: {self._build.branch} is not among the allowed {allowed}.")
            record.end("failed")
            raise RejectedError("failed")
        record.end("succeeded")

    async def _task_check(self, top: Record, check: Check, order: int) -> None:
        record = self._below(top, "Checkpoint.TaskCheck", order)
        record.log = self._build.new_log()
        try:
            async with asyncio.timeout(check.timeout * self._organisation.pace.minute or None):
                await TaskCheckRun(self._organisation, self._hooks, self._build, check, record).passed()
        except TimeoutError:
            record.issue("error", "The check timed out.")
            record.end("skipped")
            raise RejectedError("skipped") from None
        except CallRefused as refused:
            record.issue("error", str(refused))
            record.end("failed")
            raise RejectedError("failed") from None
        record.end("succeeded")
