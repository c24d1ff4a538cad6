"""chat.*: post, update, delete, whisper, schedule, link."""

import copy

from ..content import Content, read_content
from ..limits import POSTS, Tier
from ..messages import Message
from ..refusal import Json, Refused, invalid_arguments
from ..state import Slack
from ..workspace import BOT_USER, Channel
from .call import Call, Method

# The message in chat.update's answer has neither its timestamp nor what others did to it.
ABSENT_AFTER_UPDATE = frozenset(
    {"ts", "thread_ts", "parent_user_id", "reply_count", "reply_users", "reply_users_count"}
    | {"latest_reply", "is_locked", "subscribed", "reactions"}
)


def post(slack: Slack, channel: Channel, content: Content, thread_ts: str, *, broadcast: bool) -> Message:
    """Posts as the app and returns the message."""
    root = slack.messages.root_of(channel, thread_ts) if thread_ts else None
    return slack.messages.post(
        Message(
            channel.id,
            slack.workspace.stamp(),
            BOT_USER,
            content.text or "",
            content.blocks or [],
            content.attachments or [],
            metadata=content.metadata,
            thread_ts=root,
            broadcast=broadcast and root is not None,
        )
    )


def writable(slack: Slack, call: Call, place: str, *, by_id: bool = False) -> Channel:
    """The channel that the app may write to; a user id means that person's direct messages.

    :raises Refused: `channel_not_found` (also for private channels it is not in), `is_archived`, `not_in_channel`
    """
    if place in slack.workspace.people and place != BOT_USER and not by_id:
        return slack.workspace.direct(place)
    named = {channel.name: channel for channel in slack.workspace.channels.values() if not channel.is_im}
    found = slack.workspace.channels.get(place)
    if found is None and not by_id:
        found = named.get(place.removeprefix("#"))
    if found is None or (found.is_private and BOT_USER not in found.members):
        raise Refused("channel_not_found")
    if found.is_archived:
        raise Refused("is_archived")
    if BOT_USER not in found.members and (by_id or "chat:write.public" not in call.scopes):
        raise Refused("not_in_channel")
    return found


def content_of(slack: Slack, call: Call) -> Content:
    """:raises Refused: `no_text` when there is nothing to show"""
    if markdown := call.text("markdown_text"):
        if call.args.get("text") or call.args.get("blocks"):
            raise Refused("markdown_text_conflict")
        if len(markdown) > 12_000:
            raise Refused("msg_too_long")
        call.args["blocks"] = [{"type": "markdown", "text": markdown}]
    content = read_content(call.args, slack.files, slack.workspace.refused_blocks)
    if not content.describe():
        raise Refused("no_text")
    if content.truncated:
        call.warnings.append("message_truncated")
    return content


def _post_message(slack: Slack, call: Call) -> Json:
    channel = writable(slack, call, call.need("channel"))
    content = content_of(slack, call)
    slack.limits.spend(f"post {channel.id}", POSTS)
    message = post(slack, channel, content, call.text("thread_ts"), broadcast=call.flag("reply_broadcast"))
    shown = slack.messages.json(message, metadata=True)
    return {"channel": channel.id, "ts": message.ts, "message": shown}


def _own_message(slack: Slack, call: Call, refusal: str) -> tuple[Channel, Message]:
    channel = writable(slack, call, call.need("channel"), by_id=True)
    message = slack.messages.find(channel.id, call.need("ts"))
    if message.only_for:
        raise Refused("message_not_found")
    if not message.by_app:
        raise Refused(refusal)
    return channel, message


def _update(slack: Slack, call: Call) -> Json:
    channel, message = _own_message(slack, call, "cant_update_message")
    content = (
        content_of(slack, call)
        if _describes(call)
        else read_content(call.args, slack.files, slack.workspace.refused_blocks)
    )
    if content.truncated:
        raise Refused("msg_too_long")
    if not _describes(call) and content.metadata is None:
        raise Refused("no_text")
    revise(slack, message, content)
    shown = {
        name: value
        for name, value in slack.messages.json(message, metadata=True).items()
        if name not in ABSENT_AFTER_UPDATE
    }
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": shown}


