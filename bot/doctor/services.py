"""All that is looked at, as far as the settings reach."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from bot import settings
from bot.doctor import azure, slack
from bot.doctor import settings as settings_checkup
from bot.doctor.azure import AzureCheckup
from bot.doctor.database import DatabaseCheckup
from bot.doctor.finding import Check, Service, skipped
from bot.doctor.slack import SlackCheckup
from bot.settings import SlackSettings, StoreSettings, WorkspaceSettings
from commands.kit.errors import UserError
from commands.kit.policy import Policy

Read = TypeVar("Read")


def services(now: Callable[[], datetime]) -> list[Service]:
    policy = _attempt(settings.read_policy)
    usable = policy if isinstance(policy, Policy) else None
    slack_settings = _attempt(lambda: settings.read_part(SlackSettings))
    workspace = _attempt(lambda: settings.read_part(WorkspaceSettings))
    return [
        settings_checkup.service(policy),
        _unset("slack", slack.TITLE, slack_settings)
        if isinstance(slack_settings, UserError)
        else SlackCheckup(slack_settings, usable, now).service(),
        _unset("azure", azure.TITLE, workspace)
        if isinstance(workspace, UserError)
        else AzureCheckup(workspace.workspace, usable, now).service(),
        DatabaseCheckup(settings.read_part(StoreSettings).store_url).service(),
    ]


def _attempt(read: Callable[[], Read]) -> Read | UserError:
    try:
        return read()
    except UserError as told:
        return told


def _unset(key: str, title: str, why: UserError) -> Service:
    return Service(
        key, title, [Check("settings", "Settings", lambda: skipped(f"Not looked at. {why.problem}"))]
    )
