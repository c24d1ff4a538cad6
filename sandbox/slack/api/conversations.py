"""conversations.* and reactions.*: channels, their members and history."""

from ..announce import join
from ..limits import Tier
from ..messages import Message
from ..refusal import Json, Refused, invalid_arguments
from ..state import Slack
from ..workspace import BOT_USER, CREATED, TEAM, Channel
from .call import Call, Method
from .paging import decode_cursor, encode_cursor, page

KINDS = {"public_channel": "channels", "private_channel": "groups", "im": "im", "mpim": "mpim"}
READ = tuple(f"{kind}:read" for kind in KINDS.values())
HISTORY = tuple(f"{kind}:history" for kind in KINDS.values())


def _reach(slack: Slack, call: Call, act: str) -> Channel:
    """The named channel, when the token's scopes and the app's memberships reach it."""
    channel = slack.workspace.channel(call.need("channel"))
    if channel.kind != "channels" and BOT_USER not in channel.members:
        raise Refused("channel_not_found")
    call.require(f"{channel.kind}:{act}")
    return channel


def _json(channel: Channel) -> Json:
    shared = {
        "id": channel.id,
        "created": CREATED,
        "is_archived": channel.is_archived,
        "is_im": channel.is_im,
        "is_org_shared": False,
        "context_team_id": TEAM,
        "updated": CREATED * 1000,
    }
    if channel.is_im:
        return shared | {"user": channel.partner, "is_user_deleted": False, "priority": 0, "is_open": True}
    return shared | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.is_private,
        "is_group": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "is_general": channel.name == "general",
        "is_shared": False,
        "is_ext_shared": False,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "pending_connected_team_ids": [],
        "shared_team_ids": [TEAM],
        "parent_conversation": None,
        "unlinked": 0,
        "creator": channel.members[0],
        "is_member": BOT_USER in channel.members,
        "topic": {"value": channel.topic, "creator": channel.members[0], "last_set": CREATED},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "previous_names": [],
    }


def _list(slack: Slack, call: Call) -> Json:
    kinds = [KINDS.get(kind.strip()) for kind in call.text("types", "public_channel").split(",")]
    if None in kinds:
        raise Refused("invalid_types")
    for kind in kinds:
        call.require(f"{kind}:read")
    found = [
        channel
        for channel in slack.workspace.channels.values()
        if channel.kind in kinds
        and (channel.kind == "channels" or BOT_USER in channel.members)
        and not (call.flag("exclude_archived") and channel.is_archived)
    ]
    shown, cursor = page(found, call, default=100)
    channels = [_json(c) | ({} if c.is_im else {"num_members": len(c.members)}) for c in shown]
    return {"channels": channels, "response_metadata": {"next_cursor": cursor}}


def _info(slack: Slack, call: Call) -> Json:
    channel = _reach(slack, call, "read")
    body = _json(channel)
    if call.flag("include_num_members"):
        body["num_members"] = len(channel.members)
    return {"channel": body}


def _members(slack: Slack, call: Call) -> Json:
    shown, cursor = page(_reach(slack, call, "read").members, call, default=100)
    return {"members": shown, "response_metadata": {"next_cursor": cursor}}


def _open(slack: Slack, call: Call) -> Json:
    if call.text("channel"):
        channel = slack.workspace.channel(call.text("channel"))
        return {"channel": _json(channel)}
    users = [user for user in call.text("users").split(",") if user]
    if not users:
        raise Refused("users_list_not_supplied")
    if len(users) > 1:
        call.require("mpim:write")
        raise Refused("not_enough_users")  # group direct messages are not part of this workspace
    person = slack.workspace.person(users[0])
    if person.id == BOT_USER:
        raise Refused("cannot_dm_bot")
    known = {channel.partner for channel in slack.workspace.channels.values()}
    channel = slack.workspace.direct(person.id)
    body = _json(channel) if call.flag("return_im") else {"id": channel.id}
    already = {"no_op": True, "already_open": True} if person.id in known else {}
    return {"channel": body, **already}


def _join(slack: Slack, call: Call) -> Json:
    channel = slack.workspace.channel(call.need("channel"))
    if channel.kind != "channels":
        raise Refused("method_not_supported_for_channel_type" if channel.is_im else "channel_not_found")
    if channel.is_archived:
        raise Refused("is_archived")
    if BOT_USER in channel.members:
        call.warnings.append("already_in_channel")
        return {"channel": _json(channel)}
    join(slack, BOT_USER, channel)
    return {"channel": _json(channel)}


