"""Messages: what was posted where, who sees it, and how it looks on the wire."""

from collections.abc import Callable, Iterable
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
        self._by_channel: dict[str, list[Message]] = {}

    def post(self, message: Message) -> Message:
        self._by_channel.setdefault(message.channel, []).append(message)
        self._announce("message", message, None)
        if message.thread_ts and not message.only_for:
            self._announce("message_changed", self.find(message.channel, message.thread_ts), None)
        return message

    def changed(self, message: Message, before: Message) -> None:
        self._announce("message_changed", message, before)

    def delete(self, message: Message) -> None:
        self._by_channel[message.channel].remove(message)
        self._announce("message_deleted", message, message)

    def find(self, channel: str, ts: str) -> Message:
        for message in reversed(self._by_channel.get(channel, [])):
            if message.ts == ts:
                return message
        raise Refused("message_not_found")

    def in_channel(self, channel: str, viewer: str | None = None) -> list[Message]:
        """Oldest first: what the channel shows outside threads, and the viewer's ephemeral messages."""
        return [m for m in self._visible(channel, viewer) if not m.in_thread_only]

    def in_thread(self, channel: str, thread_ts: str, viewer: str | None = None) -> list[Message]:
        """The parent, then its replies, oldest first."""
        return [m for m in self._visible(channel, viewer) if thread_ts in (m.ts, m.thread_ts)]

    def replies(self, message: Message) -> list[Message]:
        return [m for m in self.in_thread(message.channel, message.ts) if m.ts != message.ts]

    def _visible(self, channel: str, viewer: str | None) -> Iterable[Message]:
        return (m for m in self._by_channel.get(channel, []) if m.only_for in (None, viewer))

    def root_of(self, channel: Channel, thread_ts: str) -> str:
        """The parent's ts for a reply; a reply to a reply joins its thread.

        :raises Refused: `thread_not_found`, which Slack says since threads of deleted parents are gone
        """
        for message in self._by_channel.get(channel.id, []):
            if message.ts == thread_ts and not message.only_for:
                return message.thread_ts or message.ts
        raise Refused("thread_not_found")

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
            found = [m for m in self._by_channel[message.channel] if m.ts == message.thread_ts]
            parent = {"parent_user_id": found[0].author} if found else {}
            return {"thread_ts": message.thread_ts, **parent}
        replies = self.replies(message)
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
        "user_id": BOT_USER,
        "icons": icons(),
        "team_id": TEAM,
    }


def icons() -> Json:
    base = "https://a.slack-edge.com/80588/img/plugins/app"
    return {f"image_{size}": f"{base}/bot_{size}.png" for size in (36, 48, 72)}
