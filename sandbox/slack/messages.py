"""Messages: what was posted where, who sees it, and how it looks on the wire."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from .refusal import Json, Refused
from .workspace import APP, BOT, BOT_USER, CREATED, TEAM, Channel, Workspace

Change = Literal["message", "message_changed", "message_deleted"]


@dataclass
class Message:
    channel: str
    ts: str
    author: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    files: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    thread_ts: str | None = None
    broadcast: bool = False
    only_for: str | None = None
    edited: Json | None = None
    subtype: str | None = None
    client_msg_id: str | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    values: Json = field(default_factory=dict)
    offered: dict[str, set[str]] = field(default_factory=dict)

    @property
    def by_app(self) -> bool:
        return self.author == BOT_USER and self.subtype is None

    @property
    def in_thread_only(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts and not self.broadcast


Announce = Callable[[Change, Message, Message | None], None]


class Messages:
    """All messages by channel, oldest first. `announce` hears of every change, with the message before it."""

    def __init__(self, workspace: Workspace, announce: Announce) -> None:
        self._workspace = workspace
        self._announce = announce
        self._by_channel: dict[str, dict[str, Message]] = defaultdict(dict)
        self._replies: dict[tuple[str, str], list[Message]] = defaultdict(list)

    def post(self, message: Message) -> Message:
        self._by_channel[message.channel][message.ts] = message
        if message.thread_ts:
            self._replies[message.channel, message.thread_ts].append(message)
        self._announce("message", message, None)
        self._announce_parent(message)
        return message

    def changed(self, message: Message, before: Message) -> None:
        self._announce("message_changed", message, before)

    def delete(self, message: Message) -> None:
        del self._by_channel[message.channel][message.ts]
        if message.thread_ts:
            self._replies[message.channel, message.thread_ts].remove(message)
        self._announce("message_deleted", message, message)
        self._announce_parent(message)

    def find(self, channel: str, ts: str) -> Message:
        """:raises Refused: `message_not_found`"""
        message = self._by_channel[channel].get(ts)
        if message is None:
            raise Refused("message_not_found")
        return message

    def in_channel(self, channel: str, viewer: str | None = None) -> list[Message]:
        """Oldest first: what the channel shows outside threads, and the viewer's ephemeral messages."""
        found = self._by_channel[channel].values()
        return [m for m in found if m.only_for in (None, viewer) and not m.in_thread_only]

    def in_thread(self, channel: str, thread_ts: str, viewer: str | None = None) -> list[Message]:
        """The parent, then its replies, oldest first."""
        parent = self._by_channel[channel].get(thread_ts)
        found = [*([parent] if parent else []), *self._replies[channel, thread_ts]]
        return [m for m in found if m.only_for in (None, viewer)]

    def root_of(self, channel: Channel, thread_ts: str) -> str:
        """The parent's ts for a reply; a reply to a reply joins its thread.

        :raises Refused: `thread_not_found`, which Slack says since threads of deleted parents are gone
        """
        message = self._by_channel[channel.id].get(thread_ts)
        if message is None or message.only_for:
            raise Refused("thread_not_found")
        return message.thread_ts or message.ts

    def _announce_parent(self, reply: Message) -> None:
        """A parent shows how many replies it has."""
        if reply.thread_ts and not reply.only_for:
            parent = self._by_channel[reply.channel].get(reply.thread_ts)
            if parent is not None:
                self._announce("message_changed", parent, None)

    def json(self, message: Message, *, metadata: bool = False) -> Json:
        """The message object of history, replies, events and payloads."""
        shown: Json = {"type": "message", "user": message.author, "text": message.text, "ts": message.ts}
        optional = {
            "subtype": message.subtype or ("thread_broadcast" if message.broadcast else None),
            "client_msg_id": message.client_msg_id,
            "blocks": message.blocks,
            "attachments": message.attachments,
            "files": message.files,
            "edited": message.edited,
            "metadata": message.metadata if metadata else None,
        }
        shown |= {name: value for name, value in optional.items() if value}
        if message.by_app:
            shown |= {"bot_id": BOT, "app_id": APP, "bot_profile": bot_profile()}
        if message.subtype is None:
            shown["team"] = TEAM
        if message.reactions:
            shown["reactions"] = [
                {"name": name, "users": users, "count": len(users)}
                for name, users in message.reactions.items()
            ]
        return shown | self._thread_json(message)

    def _thread_json(self, message: Message) -> Json:
        if message.only_for:
            return {"thread_ts": message.thread_ts} if message.thread_ts else {}
        if message.thread_ts:
            found = self._by_channel[message.channel].get(message.thread_ts)
            parent = {"parent_user_id": found.author} if found else {}
            return {"thread_ts": message.thread_ts, **parent}
        replies = [m for m in self._replies[message.channel, message.ts] if not m.only_for]
        if not replies:
            return {}
        authors = list(dict.fromkeys(reply.author for reply in replies))
        return {
            "thread_ts": message.ts,
            "reply_count": len(replies),
            "reply_users": authors,
            "reply_users_count": len(authors),
            "latest_reply": replies[-1].ts,
            "is_locked": False,
            "subscribed": message.author == BOT_USER,
        }


def bot_profile() -> Json:
    return {
        "id": BOT,
        "deleted": False,
        "name": "Spotter",
        "updated": CREATED,
        "app_id": APP,
        "icons": icons(),
        "team_id": TEAM,
    }


def icons() -> Json:
    base = "https://a.slack-edge.com/80588/img/plugins/app"
    return {f"image_{size}": f"{base}/bot_{size}.png" for size in (36, 48, 72)}