def _history(slack: Slack, call: Call) -> Json:
    channel = _reach_history(slack, call)
    found = [m for m in reversed(slack.messages.in_channel(channel.id)) if _within(m, call)]
    return _messages(slack, call, found) | {
        "pin_count": 0,
        "channel_actions_ts": None,
        "channel_actions_count": 0,
    }


def _replies(slack: Slack, call: Call) -> Json:
    channel = _reach_history(slack, call)
    root = slack.messages.root_of(channel, call.need("ts"))
    thread = slack.messages.in_thread(channel.id, root)
    return _messages(slack, call, [m for m in thread if m.ts == root or _within(m, call)])


def _reach_history(slack: Slack, call: Call) -> Channel:
    channel = _reach(slack, call, "history")
    if BOT_USER not in channel.members:
        raise Refused("not_in_channel")
    return channel


def _messages(slack: Slack, call: Call, found: list[Message]) -> Json:
    shown, cursor = _page_from_ts(found, call)
    metadata = call.flag("include_all_metadata")
    body: Json = {
        "messages": [slack.messages.json(message, metadata=metadata) for message in shown],
        "has_more": bool(cursor),
    }
    if cursor:
        body["response_metadata"] = {"next_cursor": cursor}
    return body


def _page_from_ts(found: list[Message], call: Call) -> tuple[list[Message], str]:
    """Pages by timestamp, so that new messages do not shift what comes next."""
    cursor = call.text("cursor")
    if cursor:
        start = decode_cursor(cursor, "next_ts:")
        while found and found[0].ts != start:
            found = found[1:]
        if not found:
            raise Refused("invalid_cursor")
    limit = call.number("limit", 100, 1, 999)
    return found[:limit], encode_cursor("next_ts:", found[limit].ts) if limit < len(found) else ""


def _within(message: Message, call: Call) -> bool:
    latest, oldest, inclusive = call.text("latest"), call.text("oldest"), call.flag("inclusive")
    if (
        latest
        and (key := _key(latest))
        and not (_key(message.ts) < key or (inclusive and _key(message.ts) == key))
    ):
        return False
    if oldest and (key := _key(oldest)):
        return _key(message.ts) > key or (inclusive and _key(message.ts) == key)
    return True


def _key(ts: str) -> tuple[int, int]:
    """Sorts timestamps exactly, where a float would round away their last digits."""
    seconds, _, micros = ts.partition(".")
    try:
        return int(seconds), int(micros.ljust(6, "0")[:6] or 0)
    except ValueError:
        raise invalid_arguments("must be a valid timestamp") from None


def _react(slack: Slack, call: Call) -> Json:
    message, name = _reaction(slack, call)
    users = message.reactions.setdefault(name, [])
    if BOT_USER in users:
        raise Refused("already_reacted")
    users.append(BOT_USER)
    slack.messages.changed(message, message)
    return {}


def _unreact(slack: Slack, call: Call) -> Json:
    message, name = _reaction(slack, call)
    if BOT_USER not in message.reactions.get(name, []):
        raise Refused("no_reaction")
    message.reactions[name].remove(BOT_USER)
    message.reactions = {name: users for name, users in message.reactions.items() if users}
    slack.messages.changed(message, message)
    return {}


def _reaction(slack: Slack, call: Call) -> tuple[Message, str]:
    name = call.need("name").strip(":")
    channel = slack.workspace.channel(call.need("channel"))
    if BOT_USER not in channel.members:
        raise Refused("not_in_channel" if channel.kind == "channels" else "channel_not_found")
    return slack.messages.find(channel.id, call.need("timestamp")), name


METHODS = {
    "conversations.list": Method(_list, READ, Tier.TWO),
    "conversations.info": Method(_info, READ),
    "conversations.members": Method(_members, READ, Tier.FOUR),
    "conversations.open": Method(_open, ("im:write", "mpim:write")),
    "conversations.join": Method(_join, "channels:join"),
    "conversations.history": Method(_history, HISTORY),
    "conversations.replies": Method(_replies, HISTORY),
    "reactions.add": Method(_react, "reactions:write"),
    "reactions.remove": Method(_unreact, "reactions:write", Tier.TWO),
}
