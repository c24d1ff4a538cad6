"""What the Azure DevOps organisation holds now, for the page. Times are seconds since 1970."""

from datetime import datetime
from typing import Any

from sandbox.devops.approvals import Approval
from sandbox.devops.builds import Build, Pipeline
from sandbox.devops.engine.checkpoint import unpermitted
from sandbox.devops.identities import SPOTTER
from sandbox.devops.organisation import NAME, PROJECT, Organisation
from sandbox.devops.pipeline.document import Document, PipelineRefused
from sandbox.devops.pipeline.parameters import declared
from sandbox.devops.timeline import Record
from sandbox.devops.twin import DevOpsTwin
from sandbox.plant.people import called

Json = dict[str, Any]
RUNS = 20
REFUSED = "Call failed"


class PipelinesView:
    def __init__(self, twin: DevOpsTwin) -> None:
        self._organisation = twin.organisation
        self._declared: dict[tuple[str, str], list[Json]] = {}

    def state(self) -> Json:
        """Newest runs first."""
        organisation = self._organisation
        newest = sorted(organisation.builds.values(), key=lambda build: -build.id)
        return {
            "organisation": NAME,
            "project": PROJECT,
            "agents": [
                {"name": agent.name, "online": agent.online, "runs": agent.runs}
                for pool in organisation.pools
                for agent in pool.agents
            ],
            "repository": organisation.repository.name,
            "branches": [
                {
                    "name": ref.removeprefix("refs/heads/"),
                    "commit": commit.id[:8],
                    "message": commit.message,
                    "by": called(commit.author),
                    "at": commit.at.timestamp(),
                }
                for ref, commit in organisation.repository.branches.items()
            ],
            "pipelines": [self._pipeline(p) for p in organisation.pipelines.values()],
            "runs": [_run(organisation, build) for build in newest[:RUNS]],
        }

    def _pipeline(self, pipeline: Pipeline) -> Json:
        return {
            "id": pipeline.id,
            "name": pipeline.name,
            "path": pipeline.path,
            "parameters": self._parameters(pipeline),
        }

    def _parameters(self, pipeline: Pipeline) -> list[Json]:
        """What the form of a run asks for: the parameters on the default branch. Each commit's file is read once."""
        repository = self._organisation.repository
        commit = repository.branches.get(repository.default_branch)
        if commit is None or pipeline.path not in commit.files:
            return []
        key = (pipeline.path, commit.files[pipeline.path])
        if key not in self._declared:
            self._declared[key] = _declared(pipeline.path, (commit.folder / pipeline.path).read_text())
        return self._declared[key]


def _declared(path: str, text: str) -> list[Json]:
    try:
        found = declared(Document(path, text))
    except PipelineRefused:
        return []
    return [{"name": p.name, "type": p.type, "default": p.default, "values": p.values} for p in found]


def _run(organisation: Organisation, build: Build) -> Json:
    commit = build.commit
    return {
        "id": build.id,
        "number": build.number,
        "pipeline": build.pipeline.name,
        "branch": build.branch.removeprefix("refs/heads/"),
        "commit": commit.id[:8],
        "message": commit.message,
        "reason": "" if build.requested_for == SPOTTER else build.reason,
        "by": called(build.requested_for),
        "status": build.status,
        "result": build.result,
        "queued": build.queued.timestamp(),
        "started": _at(build.started),
        "ended": _at(build.finished),
        "tags": list(build.tags),
        "problems": list(build.problems),
        "stages": _stages(organisation, build),
    }


def _stages(organisation: Organisation, build: Build) -> list[Json]:
    return [
        {
            **_record(record),
            "needs": _needs(organisation, build, record),
            "approvals": [_approval(a) for a in organisation.approvals.values() if a.stage is record],
            "checks": [
                {**_record(check), "heard": _heard(check)}
                for check in _below(build, record, "Checkpoint.TaskCheck")
            ],
            "jobs": [_job(build, job) for job in _below(build, record, "Job")],
        }
        for record in build.records
        if record.type == "Stage"
    ]


def _needs(organisation: Organisation, build: Build, stage: Record) -> list[Json]:
    """What the stage waits to be permitted to use: service connections, environments, pools."""
    asked = _below(build, stage, "Checkpoint.Authorization")
    planned = next((s for s in build.plan.stages if s.name == stage.identifier), None)
    if planned is None or not any(record.state == "inProgress" for record in asked):
        return []
    resources = organisation.resources
    names = (
        {("endpoint", e.id): e.name for e in resources.endpoints.values()}
        | {("environment", str(e.id)): e.name for e in resources.environments.values()}
        | {("queue", str(pool.id)): pool.name for pool in organisation.pools}
    )
    missing = unpermitted(organisation, build, planned)
    return [{"kind": kind, "name": names[kind, identity]} for kind, identity in missing]


def _below(build: Build, top: Record, kind: str) -> list[Record]:
    """Records of a kind two levels below: jobs stand below phases, checks below checkpoints."""
    return [r for r in build.records if r.type == kind and r.parent and r.parent.parent is top]


def _job(build: Build, job: Record) -> Json:
    steps = sorted((r for r in build.records if r.parent is job), key=lambda record: record.order)
    return {**_record(job), "agent": job.worker, "steps": [_record(step) for step in steps]}


def _record(record: Record) -> Json:
    return {
        "id": record.id,
        "name": record.name,
        "state": record.state,
        "result": record.result,
        "started": _at(record.started),
        "ended": _at(record.finished),
        "log": record.log.id if record.log else None,
        "issues": [str(issue["message"]) for issue in record.issues],
    }


def _heard(check: Record) -> str:
    """The last answer that did not let the stage in, as the check's log has it."""
    lines = check.log.lines if check.log else []
    return next((line[line.index(REFUSED) :] for line in reversed(lines) if REFUSED in line), "")


def _approval(approval: Approval) -> Json:
    return {
        "id": approval.id,
        "status": approval.status,
        "needed": approval.needed,
        "instructions": approval.check.settings.get("instructions", ""),
        "asked": [
            {"name": called(step.assigned), "status": step.status, "comment": step.comment}
            for step in approval.steps
        ],
    }


def _at(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None
