"""What trainings are made of: clusters, labeling exports, the published pipeline; and what earlier ones have shown."""

import re
from collections import Counter
from collections.abc import Iterable

from bot.doctor.finding import Check, Verdict, ok, problem, skipped, warning
from bot.doctor.words import listed
from commands.kit.policy import Policy
from infra.azureml import survey
from infra.azureml.clusters import Cluster, usage_of
from infra.azureml.errors import Unreadable
from infra.azureml.workspace import Workspace
from infra.training.component import needed_component
from infra.training.definition import TrainingDefinition
from infra.training.publish import CONTENT_TAG, content_of


class TrainingCheckup:
    def __init__(self, workspace: Workspace, policy: Policy | None) -> None:
        self._workspace = workspace
        self._policy = policy

    def checks(self, needs: str) -> Iterable[Check]:
        yield Check("clusters", "GPU clusters", self._clusters, needs)
        if self._policy is None:
            yield Check("policy", "Exports and pipeline", _without_policy)
        else:
            pattern, definition = re.compile(self._policy.exports.pattern), self._policy.training
            yield Check("exports", "Labeling exports", lambda: self._exports(pattern), needs)
            yield Check("component", "Training pipeline", lambda: self._component(definition), needs)
        yield Check("trainings", "Trainings so far", self._trainings, needs)

    def _clusters(self) -> Verdict:
        clusters = [cluster for cluster in self._workspace.clusters() if cluster.gpu]
        if not clusters:
            return problem(
                "There is none, so nothing can be trained.",
                "Make one: `spotter provision apply`, or in the studio under Compute → Compute clusters.",
            )
        wrong = {cluster.name: self._unusable(cluster) for cluster in clusters}
        told = "; ".join(f"{cluster.name} ({wrong[cluster.name] or _size(cluster)})" for cluster in clusters)
        if all(wrong.values()):
            return problem(
                f"None can be used: {told}.",
                "Correct them in the studio: Compute → Compute clusters, or Quota → Request quota.",
            )
        return ok(f"{told}.")

    def _unusable(self, cluster: Cluster) -> str:
        """Why no training can run there; empty where one can."""
        if cluster.max_nodes == 0:
            return "at most 0 nodes"
        if cluster.provisioning_state.lower() not in ("", "succeeded"):
            return cluster.provisioning_state.lower()
        usage = usage_of(cluster, self._workspace.usage(cluster.location) or ())
        if usage and cluster.vcpus and usage.limit < cluster.vcpus:
            return f"a node needs {cluster.vcpus} vCPUs, and the quota of {usage.title} is {usage.limit}"
        return cluster.warning

    def _exports(self, pattern: re.Pattern[str]) -> Verdict:
        assets = list(survey.data_assets(self._workspace.connection))
        found = [asset for asset in assets if pattern.fullmatch(asset.name)]
        tables = [asset.name for asset in assets if asset.kind == "mltable"]
        if not found and tables:
            return problem(
                f"None of {len(tables)} tables matches {pattern.pattern}: {listed(tables)}.",
                "Correct [exports] pattern in spotter.toml, so that it matches the whole name of an export.",
            )
        if not found:
            return warning(
                "There is none yet.",
                "In the studio: Data Labeling → the project → Export → Azure ML dataset.",
            )
        newest = max(found, key=lambda asset: (asset.made_at, asset.name))
        return self._read(newest.name, len(found))

    def _read(self, name: str, count: int) -> Verdict:
        exports = [each for each in self._workspace.exports(re.compile(re.escape(name))) if each.name == name]
        if not exports:
            return warning(f"{name} was archived meanwhile.", "Look again.")
        told = f"{count} found; the newest, {name}, is of the type {exports[0].kind}"
        try:
            contents = self._workspace.read_export(exports[0])
        except Unreadable as fault:
            return problem(
                f"{told}, but cannot be read. {fault.reason}", "Without its labels nothing is shown of it."
            )
        return ok(f"{told}, with {contents.images} images and {len(contents.boxes)} classes.")

    def _component(self, definition: TrainingDefinition) -> Verdict:
        name = needed_component(definition)
        published = self._workspace.published(name)
        if published is None:
            return problem(
                f"{name} is not published, so nothing can be trained.",
                "Publish it: `spotter publish-pipeline --version 1`, or /publish in Slack.",
            )
        since = f", since {published.created_at:%Y-%m-%d %H:%M} UTC" if published.created_at else ""
        if published.tags.get(CONTENT_TAG) != content_of(definition):
            return warning(
                f"{name} version {published.version}{since}, is not what this Spotter would publish from [training].",
                "Publish again: /publish in Slack, or `spotter publish-pipeline --version` with the next number.",
            )
        return ok(f"{name} version {published.version}{since}.")

    def _trainings(self) -> Verdict:
        """What facts about Azure can be told from jobs that were: some cannot be tried without making any."""
        ours, hidden = survey.jobs_by_tag(self._workspace.connection)
        untagged = [job for job in ours if not job.request_id]
        if hidden or untagged:
            return problem(
                "Azure's filter of jobs by tag does not do what Spotter relies on: "
                f"{len(hidden)} jobs of its own are left out, {len(untagged)} of others are let through.",
                "Please report this: trainings may not be followed.",
            )
        if not ours:
            return skipped(
                "There is none, so this was not tried: that a job is taken as the pipeline describes it, that asking "
                "twice makes one job, that the list of jobs finds it, and that cancelling reaches its trials.",
                "Train once with a small search, and cancel another training, before you rely on Spotter.",
            )
        states = Counter(job.status.lower() for job in ours)
        told = ", ".join(f"{number} {state}" for state, number in states.most_common())
        untried = [] if states["completed"] else ["that a job is carried out as the pipeline describes it"]
        untried += [] if states["canceled"] else ["that cancelling reaches the trials"]
        more = f" Not seen yet: {listed(untried, 'and')}." if untried else ""
        return ok(f"{told}, found by their tag.{more}")


def _size(cluster: Cluster) -> str:
    return f"{cluster.vm_size}, up to {cluster.max_nodes} nodes"


def _without_policy() -> Verdict:
    return skipped("Not looked at: the policy file could not be read.")
