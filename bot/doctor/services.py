"""All that is looked at, as far as the settings reach."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from bot import settings
from bot.doctor import azure, devops, iothub, slack
from bot.doctor import settings as settings_checkup
from bot.doctor.azure import AzureCheckup
from bot.doctor.database import DatabaseCheckup
from bot.doctor.devops import DevOpsCheckup
from bot.doctor.finding import Check, Service, Verdict, skipped
from bot.doctor.iothub import IoTHubCheckup
from bot.doctor.slack import SlackCheckup
from bot.settings import DevOpsSettings, SlackSettings, StoreSettings, WorkspaceSettings
from commands.kit.errors import UserError
from commands.kit.policy import Policy

Read = TypeVar("Read")


def services(now: Callable[[], datetime]) -> list[Service]:
    """Those that are not set up are told, not looked at."""
    policy = _attempt(settings.read_policy)
    usable = policy if isinstance(policy, Policy) else None
    return [
        settings_checkup.service(policy),
        _slack(usable, now),
        _azure(usable, now),
        *_devops(usable),
        DatabaseCheckup(settings.read_part(StoreSettings).store_url).service(),
    ]


def _slack(policy: Policy | None, now: Callable[[], datetime]) -> Service:
    found = _attempt(lambda: settings.read_part(SlackSettings))
    if isinstance(found, UserError):
        return _unset("slack", slack.TITLE, found)
    return SlackCheckup(found, policy, now).service()


def _azure(policy: Policy | None, now: Callable[[], datetime]) -> Service:
    found = _attempt(lambda: settings.read_part(WorkspaceSettings))
    if isinstance(found, UserError):
        return _unset("azure", azure.TITLE, found)
    return AzureCheckup(found.workspace, policy, now).service()


def _devops(policy: Policy | None) -> Iterable[Service]:
    found = settings.read_part(DevOpsSettings)
    ships = bool(policy and policy.targets)
    if found.devops:
        yield DevOpsCheckup(found.devops, policy).service()
    else:
        told = "It is not set up, so nothing is published or shipped from Slack."
        yield _left_out("devops", devops.TITLE, told, "AZURE_DEVOPS_ORG_URL and AZURE_DEVOPS_PROJECT", ships)
    if found.iothub_hostname:
        yield IoTHubCheckup(found.iothub_hostname, policy).service()
    else:
        told = "It is not set up, so rollouts are not followed."
        yield _left_out("iothub", iothub.TITLE, told, "IOTHUB_HOSTNAME", ships)


def _left_out(key: str, title: str, told: str, variables: str, ships: bool) -> Service:
    """A service that some go without, but not those who have targets to ship to."""
    if ships:
        told = f"{told} spotter.toml has targets, though."
    verdict = Verdict("warning" if ships else "skipped", told, f"Set {variables} for that.")
    return Service(key, title, [Check("settings", "Settings", lambda: verdict)])


def _attempt(read: Callable[[], Read]) -> Read | UserError:
    try:
        return read()
    except UserError as told:
        return told


def _unset(key: str, title: str, why: UserError) -> Service:
    return Service(
        key, title, [Check("settings", "Settings", lambda: skipped(f"Not looked at. {why.problem}"))]
    )
