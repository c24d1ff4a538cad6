"""api.test, auth.test and apps.connections.open."""

from ..limits import Tier
from ..refusal import Json, Refused
from ..state import Slack
from ..workspace import APP, BOT, BOT_USER, TEAM
from .call import Call, Method


def _api_test(_: Slack, call: Call) -> Json:
    if error := call.text("error"):
        raise Refused(error, args=call.args)
    return {"args": call.args}


def _auth_test(slack: Slack, call: Call) -> Json:
    body = {"url": f"{slack.url}/", "team": slack.workspace.name, "team_id": TEAM}
    if call.token == slack.app.app_token:
        return body | {"app_id": APP, "app_name": "Spotter"}
    bot = slack.workspace.person(BOT_USER)
    identity = {"user": bot.name, "user_id": bot.id, "bot_id": BOT, "is_enterprise_install": False}
    return body | identity


def _open_connection(slack: Slack, _: Call) -> Json:
    if not slack.app.socket_mode:
        raise Refused("socket_mode_not_enabled")
    return {"url": f"{slack.url.replace('http', 'ws', 1)}/link/?{slack.sockets.ticket()}"}


METHODS = {
    "api.test": Method(_api_test, tier=Tier.FOUR, holder="any"),
    "auth.test": Method(_auth_test, tier=Tier.SPECIAL, holder="any"),
    "apps.connections.open": Method(_open_connection, "connections:write", Tier.ONE, "app"),
}
