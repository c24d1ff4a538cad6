"""Makes a run of a pipeline: reads the branch's YAML, checks values and resources, and queues it. Twice makes two."""

import json
from collections.abc import Mapping
from fnmatch import fnmatch
from typing import Any

from sandbox.azure.errors import ServiceError
from sandbox.azure.times import now
from sandbox.devops.builds import Build, Pipeline
from sandbox.devops.engine.engine import Engine
from sandbox.devops.engine.variables import Variables, known_when_queued, run_number
from sandbox.devops.errors import build_invalid, pipeline_invalid
from sandbox.devops.identities import Identity
from sandbox.devops.organisation import Organisation
from sandbox.devops.pipeline.definition import Filters, Plan
from sandbox.devops.pipeline.document import Document, PipelineRefused
from sandbox.devops.pipeline.parameters import ParametersMissing, ParametersRefused, declared, resolve
from sandbox.devops.pipeline.reader import Reader
from sandbox.devops.pipeline.triggers import read_trigger
from sandbox.devops.repository import Commit, full_ref

AUTHORIZE = "For authorization details, refer to https://aka.ms/yamlauthz."


class Queue:
    def __init__(self, organisation: Organisation, engine: Engine) -> None:
        self._organisation = organisation
        self._engine = engine

    def add(
        self,
        pipeline: Pipeline,
        branch: str,
        given: Mapping[str, str],
        by: Identity,
        *,
        reason: str = "manual",
        dry: bool = False,
    ) -> Build:
        """Raises what the service answers where the YAML, a value or a resource is at fault. `dry`: starts nothing."""
        organisation = self._organisation
        ref = full_ref(branch or organisation.repository.default_branch)
        commit = organisation.repository.branches.get(ref)
        if commit is None:
            name = organisation.repository.name
            raise pipeline_invalid(
                f"Could not get the latest source version for repository {name} hosted on Azure Repos using ref {ref}."
            )
        plan = self._plan(pipeline, ref, commit, given, reason, by)
        build = self._made(pipeline, ref, commit, given, plan, reason, by)
        if not dry:
            organisation.builds[build.id] = build
            self._engine.start(build)
        return build

    def _made(
        self,
        pipeline: Pipeline,
        ref: str,
        commit: Commit,
        given: Mapping[str, str],
        plan: Plan,
        reason: str,
        by: Identity,
    ) -> Build:
        builds = self._organisation.builds
        known = known_when_queued(self._organisation, pipeline, ref, commit, reason, by)
        taken = {build.number for build in builds.values() if build.pipeline is pipeline}
        build_id = next(self._organisation.build_ids)
        variables = Variables({**known, **plan.variables, "Build.BuildId": str(build_id)})
        number = run_number(plan.run_name, variables, now(), taken)
        return Build(build_id, number, pipeline, ref, commit, dict(given), plan, reason, by)

    def _plan(
        self,
        pipeline: Pipeline,
        ref: str,
        commit: Commit,
        given: Mapping[str, str],
        reason: str,
        by: Identity,
    ) -> Plan:
        document = self._document(pipeline, ref, commit)
        known = known_when_queued(self._organisation, pipeline, ref, commit, reason, by)
        try:
            values = resolve(declared(document), given, document.path)
            plan = Reader(document, values, known, lambda path: _text(commit, path)).plan()
        except ParametersMissing as missing:
            raise build_invalid(*missing.args) from None
        except (ParametersRefused, PipelineRefused) as refused:
            raise pipeline_invalid(str(refused)) from None
        self._check_resources(plan)
        return plan

    def _document(self, pipeline: Pipeline, ref: str, commit: Commit) -> Document:
        text = _text(commit, pipeline.path)
        if text is None:
            repository = self._organisation.repository
            url = f"{self._organisation.base_url}/_git/{repository.name}"
            raise pipeline_invalid(
                f"/{pipeline.path.lstrip('/')}: File /{pipeline.path.lstrip('/')} not found in repository {url} "
                f"branch {ref} version {commit.id}."
            )
        try:
            return Document(pipeline.path, text)
        except PipelineRefused as refused:
            raise pipeline_invalid(str(refused)) from None

    def _check_resources(self, plan: Plan) -> None:
        """That what the plan names is there. Whether it may be used is asked when its stage comes."""
        organisation = self._organisation
        for stage in plan.stages:
            for job in stage.jobs:
                if job.environment and organisation.resources.environment(job.environment) is None:
                    raise pipeline_invalid(
                        f"Job {job.name}: Environment {job.environment} could not be found. The environment does not "
                        f"exist or has not been authorized for use. {AUTHORIZE}"
                    )
                if organisation.pool(job.pool) is None:
                    raise pipeline_invalid(
                        f"Could not find a pool with name {job.pool}. The pool does not exist or has not been "
                        f"authorized for use. {AUTHORIZE}"
                    )
                for step in job.steps:
                    name = step.inputs.get("azureSubscription")
                    if name and organisation.resources.endpoint(name) is None:
                        raise pipeline_invalid(
                            f"The pipeline is not valid. Job {job.name}: Step {step.display} input "
                            f"connectedServiceNameARM references service connection {name} which could not be found. "
                            f"The service connection does not exist, has been disabled or has not been authorized "
                            f"for use. {AUTHORIZE}"
                        )

    def pushed(self, ref: str, commit: Commit, before: Commit | None) -> list[Build]:
        """The runs that a push starts, by the triggers in that branch's YAML."""
        changed = commit.changed(before)
        return [
            self._by_push(pipeline, ref, commit)
            for pipeline in self._organisation.pipelines.values()
            if _triggered(pipeline, ref, commit, changed)
        ]

    def _by_push(self, pipeline: Pipeline, ref: str, commit: Commit) -> Build:
        """Nobody is there to be told that the YAML is wrong, so there is a run that has failed."""
        try:
            return self.add(pipeline, ref, {}, commit.author, reason="individualCI")
        except ServiceError as refused:
            said = json.loads(refused.text or "{}")
        results = (said.get("customProperties") or {}).get("ValidationResults") or [said]
        plan = Plan({}, {}, ())
        build = self._made(pipeline, ref, commit, {}, plan, "individualCI", commit.author)
        build.problems = [str(result["message"]) for result in results]
        self._organisation.builds[build.id] = build
        self._engine.start(build)
        return build


