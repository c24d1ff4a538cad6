"""Azure: sign-in, workspace, roles, and what trainings are made of."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime

from bot.doctor.clock import skew
from bot.doctor.finding import Check, Service, Verdict, ok, problem, unknown, warning
from bot.doctor.training import TrainingCheckup
from bot.doctor.words import listed
from commands.kit.policy import Policy
from infra.azureml import permissions, survey
from infra.azureml.connection import WorkspaceId
from infra.azureml.errors import AzureError, Denied, NotFound, Throttled, Unavailable
from infra.azureml.survey import About
from infra.azureml.workspace import Workspace

TITLE = "Azure Machine Learning"
DATA_SCIENTIST = "AzureML Data Scientist"
BLOB_READER = "Storage Blob Data Reader"
RESOURCE = "Microsoft.MachineLearningServices/workspaces"
ACCOUNT = "Microsoft.Storage/storageAccounts"
BLOBS = f"{ACCOUNT}/blobServices/containers/blobs"
READ_BLOBS = f"{BLOBS}/read"
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
TOO_MUCH = {
    f"{RESOURCE}/delete": "delete the workspace",
    f"{RESOURCE}/listKeys/action": "read the workspace's keys",
    "Microsoft.Authorization/roleAssignments/write": "give roles to others",
}
TOO_MUCH_STORED = {
    f"{ACCOUNT}/listKeys/action": "read the account's keys, which open all that lies in it",
    f"{ACCOUNT}/delete": "delete the account",
    "Microsoft.Authorization/roleAssignments/write": "give roles to others",
}
OWNS_BLOBS = (
    f"{BLOBS}/runAsSuperUser/action"  # writing files is not too much: who publishes by hand uploads the code
)
HELPFUL = {
    "computes/listNodes/action": "say why a training waits for a node",
}
REFUSED = re.compile(r"request error|AADSTS")
ABSENT = re.compile(r"unavailable|not found|could not be found|not installed|to be installed")


class AzureCheckup:
    def __init__(self, workspace: WorkspaceId, policy: Policy | None, now: Callable[[], datetime]) -> None:
        self._id = workspace
        self._workspace = Workspace.connect(workspace)
        self._now = now
        self._training = TrainingCheckup(self._workspace, policy)
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
        yield from self._training.checks("workspace")

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
        if more := [why for action, why in TOO_MUCH.items() if may.allow(action)]:
            return warning(
                f"Spotter may do more than it needs: it may {listed(more)}.",
                f"Give its identity the role {DATA_SCIENTIST}, and no wider one.",
            )
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
        more = [why for action, why in TOO_MUCH_STORED.items() if may.allow(action)]
        if may.allow_data(OWNS_BLOBS):
            more.append("own every file, whoever else may read it")
        if more:
            return warning(
                f"Spotter may do more with {name} than it needs: it may {listed(more)}.",
                f"Give its identity the role {BLOB_READER} there, and no wider one.",
            )
        return ok(f"Labels and logs in {name} may be read.")

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
