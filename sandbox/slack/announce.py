"""Who hears of a change to a message: the people who see its channel, and the app if it subscribed."""

from .messages import Change, Message
from .refusal import Json
from .state import Slack
from .workspace import BOT_USER, Channel

CHANNEL_TYPES = {"channels": "channel", "groups": "group", "im": "im"}


def announce(slack: Slack, change: Change, message: Message, before: Message | None) -> None:
    channel = slack.workspace.channel(message.channel)
    _tell_people(slack, change, message, channel)
    if BOT_USER in channel.members and not message.only_for:
        _tell_app(slack, change, message, before, channel)


def as_seen(slack: Slack, message: Message) -> Json:
    """The message object that people get: files open in a browser, ephemeral messages say so."""
    shown = slack.messages.json(message)
    if message.files:
        found = [slack.files.find(file["id"]) for file in message.files]
        shown["files"] = [slack.files.json(file, slack.url, for_person=True) for file in found]
    if message.blocks:
        shown["blocks"] = [_with_picture(slack, block) for block in message.blocks]
    return shown | ({"ephemeral": True} if message.only_for else {})


def _with_picture(slack: Slack, block: Json) -> Json:
    """An image block that names an upload gets the address that a browser needs."""
    held = slack.files.named(block["slack_file"]) if "slack_file" in block else None
    return block | {"image_url": slack.files.picture_url(held, slack.url)} if held else block


def _tell_people(slack: Slack, change: Change, message: Message, channel: Channel) -> None:
    event: Json = {"type": change, "channel": channel.id}
    if change == "message_deleted":
        event["ts"] = message.ts
    else:
        event["message"] = as_seen(slack, message)
    viewers = [person for person in slack.workspace.people if slack.workspace.sees(person, channel)]
    slack.feeds.publish([message.only_for] if message.only_for else viewers, event)


def _tell_app(
    slack: Slack, change: Change, message: Message, before: Message | None, channel: Channel
) -> None:
    mentioned = f"<@{BOT_USER}>" in message.text and message.author != BOT_USER
    if change == "message" and mentioned and "app_mention" in slack.app.events:
        mention = slack.messages.json(message) | {
            "type": "app_mention",
            "channel": channel.id,
            "event_ts": message.ts,
        }
        tell(slack, mention, "app_mentions:read")
    if f"message.{channel.kind}" not in slack.app.events:
        return
    place = {"channel": channel.id, "channel_type": CHANNEL_TYPES[channel.kind]}
    scope = f"{channel.kind}:history"
    if change == "message":
        tell(slack, slack.messages.json(message) | place | {"event_ts": message.ts}, scope)
        return
    if before is None:
        return  # a parent's reply count is not an event
    stamp = slack.workspace.stamp()
    event: Json = {
        "type": "message",
        "subtype": change,
        "hidden": True,
        "ts": stamp,
        "event_ts": stamp,
        **place,
    }
    event["previous_message"] = slack.messages.json(before)
    if change == "message_changed":
        event["message"] = slack.messages.json(message)
    else:
        event["deleted_ts"] = message.ts
    tell(slack, event, scope)


def tell(slack: Slack, event: Json, scope: str = "") -> None:
    """Sends an event that the app subscribed to, when its scopes allow it to see it."""
    if not scope or scope in slack.app.scopes:
        slack.link.tell(slack.payloads.event(event))


def join(slack: Slack, user: str, channel: Channel) -> None:
    """Adds someone to a channel, with the notice that people see there."""
    channel.members.append(user)
    stamp = slack.workspace.stamp()
    notice = Message(channel.id, stamp, user, f"<@{user}> has joined the channel", subtype="channel_join")
    slack.messages.post(notice)
    slack.feeds.publish(slack.workspace.people, {"type": "channels"})
    if "member_joined_channel" in slack.app.events and BOT_USER in channel.members:
        event = {"type": "member_joined_channel", "user": user, "channel": channel.id, "event_ts": stamp}
        tell(slack, event | {"channel_type": "C", "team": slack.workspace.team_json()["id"]}, "channels:read")
