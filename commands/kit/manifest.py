"""The Slack app manifest that follows from the declared commands."""

from collections.abc import Sequence
from typing import Any

from commands.kit.command import Command

SCOPES = {
    "app_mentions:read": "answers when it is mentioned in a thread, where slash commands do not work",
    "channels:history": "reads its own posts back after an unclear outcome, so that nothing is posted twice",
    "channels:read": "looks up who is in a channel, so that Home shows people the digests of theirs",
    "chat:write": "posts and updates its messages",
    "commands": "takes slash commands",
    "files:write": "shows pictures on which two models disagree to those who approve",
    "groups:history": "reads its own posts back in private channels",
    "groups:read": "the same for private channels",
    "im:history": "reads its own posts back in direct messages",
    "mpim:history": "reads its own posts back in group direct messages",
    "im:write": "writes to a person whose channel it cannot post in",
    "usergroups:read": "looks up who may train, publish, deploy and approve",
    "users:read": "looks up the name of who mentions it, which Slack leaves out there",
}


def manifest(commands: Sequence[Command], *, request_url: str | None = None) -> dict[str, Any]:
    """For Socket Mode, or with `request_url` for HTTP mode (the public address of `/slack/events`)."""
    slash = [_slash(command, request_url) for command in commands]
    events: dict[str, Any] = {"bot_events": ["app_home_opened", "app_mention"]}
    interactivity: dict[str, Any] = {"is_enabled": True}
    if request_url:
        events["request_url"] = request_url
        interactivity |= {"request_url": request_url, "message_menu_options_url": request_url}
    return {
        "display_information": {
            "name": "Spotter",
            "description": "Trains object-detection models on Azure Machine Learning",
            "background_color": "#1f3d36",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": "Spotter", "always_online": True},
            "slash_commands": slash,
        },
        "oauth_config": {"scopes": {"bot": sorted(SCOPES)}},
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": request_url is None,
            "token_rotation_enabled": False,
        },
    }


def _slash(command: Command, request_url: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "command": command.name,
        "description": command.summary,
        "should_escape": False,
    }
    hint = command.usage.removeprefix(command.name).strip()
    if hint:
        entry["usage_hint"] = hint
    if request_url:
        entry["url"] = request_url
    return entry
