"""The app as its manifest declares it: scopes, commands, events, and how Slack reaches it."""

import secrets
from dataclasses import dataclass, field

from .refusal import Json
from .workspace import APP


@dataclass(frozen=True)
class SlashCommand:
    command: str
    description: str
    usage_hint: str
    should_escape: bool
    url: str


@dataclass
class InstalledApp:
    """An installation: what the manifest grants, and the secrets that come with it."""

    scopes: list[str] = field(default_factory=list)
    commands: dict[str, SlashCommand] = field(default_factory=dict)
    events: frozenset[str] = frozenset()
    socket_mode: bool = True
    interactive: bool = False
    home_tab: bool = False
    events_url: str = ""
    interactivity_url: str = ""
    options_url: str = ""
    bot_token: str = field(default_factory=lambda: f"xoxb-{secrets.token_hex(12)}")
    app_token: str = field(default_factory=lambda: f"xapp-1-{APP}-{secrets.token_hex(12)}")
    signing_secret: str = field(default_factory=lambda: secrets.token_hex(16))
    verification_token: str = field(default_factory=lambda: secrets.token_hex(12))
    revoked: set[str] = field(default_factory=set)

    def revoke(self) -> None:
        """Takes the bot's token back; a new installation has another one."""
        self.revoked.add(self.bot_token)
        self.bot_token = f"xoxb-{secrets.token_hex(12)}"

    def read(self, manifest: Json) -> None:
        """Takes over a manifest in Slack's own schema; tokens stay as they are, as on a reinstall."""
        features, settings = manifest.get("features", {}), manifest.get("settings", {})
        subscriptions = settings.get("event_subscriptions", {})
        interactivity = settings.get("interactivity", {})
        self.scopes = list(manifest["oauth_config"]["scopes"]["bot"])
        self.commands = {
            declared["command"]: SlashCommand(
                declared["command"],
                declared["description"],
                declared.get("usage_hint", ""),
                declared.get("should_escape", False),
                declared.get("url", ""),
            )
            for declared in features.get("slash_commands", [])
        }
        self.events = frozenset(subscriptions.get("bot_events", []))
        self.socket_mode = settings.get("socket_mode_enabled", False)
        self.interactive = interactivity.get("is_enabled", False)
        self.home_tab = features.get("app_home", {}).get("home_tab_enabled", False)
        self.events_url = subscriptions.get("request_url", "")
        self.interactivity_url = interactivity.get("request_url", "")
        self.options_url = interactivity.get("message_menu_options_url", "") or self.interactivity_url
