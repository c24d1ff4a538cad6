"""Slack: tokens, scopes, the way in, channels and the people that roles name."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from bot.doctor.clock import skew
from bot.doctor.finding import Check, Service, Verdict, ok, problem, skipped, unknown, warning
from bot.doctor.people import People
from bot.settings import SlackSettings
from commands.kit.manifest import SCOPES
from commands.kit.policy import Policy, Roles

TITLE = "Slack"
TIMEOUT = 8
APP_PAGE = "api.slack.com/apps"
SIGNING_SECRET = re.compile(r"[0-9a-f]{32}")
INSTALL_AGAIN = (
    f"At {APP_PAGE}, put what `spotter manifest` prints under App Manifest, save, and install the app again."
)
REMEDIES: Mapping[str, tuple[str, str]] = {
    "invalid_auth": ("Slack does not know the token.", "Copy it again from the app's page."),
    "not_authed": ("Slack saw no token.", "Copy it again from the app's page."),
    "token_revoked": ("The token was revoked.", "Install the app again and copy the new token."),
    "token_expired": (
        "The token has expired.",
        "Turn token rotation off in the app's settings, install it again.",
    ),
    "account_inactive": (
        "The app was removed from the workspace.",
        "Install it again and copy the new token.",
    ),
    "not_allowed_token_type": (
        "This is the other kind of token.",
        "The bot token begins with xoxb-, the app token with xapp-.",
    ),
    "ratelimited": ("Slack wants fewer requests.", "Look again in a minute."),
}


class SlackCheckup:
    def __init__(self, settings: SlackSettings, policy: Policy | None, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._policy = policy
        self._now = now
        self._bot = self._client(settings.slack_bot_token.get_secret_value())
        self._answer: SlackResponse | None = None
        self._people = People(self._bot)

    def service(self) -> Service:
        return Service("slack", TITLE, list(self._checks()), explain)

    def _checks(self) -> Iterable[Check]:
        yield Check("bot-token", "Bot token", self._token)
        yield Check("clock", "Clock", self._clock, "bot-token")
        yield Check("scopes", "Scopes", self._scopes, "bot-token")
        if self._settings.slack_app_token is not None:
            yield Check("socket-mode", "Socket Mode", self._socket_mode)
        else:
            yield Check("http-mode", "HTTP mode", self._http_mode)
        yield Check("commands", "Slash commands", self._commands, "bot-token")
        if self._policy is None:
            yield Check("policy", "Channels and roles", _without_policy)
            return
        for channel, why in _channels(self._policy).items():
            yield Check(f"channel.{channel}", f"Channel {channel}", self._channel(channel, why), "bot-token")
        for role in Roles.model_fields:
            members = getattr(self._policy.roles, role)
            yield Check(f"role.{role}", f"Role {role}", self._role(role, members), "bot-token")
        for name, target in self._policy.targets.items():
            for key in ("approvers", "override"):
                if members := getattr(target, key):
                    look = self._people.look(members, f"[targets.{name}] {key}")
                    yield Check(f"target.{name}.{key}", f"Target {name}, {key}", look, "bot-token")

    def _token(self) -> Verdict:
        self._answer = self._bot.auth_test()
        told: Any = self._answer
        if not told.get("bot_id"):
            return problem(
                "SLACK_BOT_TOKEN is a person's token, not the bot's.",
                "Take the Bot User OAuth Token (xoxb-…).",
            )
        return ok(f"@{told['user']} in {told['team']} ({told['url']}).")

    def _clock(self) -> Verdict:
        return skew(str(_header(self._answered, "date")), self._now())

    def _scopes(self) -> Verdict:
        has = {scope.strip() for scope in _header(self._answered, "x-oauth-scopes").split(",")} - {""}
        missing = [scope for scope in sorted(SCOPES) if scope not in has]
        if missing:
            told = "; ".join(f"{scope} ({SCOPES[scope]})" for scope in missing)
            return problem(f"Missing: {told}.", INSTALL_AGAIN)
        if more := sorted(has - SCOPES.keys()):
            return warning(
                f"All {len(SCOPES)} are there, and more than Spotter needs: {', '.join(more)}.",
                "Put what `spotter manifest` prints under App Manifest, and install the app again.",
            )
        return ok(f"All {len(SCOPES)} are there.")

    def _socket_mode(self) -> Verdict:
        token = self._settings.slack_app_token
        app = self._client(token.get_secret_value() if token else "")
        try:
            app.apps_connections_open(app_token=app.token or "")
        except SlackApiError as refused:
            return _no_socket(refused)
        return ok("Slack offers a connection, so no public address is needed.")

    def _http_mode(self) -> Verdict:
        secret = self._settings.slack_signing_secret
        if secret is None:
            return problem(
                "Neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET is set, so Slack has no way in.",
                f"Set the first for Socket Mode, the second for HTTP mode: {APP_PAGE}, Basic Information.",
            )
        if not SIGNING_SECRET.fullmatch(secret.get_secret_value()):
            return warning(
                "SLACK_SIGNING_SECRET does not look like one: 32 digits and letters a to f.",
                f"Copy it again from {APP_PAGE}, Basic Information.",
            )
        return skipped(
            "Whether the signing secret is right shows when Slack calls.",
            "Open Event Subscriptions on the app's page while Spotter runs: it says Verified.",
        )

    def _commands(self) -> Verdict:
        return skipped(
            "Which slash commands the app has cannot be read with a bot's token.",
            "After an update of Spotter, put what `spotter manifest` prints under App Manifest again.",
        )

    def _channel(self, channel: str, why: str) -> Callable[[], Verdict]:
        def look() -> Verdict:
            try:
                self._bot.conversations_history(channel=channel, limit=1)
            except SlackApiError as refused:
                match refused.response.get("error"):
                    case "not_in_channel":
                        return problem(
                            f"Spotter is not in it, but {why}.", "In that channel, type /invite @Spotter."
                        )
                    case "channel_not_found":
                        return problem(
                            f"Slack knows no such channel, or Spotter is not in it; {why}.",
                            "Check the id (at the end of View channel details); invite Spotter where it is private.",
                        )
                raise
            return ok(f"Spotter is in it; {why}.")

        return look

    def _role(self, role: str, members: list[str] | Literal["everyone"]) -> Callable[[], Verdict]:
        if members == "everyone":
            return lambda: ok("Everyone has it.")
        if not members:
            remedy = f'Name groups or people in spotter.toml: [roles] {role} = ["S…"].'
            return lambda: warning("Nobody has it.", remedy)
        return self._people.look(members, f"[roles] {role}")

    @property
    def _answered(self) -> SlackResponse:
        if self._answer is None:
            raise AssertionError("the token was looked at first")
        return self._answer

    def _client(self, token: str) -> WebClient:
        return WebClient(token=token, base_url=self._settings.slack_api, timeout=TIMEOUT, retry_handlers=[])


def explain(fault: Exception) -> Verdict | None:
    if isinstance(fault, SlackApiError):
        error = str(fault.response.get("error"))
        if fault.response.status_code >= 500 or error in (
            "internal_error",
            "fatal_error",
            "service_unavailable",
        ):
            return unknown(f"Slack is not well ({error}).", "Look again later; status.slack.com tells more.")
        if error == "missing_scope":
            return skipped(f"Not looked at: the token lacks the scope {fault.response.get('needed')}.")
        seen, remedy = REMEDIES.get(
            error, (f"Slack refuses: {error}.", f"See {APP_PAGE} for the app's settings.")
        )
        return (unknown if error == "ratelimited" else problem)(seen, remedy)
    if isinstance(fault, SlackClientError | OSError):
        return unknown(
            "Slack could not be reached.", "Check this machine's way to slack.com: proxy, firewall, DNS."
        )
    return None


def _no_socket(refused: SlackApiError) -> Verdict:
    error = refused.response.get("error")
    if error == "socket_mode_not_enabled":
        return problem(
            "The app does not use Socket Mode.",
            "Switch it on at the app's page, Socket Mode, or use HTTP mode.",
        )
    if error == "missing_scope":
        return problem(
            "The app token lacks connections:write.",
            "Make one with it: Basic Information → App-Level Tokens.",
        )
    raise refused


def _channels(policy: Policy) -> dict[str, str]:
    """What each channel is for."""
    uses: dict[str, list[str]] = {}
    if policy.channels.models:
        uses.setdefault(policy.channels.models, []).append("new versions are announced")
    for name, target in policy.targets.items():
        uses.setdefault(target.channel, []).append(f"approvals for {name} are asked for")
    return {channel: f"{' and '.join(whys)} there" for channel, whys in uses.items()}


def _without_policy() -> Verdict:
    return skipped("Not looked at: the policy file could not be read.")


def _header(answer: SlackResponse, name: str) -> str:
    return next((str(value) for key, value in answer.headers.items() if key.lower() == name), "")
