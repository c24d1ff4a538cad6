"""What all steps look at: the workspace, its subscription, the Azure DevOps project and the team's repository."""

from dataclasses import dataclass
from urllib.parse import quote

from infra.azureml import identities, survey
from infra.azureml.connection import Connection
from infra.azureml.errors import NotFound
from infra.azureml.identities import Subscription
from infra.azureml.survey import About
from infra.devops.project import Project
from infra.devops.repositories import Repository
from infra.http.errors import AzureError
from infra.setup.step import Finding, Todo, for_a_person

PORTAL = "https://portal.azure.com"


class NotThere(AzureError):
    """Something that provisioning takes as given is not there; `next_step` says what to do."""

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(message)
        self.next_step = next_step


@dataclass(frozen=True)
class World:
    """`branch` is the one whose files the pipelines run. `region` is the workspace's, `store_id` the ARM id of its own
    storage account; both are empty before the infrastructure is deployed."""

    azure: Connection
    devops: Project
    subscription: Subscription
    region: str
    store_id: str
    repository: Repository
    branch: str

    @property
    def has_workspace(self) -> bool:
        return bool(self.region)

    def account_id(self, name: str) -> str:
        """The ARM id of a storage account in the workspace's resource group."""
        return f"{self.group_id}/providers/Microsoft.Storage/storageAccounts/{name}"

    @property
    def group_id(self) -> str:
        place = self.azure.workspace
        return f"/subscriptions/{place.subscription}/resourceGroups/{place.resource_group}"

    def devops_page(self, *parts: str) -> str:
        """A page of the project for people."""
        place = self.devops.connection.place
        return "/".join((place.organization.rstrip("/"), quote(place.project), *parts))

    def studio_page(self, path: str) -> str:
        """A page of the workspace in the studio."""
        place = self.azure.workspace
        workspace = f"/subscriptions/{place.subscription}/resourcegroups/{place.resource_group}/workspaces/{place.name}"
        return f"{self.azure.cloud.machine_learning}/{path}?wsid={workspace}"

    def portal_page(self, arm_id: str, blade: str = "overview") -> str:
        """A resource in the Azure portal; the blade `users` is its access control."""
        return f"{PORTAL}/#@{self.subscription.tenant}/resource{arm_id}/{blade}"


def enter(azure: Connection, devops: Project, repository: str, branch: str) -> World:
    """Raises NotThere for what must be there before, and any other AzureError."""
    place = azure.workspace
    try:
        subscription = identities.subscription(azure)
    except NotFound as fault:
        raise NotThere(
            f"There is no subscription {place.subscription} that this identity may see: {fault.message}",
            "Correct AZURE_SUBSCRIPTION_ID, or sign in with another identity.",
        ) from fault
    about = _workspace(azure)
    return World(
        azure=azure,
        devops=devops,
        subscription=subscription,
        region=about.region if about else "",
        store_id=about.storage_account if about else "",
        repository=_repository(devops, repository),
        branch=branch,
    )


def no_identity(world: World, name: str) -> Finding:
    """What is found where the identity that something acts as has not been made."""
    todo = Todo(
        f"Run the infrastructure pipeline, which makes the identity {name} and gives it its roles",
        world.portal_page(world.group_id),
        (("Resource group", world.azure.workspace.resource_group), ("Identity", name)),
    )
    return for_a_person(f"there is no identity {name} to act as", todo)


def _workspace(azure: Connection) -> About | None:
    """None before the infrastructure is deployed."""
    try:
        return survey.about(azure)
    except NotFound:
        return None


def _repository(devops: Project, name: str) -> Repository:
    try:
        return devops.repository(name)
    except NotFound as fault:
        place = devops.connection.place
        raise NotThere(
            f"Project {place.project} has no repository {name} that this identity may see: {fault.message}",
            "Correct [provision] repository, or AZURE_DEVOPS_ORG_URL and AZURE_DEVOPS_PROJECT.",
        ) from fault