def _describes(call: Call) -> bool:
    return any(call.args.get(name) is not None for name in ("text", "blocks", "attachments", "markdown_text"))


def revise(slack: Slack, message: Message, content: Content) -> None:
    """Text without blocks takes the blocks away and marks the message as edited; blocks leave no mark."""
    before = copy.deepcopy(message)
    if content.text is not None:
        message.text = content.text
    if content.blocks is not None or content.text is not None:
        message.blocks = content.blocks or []
    if content.attachments is not None:
        message.attachments = content.attachments
    if content.metadata is not None:
        message.metadata = content.metadata or None
    if content.text is not None and not content.blocks and content.text != before.text:
        message.edited = {"user": BOT_USER, "ts": slack.workspace.stamp()}
    message.values = {}
    slack.messages.changed(message, before)


def _delete(slack: Slack, call: Call) -> Json:
    channel, message = _own_message(slack, call, "cant_delete_message")
    slack.messages.delete(message)
    return {"channel": channel.id, "ts": message.ts}


def whisper(slack: Slack, channel: str, user: str, content: Content, thread_ts: str | None) -> Message:
    """A message that only that person sees."""
    return slack.messages.post(
        Message(
            channel,
            slack.workspace.stamp(),
            BOT_USER,
            content.text or "",
            content.blocks or [],
            content.attachments or [],
            thread_ts=thread_ts,
            only_for=user,
        )
    )


def _post_ephemeral(slack: Slack, call: Call) -> Json:
    user = call.need("user")
    channel = writable(slack, call, call.need("channel"))
    if user not in channel.members:
        raise Refused("user_not_in_channel")
    message = whisper(slack, channel.id, user, content_of(slack, call), call.text("thread_ts") or None)
    return {"message_ts": message.ts}


def _permalink(slack: Slack, call: Call) -> Json:
    channel = slack.workspace.channel(call.need("channel"))
    message = slack.messages.find(channel.id, call.need("message_ts"))
    link = f"{slack.url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def _schedule(slack: Slack, call: Call) -> Json:
    channel = writable(slack, call, call.need("channel"))
    post_at = call.number("post_at", 0, 0, 2**40)
    if not post_at:
        raise invalid_arguments("missing required field: post_at")
    content = content_of(slack, call)
    scheduled = slack.schedule.add(
        channel.id,
        post_at,
        content.text or "",
        lambda: post(slack, channel, content, call.text("thread_ts"), broadcast=False),
    )
    planned = slack.messages.json(Message(channel.id, "", BOT_USER, content.text or "", content.blocks or []))
    return {
        "scheduled_message_id": scheduled.id,
        "channel": channel.id,
        "post_at": post_at,
        "message": {name: value for name, value in planned.items() if name != "ts"},
    }


def _scheduled(slack: Slack, call: Call) -> Json:
    waiting = slack.schedule.waiting(call.text("channel"))
    return {
        "scheduled_messages": [message.json() for message in waiting],
        "response_metadata": {"next_cursor": ""},
    }


def _unschedule(slack: Slack, call: Call) -> Json:
    slack.schedule.remove(call.need("channel"), call.need("scheduled_message_id"))
    return {}


METHODS = {
    "chat.postMessage": Method(_post_message, "chat:write", Tier.SPECIAL),
    "chat.update": Method(_update, "chat:write"),
    "chat.delete": Method(_delete, "chat:write"),
    "chat.postEphemeral": Method(_post_ephemeral, "chat:write", Tier.FOUR),
    "chat.getPermalink": Method(_permalink, (), Tier.SPECIAL),
    "chat.scheduleMessage": Method(_schedule, "chat:write"),
    "chat.scheduledMessages.list": Method(_scheduled),
    "chat.deleteScheduledMessage": Method(_unschedule, "chat:write"),
}
