"""What Slack tells the app: slash commands, interactions and events, with all their keys."""

import secrets

from .messages import Message, Messages
from .refusal import Json
from .views import View
from .workspace import APP, BOT_USER, TEAM, Channel, Person, Workspace


class Payloads:
    def __init__(self, workspace: Workspace, messages: Messages, verification_token: str) -> None:
        self._workspace = workspace
        self._messages = messages
        self._token = verification_token

    def command(
        self, person: Person, channel: Channel, command: str, text: str, *, response_url: str, trigger_id: str
    ) -> Json:
        return {
            "token": self._token,
            "team_id": TEAM,
            "team_domain": self._workspace.domain,
            "channel_id": channel.id,
            "channel_name": _channel_name(channel),
            "user_id": person.id,
            "user_name": person.name,
            "command": command,
            "text": text,
            "api_app_id": APP,
            "is_enterprise_install": "false",
            "response_url": response_url,
            "trigger_id": trigger_id,
        }

    def message_action(
        self, person: Person, message: Message, action: Json, *, response_url: str, trigger_id: str
    ) -> Json:
        channel = self._workspace.channel(message.channel)
        payload = self._actions(person, action, trigger_id)
        payload["container"] = self.message_container(message)
        payload["channel"] = {"id": channel.id, "name": _channel_name(channel)}
        if not message.only_for:
            payload["message"] = self._messages.json(message)
        payload["state"] = {"values": message.values}
        payload["response_url"] = response_url
        return payload

    def view_action(self, person: Person, view: View, action: Json, *, trigger_id: str) -> Json:
        payload = self._actions(person, action, trigger_id)
        payload["container"] = {"type": "view", "view_id": view.id}
        payload["view"] = view.json()
        return payload

    def message_container(self, message: Message) -> Json:
        return {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": message.channel,
            "is_ephemeral": message.only_for is not None,
            **({"thread_ts": message.thread_ts} if message.thread_ts else {}),
        }

    def suggestion(self, person: Person, block_id: str, action_id: str, value: str) -> Json:
        return self._interaction("block_suggestion", person) | {
            "action_id": action_id,
            "block_id": block_id,
            "value": value,
        }

    def submission(self, person: Person, view: View, trigger_id: str) -> Json:
        return self._interaction("view_submission", person) | {
            "trigger_id": trigger_id,
            "view": view.json(),
            "response_urls": [],
        }

    def closed(self, person: Person, view: View, *, cleared: bool) -> Json:
        return self._interaction("view_closed", person) | {"view": view.json(), "is_cleared": cleared}

    def event(self, event: Json) -> Json:
        place = event.get("channel") or event.get("user", "")
        return {
            "token": self._token,
            "team_id": TEAM,
            "api_app_id": APP,
            "event": event,
            "type": "event_callback",
            "event_id": self._workspace.fresh_id("Ev"),
            "event_time": int(self._workspace.clock()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": TEAM,
                    "user_id": BOT_USER,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"4-{secrets.token_hex(12)}-{place}",
        }

    def _actions(self, person: Person, action: Json, trigger_id: str) -> Json:
        action = action | {"action_ts": self._workspace.stamp()}
        return self._interaction("block_actions", person) | {"trigger_id": trigger_id, "actions": [action]}

    def _interaction(self, kind: str, person: Person) -> Json:
        return {
            "type": kind,
            "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team},
            "api_app_id": APP,
            "token": self._token,
            "team": {"id": TEAM, "domain": self._workspace.domain},
            "enterprise": None,
            "is_enterprise_install": False,
        }


def _channel_name(channel: Channel) -> str:
    """Payloads name private channels and direct messages by their sort only."""
    if channel.is_im:
        return "directmessage"
    return "privategroup" if channel.is_private else channel.name
