"""The texts of a first `spotter.toml` and `.env`."""

import json
from collections.abc import Mapping
from typing import Any

from commands.kit.policy import Policy, Target

Answers = Mapping[str, str]
ROLES = {"train": "trainers", "publish": "trainers", "deploy": "trainers", "approve": "approvers"}


def policy_file(answers: Answers) -> str:
    """What was answered, and in comments what was left at its default."""
    default = Policy()
    channel = answers["channel"]
    parts = [
        "# Spotter's policy: who may do what, and how. Every key stands in docs/policy.md; secrets belong into .env.",
        _table("channels", [_or_later("models", channel, "C0123456789", "new versions are announced there")]),
        _table(
            "roles",
            [
                '# Slack user groups (S…) or people (U…), by id, or "everyone".',
                f"# view = {_toml(default.roles.view)}",
                *(_members(role, answers[name]) for role, name in ROLES.items()),
            ],
        ),
        _table("exports", _defaults(default.exports)),
        _table("pipelines", _defaults(default.pipelines)),
        _targets(answers["targets"].split(), channel),
        _provision(answers),
        _table("training", ["# What is searched: docs/policy.md.", *_trials(default)]),
    ]
    return "\n\n".join(parts) + "\n"


def env_file(answers: Answers, known: Mapping[str, str]) -> str:
    """`known` are values of an earlier file, which are kept where there is no new answer."""

    def line(name: str, answer: str = "", default: str = "") -> str:
        return f"{name}={_quoted(answer or known.get(name, default))}"

    if answers["public-address"]:
        way_in = ["# Basic Information → App Credentials → Signing Secret", line("SLACK_SIGNING_SECRET")]
        way_in += ["# Where your proxy finds Spotter", "HOST=0.0.0.0", "PORT=8080"]
        way_in += ["# What Azure DevOps and Event Grid show when they push news: openssl rand -hex 32"]
        way_in += [line("HOOKS_SECRET")]
    else:
        way_in = ["# Basic Information → App-Level Tokens → Generate, with the scope connections:write"]
        way_in += [line("SLACK_APP_TOKEN")]
    parts = [
        [
            "# Addresses and secrets. Spotter reads them from the folder where it is started; what the environment",
            "# has already counts more. Nobody else should read this file, and it must not go into git.",
        ],
        [
            "# Slack: api.slack.com/apps, the app that was made from `spotter manifest`",
            "# OAuth & Permissions → Bot User OAuth Token",
            line("SLACK_BOT_TOKEN"),
            *way_in,
        ],
        [
            "# Azure Machine Learning",
            line("AZURE_SUBSCRIPTION_ID", answers["subscription"]),
            line("AZURE_RESOURCE_GROUP", answers["resource-group"]),
            line("AZUREML_WORKSPACE_NAME", answers["workspace"]),
            "# Only where there is neither a managed identity nor `az login`: an app registration with a secret",
            line("AZURE_TENANT_ID"),
            line("AZURE_CLIENT_ID"),
            line("AZURE_CLIENT_SECRET"),
        ],
        [
            "# Azure DevOps: empty where nothing is published or shipped from Slack",
            line("AZURE_DEVOPS_ORG_URL", answers["devops-organization"]),
            line("AZURE_DEVOPS_PROJECT", answers["devops-project"]),
            "# Only where Spotter's Entra identity cannot be a user of the organisation: a personal access token",
            line("AZURE_DEVOPS_EXT_PAT"),
            "# The hub that tells which device runs what",
            line("IOTHUB_HOSTNAME", answers["iot-hub"]),
        ],
        ["# SQLite in this folder, or postgresql://…", line("DATABASE_URL", default="sqlite:///spotter.db")],
    ]
    written = {text.partition("=")[0] for part in parts for text in part}
    others = [line(name) for name in known if name not in written]
    return "\n\n".join("\n".join(part) for part in [*parts, *([others] if others else [])]) + "\n"


def _table(name: str, lines: list[str]) -> str:
    return "\n".join([f"[{name}]", *lines])


def _or_later(key: str, value: str, example: str, why: str) -> str:
    return f"{'' if value else '# '}{key} = {_toml(value or example)}  # {why}"


def _members(role: str, answer: str) -> str:
    return f"{role} = {_toml(answer.split())}" if answer else f"# {role} = {_toml(['S0123456789'])}"


def _defaults(section: Any) -> list[str]:
    return [f"# {key} = {_toml(value)}" for key, value in section]


def _trials(default: Policy) -> list[str]:
    return [
        f"# {key} = {_toml(getattr(default.training, key))}"
        for key in ("max_trials", "max_concurrent_trials")
    ]


def _targets(names: list[str], channel: str) -> str:
    """Edge targets with the keys that people ask about first; in comments where no channel is known for them."""
    asked_first = ("approvals", "bake_minutes", "time_zone")
    mark = "" if names and channel else "# "
    lines = ["# Devices that get a model together, ring after ring."]
    for name in names or ["line-1"]:
        lines += ["", f"{mark}[targets.{name}]", f"{mark}channel = {_toml(channel or 'C0123456789')}"]
        lines += [f"# {key} = {_toml(Target.model_fields[key].default)}" for key in asked_first]
    return "\n".join(lines).replace("\n\n", "\n", 1)


def _provision(answers: Answers) -> str:
    """What `spotter provision` makes; in comments until all that it needs is known."""
    account = answers["pictures-account"]
    mark = "" if answers["devops-organization"] and account else "# "
    lines = [
        "[provision]",
        f"repository = {_toml(answers['repository'])}",
        *([f"public_url = {_toml(answers['public-address'])}"] if answers["public-address"] else []),
        "",
        "[provision.datastore]",
        f"account = {_toml(account or 'nameofthestorage')}",
    ]
    told = "# What `spotter provision` makes, by the names of infra/provision/pipelines/variables.yml."
    return "\n".join([told, *(f"{mark}{line}".rstrip() for line in lines)])


def _toml(value: Any) -> str:
    """TOML takes JSON's texts, numbers, lists and truths as they are; what has backslashes reads better unescaped."""
    if isinstance(value, str) and "\\" in value and "'" not in value:
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False)


def _quoted(value: str) -> str:
    """As dotenv reads it back."""
    plain = all(character.isalnum() or character in "-_.:/@+" for character in value)
    return value if plain else "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
