"""Settings: what is missing, what is misspelt, and what cannot be what it is given as."""

import difflib
import os
import stat
from collections.abc import Callable, Iterable, Mapping

from dotenv import dotenv_values

from bot import shapes
from bot.doctor.finding import Check, Service, Verdict, ok, problem, skipped, warning
from bot.env_file import ENV_FILE
from bot.settings import CONFIG, Settings, faults
from bot.shapes import Shape
from commands.kit.errors import UserError
from commands.kit.policy import DEFAULT, Policy

TITLE = "Settings"
OTHERS = (
    CONFIG,
    "AZURE_DEVOPS_EXT_PAT",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_AUTHORITY_HOST",
    "ARM_CLOUD_METADATA_URL",
    "IOTHUB_HOSTNAME",
    "REQUESTS_CA_BUNDLE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
)
SHAPES: Mapping[str, Shape] = {
    "SLACK_BOT_TOKEN": shapes.BOT_TOKEN,
    "SLACK_APP_TOKEN": shapes.APP_TOKEN,
    "AZURE_SUBSCRIPTION_ID": shapes.SUBSCRIPTION,
    "AZURE_DEVOPS_ORG_URL": shapes.ORGANIZATION,
    "IOTHUB_HOSTNAME": shapes.HOST_NAME,
}
SECRETS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")
NEEDED: Mapping[str, str] = {
    "SLACK_BOT_TOKEN": "Copy the Bot User OAuth Token from OAuth & Permissions on the app's page.",
    "AZURE_SUBSCRIPTION_ID": "`az account show --query id` prints it.",
    "AZURE_RESOURCE_GROUP": "The resource group of the workspace, as the studio's top right corner shows it.",
    "AZUREML_WORKSPACE_NAME": "The workspace's name, as the studio's top right corner shows it.",
}


def service(policy: Policy | UserError) -> Service:
    checks = [Check("env-file", ".env", _env_file), Check("environment", "Environment", _environment)]
    checks += [Check(f"value.{name}", name, _value(name, wrong)) for name, wrong in _wrong().items()]
    checks += [Check("policy", "Policy", lambda: _policy(policy))]
    if isinstance(policy, Policy) and policy.provision and policy.provision.public_url:
        checks += [Check("hooks", "Hooks", _hooks)]
    return Service("settings", TITLE, checks)


def _env_file() -> Verdict:
    if not ENV_FILE.exists():
        return skipped("There is none in this folder; the environment alone counts.")
    told = dotenv_values(ENV_FILE)
    misspelt = [
        f"{name} (did you mean {near[0]}?)"
        for name in told
        if name not in _known() and (near := difflib.get_close_matches(name, _known(), 1, 0.85))
    ]
    if misspelt:
        return warning(
            f"Spotter does not know {', '.join(misspelt)}.", "Correct the name, or take the line away."
        )
    if ENV_FILE.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return warning("Others on this machine may read it, with its secrets.", "chmod 600 .env")
    overruled = [name for name, value in told.items() if value and os.environ.get(name) != value]
    if overruled:
        return warning(
            f"The environment has other values of {', '.join(overruled)}, and they count.",
            "Unset them there, or take the lines out of .env.",
        )
    return ok(f"{sum(bool(value) for value in told.values())} settings are taken from it.")


def _environment() -> Verdict:
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        return problem(
            f"Not set: {', '.join(missing)}.", " ".join(f"{name}: {NEEDED[name]}" for name in missing)
        )
    pair = [name for name in ("AZURE_DEVOPS_ORG_URL", "AZURE_DEVOPS_PROJECT") if os.environ.get(name)]
    if len(pair) == 1:
        return problem(
            f"Of AZURE_DEVOPS_ORG_URL and AZURE_DEVOPS_PROJECT only {pair[0]} is set.",
            "Set both, or neither.",
        )
    return ok("Everything that Spotter needs is set.")


def _wrong() -> dict[str, Verdict]:
    """What is set to something that it cannot be."""
    told = {
        name: problem("It cannot be that." if name in SECRETS else f"It cannot be {value!r}.", shape.hint)
        for name, shape in SHAPES.items()
        if (value := os.environ.get(name)) and not shape.fits(value)
    }
    unread = {name: why for name, why in faults(Settings).items() if os.environ.get(name)}
    return told | {name: problem(f"{why}.", "Correct it.") for name, why in unread.items()}


def _value(name: str, wrong: Verdict) -> Callable[[], Verdict]:
    return lambda: wrong


def _hooks() -> Verdict:
    if not os.environ.get("HOOKS_SECRET"):
        return problem(
            "HOOKS_SECRET is not set, so Spotter refuses the news that is pushed to its public address.",
            "Make one with `openssl rand -hex 32`, set it here, and run `spotter provision apply`.",
        )
    return ok("There is a secret for those who push news.")


def _policy(policy: Policy | UserError) -> Verdict:
    if isinstance(policy, UserError):
        raise policy
    named = os.environ.get(CONFIG)
    if not named and not DEFAULT.exists():
        return warning(
            f"There is no {DEFAULT} here, so everything has its default, and nobody may train.",
            "`spotter init` writes one; docs/policy.md tells every key.",
        )
    return ok(f"{named or DEFAULT} is understood.")


def _known() -> Iterable[str]:
    return [*(name.upper() for name in Settings.model_fields), *OTHERS]