def _triggered(pipeline: Pipeline, ref: str, commit: Commit, changed: set[str]) -> bool:
    text = _text(commit, pipeline.path)
    if text is None:
        return False
    try:
        trigger = read_trigger(Document(pipeline.path, text))
    except PipelineRefused:
        return True
    if trigger.branches is None or not _through(trigger.branches, ref.removeprefix("refs/heads/")):
        return False
    return any(_through(trigger.paths, path) for path in changed)


def _through(filters: Filters, name: str) -> bool:
    """Excluding wins; a pattern is a path with wildcards, or a folder."""

    def matches(pattern: str) -> bool:
        pattern = pattern.strip("/").removeprefix("refs/heads/")
        return fnmatch(name, pattern) or name.startswith(f"{pattern}/")

    included = not filters.include or any(map(matches, filters.include))
    return included and not any(map(matches, filters.exclude))


def _text(commit: Commit, path: str) -> str | None:
    wanted = path.lstrip("/")
    return (commit.folder / wanted).read_text() if wanted in commit.files else None


def strings(given: Any) -> dict[str, str]:
    """Template parameters as the service reads them: a mapping to texts; lists and objects are refused."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise build_invalid("templateParameters: a mapping was expected.")
    for value in given.values():
        if isinstance(value, (list, dict)):
            kind = "Array" if isinstance(value, list) else "Object"
            raise pipeline_invalid(f"Unable to convert from {kind} to String. Value: {kind}")
    return {str(key): "" if value is None else str(value) for key, value in given.items()}
