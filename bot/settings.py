"""Secrets and addresses, from the environment by the names people know; `.env` has been taken into it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from commands.kit.errors import UserError
from infra.azureml.connection import WorkspaceId
from infra.devops.connection import Place

if TYPE_CHECKING:
    from commands.kit.policy import Policy

CONFIG = "SPOTTER_CONFIG"


class _Settings(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class WorkspaceSettings(_Settings):
    """Azure credentials and endpoints are read by azure-identity and `infra` from their own variables."""

    azure_subscription_id: str
    azure_resource_group: str
    azureml_workspace_name: str

    @property
    def workspace(self) -> WorkspaceId:
        return WorkspaceId(self.azure_subscription_id, self.azure_resource_group, self.azureml_workspace_name)


class SlackSettings(_Settings):
    slack_bot_token: SecretStr
    slack_app_token: SecretStr | None = Field(None, description="Socket Mode")
    slack_signing_secret: SecretStr | None = Field(None, description="HTTP mode")
    slack_api_url: str = "https://slack.com/api/"

    @property
    def slack_api(self) -> str:
        return self.slack_api_url.rstrip("/") + "/"

    @property
    def signing_secret(self) -> str | None:
        return self.slack_signing_secret.get_secret_value() if self.slack_signing_secret else None

    @property
    def has_transport(self) -> bool:
        return self.slack_app_token is not None or self.slack_signing_secret is not None


class DevOpsSettings(_Settings):
    azure_devops_org_url: str | None = Field(None, description="such as https://dev.azure.com/fabrikam")
    azure_devops_project: str | None = None
    iothub_hostname: str | None = Field(None, description="such as plant.azure-devices.net")

    @property
    def devops(self) -> Place | None:
        """None where no Azure DevOps project is set: then nothing can be published or shipped from Slack."""
        if self.azure_devops_org_url and self.azure_devops_project:
            return Place(self.azure_devops_org_url, self.azure_devops_project)
        return None


class StoreSettings(_Settings):
    database_url: str = "sqlite:///spotter.db"

    @property
    def store_url(self) -> str:
        """The database's URL with the driver that Spotter ships."""
        for scheme in ("postgres://", "postgresql://"):
            if self.database_url.startswith(scheme):
                return f"postgresql+psycopg://{self.database_url.removeprefix(scheme)}"
        return self.database_url


class HooksSettings(_Settings):
    hooks_secret: SecretStr | None = Field(
        None, min_length=20, description="what Azure DevOps and Event Grid know when they push news"
    )


class Settings(WorkspaceSettings, SlackSettings, DevOpsSettings, StoreSettings, HooksSettings):
    host: str = "127.0.0.1"
    port: int = 8080


def read() -> Settings:
    """Settings from the environment. Raises UserError naming every variable that is missing or wrong."""
    settings = read_part(Settings)
    if not settings.has_transport:
        raise UserError(
            "Neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET is set.",
            "Set the first for Socket Mode, the second for HTTP mode.",
        )
    return settings


def read_workspace() -> WorkspaceId:
    """The workspace alone, for commands that need no Slack. Raises UserError."""
    return read_part(WorkspaceSettings).workspace


def read_policy() -> "Policy":
    """The policy file that SPOTTER_CONFIG names, else `spotter.toml` where there is one. Raises UserError."""
    from commands.kit import policy  # which Slack's door opens without

    named = os.environ.get(CONFIG)
    return policy.load(Path(named) if named else None)


Kind = TypeVar("Kind", bound=_Settings)


def read_part(kind: type[Kind]) -> Kind:
    """Some of the settings. Raises UserError naming every variable of them that is missing or wrong.

    What is empty counts as not set, as it is in the `.env` that `spotter init` writes.
    """
    try:
        return _validated(kind)
    except ValidationError as wrong:
        problems = ", ".join(f"{name} ({why.lower()})" for name, why in _told(wrong).items())
        raise UserError(
            f"These settings are missing or wrong: {problems}.", "Set them in the environment or in .env."
        ) from wrong


def faults(kind: type[_Settings]) -> dict[str, str]:
    """What is wrong with which variable."""
    try:
        _validated(kind)
    except ValidationError as wrong:
        return _told(wrong)
    return {}


def _validated(kind: type[Kind]) -> Kind:
    return kind.model_validate({name.lower(): value for name, value in os.environ.items() if value})


def _told(wrong: ValidationError) -> dict[str, str]:
    return {str(error["loc"][0]).upper(): error["msg"] for error in wrong.errors()}
