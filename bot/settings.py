"""Secrets and addresses, from the environment by the names people know."""

from pathlib import Path
from typing import TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from commands.kit.errors import UserError
from infra.azureml.connection import WorkspaceId
from infra.devops.connection import Place


class WorkspaceSettings(BaseSettings):
    """Azure credentials and endpoints are read by azure-identity and `infra` from their own variables."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    azure_subscription_id: str
    azure_resource_group: str
    azureml_workspace_name: str

    @property
    def workspace(self) -> WorkspaceId:
        return WorkspaceId(self.azure_subscription_id, self.azure_resource_group, self.azureml_workspace_name)


class Settings(WorkspaceSettings):
    slack_bot_token: SecretStr
    slack_app_token: SecretStr | None = Field(None, description="Socket Mode")
    slack_signing_secret: SecretStr | None = Field(None, description="HTTP mode")
    azure_devops_org_url: str | None = Field(None, description="such as https://dev.azure.com/fabrikam")
    azure_devops_project: str | None = None
    slack_api_url: str = "https://slack.com/api/"
    database_url: str = "sqlite:///spotter.db"
    spotter_config: Path = Path("spotter.toml")
    host: str = "127.0.0.1"
    port: int = 8080

    @property
    def store_url(self) -> str:
        """The database's URL with the driver that Spotter ships."""
        for scheme in ("postgres://", "postgresql://"):
            if self.database_url.startswith(scheme):
                return f"postgresql+psycopg://{self.database_url.removeprefix(scheme)}"
        return self.database_url

    @property
    def devops(self) -> Place | None:
        """None where no Azure DevOps project is set: then nothing can be published or shipped from Slack."""
        if self.azure_devops_org_url and self.azure_devops_project:
            return Place(self.azure_devops_org_url, self.azure_devops_project)
        return None

    @property
    def slack_api(self) -> str:
        return self.slack_api_url.rstrip("/") + "/"


def read() -> Settings:
    """Settings from the environment. Raises UserError naming every variable that is missing or wrong."""
    settings = _read(Settings)
    if settings.slack_app_token is None and settings.slack_signing_secret is None:
        raise UserError(
            "Neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET is set.",
            "Set the first for Socket Mode, the second for HTTP mode.",
        )
    return settings


def read_workspace() -> WorkspaceId:
    """The workspace alone, for commands that need no Slack. Raises UserError."""
    return _read(WorkspaceSettings).workspace


Kind = TypeVar("Kind", bound=BaseSettings)


def _read(kind: type[Kind]) -> Kind:
    try:
        return kind()
    except ValidationError as wrong:
        problems = ", ".join(
            f"{str(error['loc'][0]).upper()} ({error['msg'].lower()})" for error in wrong.errors()
        )
        raise UserError(
            f"These settings are missing or wrong: {problems}.", "Set them in the environment."
        ) from wrong
