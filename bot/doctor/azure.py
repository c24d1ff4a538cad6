"""Azure: sign-in, workspace, roles, and what trainings are made of."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime

from bot.doctor.clock import skew
from bot.doctor.finding import Check, Service, Verdict, ok, problem, skipped, unknown, warning
from bot.doctor.words import listed
from commands.kit.policy import Policy
from infra.azureml import permissions, survey
from infra.azureml.clusters import Cluster
from infra.azureml.connection import WorkspaceId
from infra.azureml.errors import AzureError, Denied, NotFound, Throttled, Unavailable, Unreadable
from infra.azureml.survey import About
from infra.azureml.workspace import Workspace
from infra.training.component import needed_component
from infra.training.definition import TrainingDefinition
from infra.training.publish import CONTENT_TAG, content_of

TITLE = "Azure Machine Learning"
DATA_SCIENTIST = "AzureML Data Scientist"
BLOB_READER = "Storage Blob Data Reader"
RESOURCE = "Microsoft.MachineLearningServices/workspaces"
READ_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
NEEDED = {
    "jobs/read": "follow trainings",
    "jobs/write": "start trainings",
    "jobs/cancel/action": "cancel trainings",
    "experiments/runs/read": "read trials and their metrics",
    "data/read": "list labeling exports",
    "data/versions/read": "read labeling exports",
    "datastores/read": "find the files of labeling exports",
    "components/versions/read": "find the published pipeline",
    "computes/read": "offer clusters",
    "models/read": "list models",
    "models/versions/read": "announce model versions",
}
HELPFUL = {
    "computes/listNodes/action": "say why a training waits for a node",
}
REFUSED = re.compile(r"request error|AADSTS")
ABSENT = re.compile(r"unavailable|not found|could not be found|not installed|to be installed")


class AzureCheckup:
    def __init__(self, workspace: WorkspaceId, policy: Policy | None, now: Callable[[], datetime]) -> None:
        self._id = workspace
        self._workspace = Workspace.connect(workspace)
        self._policy = policy
        self._now = now
        self._about: About | None = None

    def service(self) -> Service:
        return Service("azure", TITLE, list(self._checks()), self._explain)

    def _checks(self) -> Iterable[Check]:
        yield Check("sign-in", "Sign-in", self._sign_in)
        yield Check("workspace", "Workspace", self._look_at_workspace, "sign-in")
        yield Check("clock", "Clock", self._clock, "workspace")
        yield Check("data-plane", "Run history", self._data_plane, "workspace")
        yield Check("role.workspace", f"Role {DATA_SCIENTIST}", self._workspace_role, "sign-in")
        yield Check("role.storage", f"Role {BLOB_READER}", self._storage_role, "workspace")
        yield Check("clusters", "GPU clusters", self._clusters, "workspace")
        if self._policy is None:
            yield Check("policy", "Exports and pipeline", _without_policy)
        else:
            pattern, definition = re.compile(self._policy.exports.pattern), self._policy.training
            yield Check("exports", "Labeling exports", lambda: self._exports(pattern), "workspace")
            yield Check("component", "Training pipeline", lambda: self._component(definition), "workspace")
        yield Check("trainings", "Trainings so far", self._trainings, "workspace")

    def _sign_in(self) -> Verdict:
        who = survey.caller(self._workspace.connection)
        name = f"{who.name}, " if who.name else ""
        return ok(f"As {name}object id {who.object_id}, in tenant {who.tenant}.")

    def _look_at_workspace(self) -> Verdict:
        self._about = survey.about(self._workspace.connection)
        if self._about.state.lower() not in ("", "succeeded"):
            return problem(
                f"{self._id.name} is {self._about.state}.",
                "See the workspace's activity log in the Azure portal.",
            )
        return ok(f"{self._id.name} in {self._about.region}.")

    def _clock(self) -> Verdict:
        return skew(self._known.answered_at, self._now())

    def _data_plane(self) -> Verdict:
        return ok(f"At {self._workspace.connection.data_plane().api}.")

    def _workspace_role(self) -> Verdict:
        try:
            may = permissions.read(self._workspace.connection, self._id.path)
        except Denied as refused:
            return _not_told(refused, DATA_SCIENTIST, "the workspace")
        missing = [why for action, why in NEEDED.items() if not may.allow(f"{RESOURCE}/{action}")]
        if missing:
            return problem(
                f"Spotter may not {listed(missing)}.",
                f"Give its identity the role {DATA_SCIENTIST} on {self._id.name}: Access control (IAM) → Add.",
            )
        lacking = [why for action, why in HELPFUL.items() if not may.allow(f"{RESOURCE}/{action}")]
        if lacking:
            return warning(f"Spotter cannot {listed(lacking)}.", f"The role {DATA_SCIENTIST} has it.")
        return ok(f"All {len(NEEDED) + len(HELPFUL)} actions that Spotter needs are allowed.")

    def _storage_role(self) -> Verdict:
        account = self._known.storage_account
        name = account.rpartition("/")[2]
        try:
            may = permissions.read(self._workspace.connection, account)
        except Denied as refused:
            return _not_told(refused, BLOB_READER, f"the storage account {name}")
        if not may.allow_data(READ_BLOBS):
            return problem(
                f"Spotter may not read what lies in the storage account {name}: labels, logs and metrics.",
                f"Give its identity the role {BLOB_READER} there: Access control (IAM) → Add.",
            )
        return ok(f"Labels and logs in {name} may be read.")

    def _clusters(self) -> Verdict:
        clusters = [cluster for cluster in self._workspace.clusters() if cluster.gpu]
        usable = [cluster for cluster in clusters if not _unusable(cluster)]
        if not clusters:
            return problem(
                "There is none, so nothing can be trained.",
                "Make one: `spotter provision apply`, or in the studio under Compute → Compute clusters.",
            )
        told = "; ".join(f"{cluster.name} ({_unusable(cluster) or _size(cluster)})" for cluster in clusters)
        if not usable:
            return problem(
                f"None can be used: {told}.", "Correct them in the studio, under Compute → Compute clusters."
            )
        return ok(f"{told}.")

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

    def _explain(self, fault: Exception) -> Verdict | None:
        if isinstance(fault, NotFound):
            return problem(
                f"Azure does not find it: {fault.message}",
                "Check AZURE_SUBSCRIPTION_ID, AZURE_RESOURCE_GROUP and AZUREML_WORKSPACE_NAME.",
            )
        if isinstance(fault, Denied) and fault.status == 403:
            return problem(
                f"Azure refuses: {fault.message}",
                f"Give Spotter's identity the role {DATA_SCIENTIST} on {self._id.name}.",
            )
        return explain(fault)

    @property
    def _known(self) -> About:
        if self._about is None:
            raise AssertionError("the workspace was looked at first")
        return self._about


def explain(fault: Exception) -> Verdict | None:
    """What failures of Azure's mean that have nothing to do with what was asked."""
    if isinstance(fault, Denied):
        return problem(
            f"Azure does not let Spotter in: {_in_short(fault.message)}",
            "Run where there is a managed identity, sign in with `az login`, or set AZURE_TENANT_ID,"
            " AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.",
        )
    if isinstance(fault, Throttled):
        return unknown("Azure wants fewer requests.", f"Look again in {fault.retry_after:.0f} s.")
    if isinstance(fault, Unavailable):
        return unknown(
            fault.message, "Check this machine's way to Azure: proxy, firewall, DNS. Then look again."
        )
    if isinstance(fault, AzureError):
        return problem(f"Azure refuses: {fault.message}", "See what it says, then look again.")
    return None


def _in_short(message: str) -> str:
    """Of all credentials that were tried, those that this machine has."""
    tried = [line.strip() for line in message.splitlines() if line.startswith("\t")]
    there = [line for line in tried if REFUSED.search(line) or not ABSENT.search(line)]
    return "; ".join(there) if there else "there is no identity here." if tried else message


def _not_told(refused: Denied, role: str, where: str) -> Verdict:
    return unknown(
        f"Azure does not tell what Spotter may do with {where}: {refused.message}",
        f"Give its identity the role Reader there as well, or see for yourself that it has {role}.",
    )


def _unusable(cluster: Cluster) -> str:
    if cluster.max_nodes == 0:
        return "at most 0 nodes"
    if cluster.provisioning_state.lower() not in ("", "succeeded"):
        return cluster.provisioning_state.lower()
    return cluster.warning


def _size(cluster: Cluster) -> str:
    return f"{cluster.vm_size}, up to {cluster.max_nodes} nodes"


def _without_policy() -> Verdict:
    return skipped("Not looked at: the policy file could not be read.")
