"""One run under way: its stages in their order, their checks, their jobs."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from sandbox.azure.times import now
from sandbox.devops.builds import Build
from sandbox.devops.engine.cancel import Canceled, Cancellation
from sandbox.devops.engine.checkpoint import Checkpoint, RejectedError
from sandbox.devops.engine.conditions import holds
from sandbox.devops.engine.job import JobRun
from sandbox.devops.engine.variables import Variables, of_build, of_folders
from sandbox.devops.hooks import Hooks
from sandbox.devops.organisation import Organisation
from sandbox.devops.pipeline.definition import Job, Stage
from sandbox.devops.pipeline.expressions import ExpressionError
from sandbox.devops.timeline import Record, worst

log = logging.getLogger(__name__)


class Execution:
    def __init__(
        self, organisation: Organisation, hooks: Hooks, build: Build, outside: Mapping[str, str]
    ) -> None:
        self._organisation = organisation
        self._hooks = hooks
        self._build = build
        self._outside = outside
        self._cancellation = Cancellation()
        self._variables = of_build(organisation, build)
        self._stages = {
            stage.name: self._stage_record(stage, n) for n, stage in enumerate(build.plan.stages, 1)
        }
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def _stage_record(self, stage: Stage, order: int) -> Record:
        return self._build.add(Record("Stage", stage.display, stage.name, order=order))

    def cancel(self) -> None:
        if not self._build.over:
            self._build.status = "cancelling"
            self._build.changed = now()
            self._hooks.run_changed(self._build)
            self._cancellation.ask()

    async def run(self) -> None:
        build = self._build
        self._hooks.run_changed(build)
        try:
            for stage in build.plan.stages:
                self._tasks[stage.name] = asyncio.create_task(self._stage(stage))
            await asyncio.gather(*self._tasks.values())
            result = "failed" if build.problems else worst([stage.result for stage in self._stages.values()])
        except Exception:
            log.exception("build %s broke the twin", build.id)
            result = "failed"
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        if self._cancellation.asked:
            result = "canceled"
        named = {"succeededWithIssues": "partiallySucceeded", "skipped": "succeeded"}
        build.result = named.get(result, result)
        build.finished = build.changed = now()
        build.started = build.started or build.finished
        build.status = "completed"
        self._hooks.run_changed(build)
        self._hooks.build_completed(build)

    async def _stage(self, stage: Stage) -> None:
        record = self._stages[stage.name]
        await asyncio.gather(*[self._tasks[name] for name in stage.depends_on])
        before = {name: str(self._stages[name].result) for name in stage.depends_on}
        variables = self._scope(stage)
        try:
            if not holds(stage.condition, list(before.values()), self._cancellation.asked, variables, before):
                self._end(stage, record, "skipped")
                return
            await self._check(stage, record)
        except ExpressionError as wrong:
            record.issue("error", str(wrong))
            self._end(stage, record, "failed")
            return
        except RejectedError as refused:
            self._end(stage, record, refused.result)
            return
        except Canceled:
            self._end(stage, record, "canceled")
            return
        results = await self._jobs(stage, record)
        self._end(stage, record, worst(results))

    def _end(self, stage: Stage, record: Record, result: str) -> None:
        for below in self._build.records:
            if below.parent is record and below.state != "completed":
                below.end(result if result in ("skipped", "canceled") else "skipped")
        record.end(result)
        self._hooks.stage_changed(self._build, stage, record)

    async def _check(self, stage: Stage, record: Record) -> None:
        checkpoint = Checkpoint(self._organisation, self._hooks, self._build, stage, record)
        if checkpoint.needed:
            self._hooks.stage_changed(self._build, stage, record, waiting=True)
            await checkpoint.passed(self._cancellation)

    def _scope(self, stage: Stage, job: Job | None = None) -> Variables:
        """The outer variables first, as inner ones may speak of them and hide them."""
        variables = Variables(self._variables)
        variables.update({"System.StageName": stage.name, "System.StageDisplayName": stage.display})
        variables.update({"System.StageAttempt": "1", "System.JobAttempt": "1"})
        variables.update(self._build.plan.variables)
        variables.update(stage.variables)
        if job is not None:
            variables.update(job.variables)
        return variables

    async def _jobs(self, stage: Stage, record: Record) -> Sequence[str | None]:
        made = {}
        for order, job in enumerate(stage.jobs, 1):
            phase = Record("Phase", job.display, f"{stage.name}.{job.name}", record, order)
            inner = Record("Job", job.display, f"{stage.name}.{job.name}.__default", phase)
            made[job.name] = (self._build.add(phase), self._build.add(inner))
        tasks: dict[str, asyncio.Task[None]] = {}
        for job in stage.jobs:
            tasks[job.name] = asyncio.create_task(self._job(stage, job, made, tasks))
        try:
            await asyncio.gather(*tasks.values())
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)
        return [phase.result for phase, _ in made.values()]

    async def _job(
        self,
        stage: Stage,
        job: Job,
        made: Mapping[str, tuple[Record, Record]],
        tasks: Mapping[str, asyncio.Task[None]],
    ) -> None:
        phase, record = made[job.name]
        await asyncio.gather(*[tasks[name] for name in job.depends_on])
        before = {name: str(made[name][0].result) for name in job.depends_on}
        variables = self._scope(stage, job)
        try:
            wanted = holds(job.condition, list(before.values()), self._cancellation.asked, variables, before)
            result = await self._on_agent(stage, job, phase, record, variables) if wanted else "skipped"
        except ExpressionError as wrong:
            record.issue("error", str(wrong))
            result = "failed"
        except Canceled:
            result = "canceled"
        if result == "failed" and job.continue_on_error:
            result = "succeededWithIssues"
        record.end(result)
        phase.end(result)
        self._hooks.job_changed(self._build, stage, record)

    async def _on_agent(
        self, stage: Stage, job: Job, phase: Record, record: Record, variables: Variables
    ) -> str:
        pool = self._organisation.pool(job.pool)
        if pool is None:
            record.issue("error", f"Could not find a pool with name {job.pool}.")
            return "failed"
        agent = await self._cancellation.unless_asked(pool.acquire(record))
        record.worker = agent.name
        token = self._organisation.access.job_token()
        folder = self._organisation.root / "jobs" / f"{self._build.id}-{record.id[:8]}"
        try:
            await self._cancellation.unless_asked(asyncio.sleep(self._organisation.pace.agent_start))
            self._begin(stage, phase, record)
            variables.update(of_folders(folder))
            variables.update(_of_job(job, record, agent.name, agent.id))
            variables.set("System.AccessToken", token, secret=True)
            pace = self._organisation.pace
            run = JobRun(self._build, job, record, variables, self._outside, folder, pace, self._cancellation)
            return await run.run()
        finally:
            self._organisation.access.end_job(token)
            pool.release(agent)

    def _begin(self, stage: Stage, phase: Record, record: Record) -> None:
        build = self._build
        if build.status == "notStarted":
            build.status = "inProgress"
            build.started = build.changed = now()
        top = self._stages[stage.name]
        for started in (top, phase, record):
            if started.state == "pending":
                started.begin()
                if started is top:
                    self._hooks.stage_changed(build, stage, top)
        self._hooks.job_changed(build, stage, record)


def _of_job(job: Job, record: Record, agent: str, number: int) -> dict[str, str]:
    deployed = {"Environment.Name": job.environment} if job.environment else {}
    return {
        "Agent.Id": str(number),
        "Agent.JobName": job.display,
        "Agent.MachineName": agent,
        "Agent.Name": agent,
        "Agent.OS": "Linux",
        "Agent.OSArchitecture": "X64",
        "System.JobDisplayName": job.display,
        "System.JobId": record.id,
        "System.JobName": "__default",
        "System.PhaseName": job.name,
        **deployed,
    }
