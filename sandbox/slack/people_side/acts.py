"""What a person does in Slack: types, runs commands, clicks, opens Home, deletes."""

import uuid

from ..announce import join, tell
from ..api.chat import whisper
from ..blocks import valid_options
from ..content import read_content
from ..messages import Message
from ..refusal import Json, Refused
from ..state import Slack
from ..views import View, elements
from ..workspace import BOT_USER, Channel, Person
from .compose import compose, escape_names
from .inputs import STATEFUL, chosen, entered, options_of


async def type_text(slack: Slack, person: Person, channel_id: str, text: str, thread_ts: str | None) -> None:
    channel = slack.workspace.channel(channel_id)
    if not slack.workspace.sees(person.id, channel):
        raise Refused("channel_not_found")
    if channel.is_archived:
        raise Refused("is_archived", message="This channel has been archived.")
    if text.startswith("/"):
        await _run_command(slack, person, channel, text, thread_ts)
        return
    if person.id not in channel.members:
        raise Refused("not_in_channel", message=f"Join #{channel.name} to write there.")
    root = slack.messages.root_of(channel, thread_ts) if thread_ts else None
    mrkdwn, blocks = compose(slack.workspace, text)
    slack.messages.post(
        Message(
            channel.id,
            slack.workspace.stamp(),
            person.id,
            mrkdwn,
            blocks,
            thread_ts=root,
            client_msg_id=str(uuid.uuid4()),
        )
    )


async def _run_command(
    slack: Slack, person: Person, channel: Channel, typed: str, thread_ts: str | None
) -> None:
    name, _, text = typed.partition(" ")
    command = slack.app.commands.get(name)
    if name == "/invite":
        _invite(slack, person, channel, text)
        return
    if command is None:
        raise Refused("invalid_command", message=f"{name} is not a valid command.")
    if thread_ts:
        raise Refused("command_in_thread", message=f"{name} is not supported in threads. Sorry!")
    payload = slack.payloads.command(
        person,
        channel,
        name,
        escape_names(slack.workspace, text.strip()) if command.should_escape else text.strip(),
        response_url=response_url(slack, channel.id, person.id),
        trigger_id=slack.triggers.issue(person.id),
    )
    answer = await slack.link.ask("slash_commands", payload)
    if answer.outcome != "acked":
        why = "operation_timeout" if answer.outcome == "timeout" else "dispatch_failed"
        notice(slack, person, f"{name} failed with the error “{why}”")
    elif answer.payload:
        answer_command(slack, person, channel, typed, answer.payload)


def _invite(slack: Slack, person: Person, channel: Channel, text: str) -> None:
    """Slack's own command, by which the app gets into a channel."""
    invited = next((p for p in slack.workspace.people.values() if f"@{p.name}" == text.strip().lower()), None)
    if invited is None or person.id not in channel.members:
        raise Refused("invalid_invite", message=f"“{text}” cannot be invited to #{channel.name}.")
    if invited.id not in channel.members:
        join(slack, invited.id, channel)


def answer_command(slack: Slack, person: Person, channel: Channel, typed: str, payload: Json) -> None:
    """The acknowledgement as a message: to the person only, or with the command into the channel."""
    try:
        content = read_content(payload, slack.files)
    except Refused as refused:
        notice(slack, person, f"{typed.split()[0]} failed with the error “{refused.error}”")
        return
    if not content.describe():
        return
    if payload.get("response_type") != "in_channel":
        whisper(slack, channel.id, person.id, content, None)
        return
    slack.messages.post(Message(channel.id, slack.workspace.stamp(), person.id, typed))
    answer = Message(channel.id, slack.workspace.stamp(), BOT_USER, content.text or "", content.blocks or [])
    slack.messages.post(answer)


async def click(slack: Slack, person: Person, clicked: Json) -> None:
    """A button pressed or a select changed, in a message or in a view."""
    place = clicked.get("container", {})
    block_id, action_id = clicked["block_id"], clicked["action_id"]
    if view_id := place.get("view_id"):
        view = own_view(slack, person, view_id)
        view.values = entered(view.content["blocks"], clicked.get("values") or {}, view.values, view.offered)
        block, element = find_element(view.content["blocks"], block_id, action_id)
        action = chosen(block, element, clicked.get("payload") or {}, view.offered)
        if element["type"] in STATEFUL:
            view.values.setdefault(block_id, {})[action_id] = _state_of(action)
        trigger_id = slack.triggers.issue(person.id, view.id)
        payload = slack.payloads.view_action(person, view, action, trigger_id=trigger_id)
    else:
        message = visible_message(slack, person, place["channel"], place["ts"])
        block, element = find_element(message.blocks, block_id, action_id)
        action = chosen(block, element, clicked.get("payload") or {}, message.offered)
        if element["type"] in STATEFUL:
            message.values.setdefault(block_id, {})[action_id] = _state_of(action)
        payload = slack.payloads.message_action(
            person,
            message,
            action,
            response_url=response_url(slack, message.channel, person.id, message.ts, message.thread_ts),
            trigger_id=slack.triggers.issue(person.id),
        )
    _needs_interactivity(slack)
    answer = await slack.link.ask("interactive", payload, answerable=False)
    if answer.outcome != "acked":
        why = "operation_timeout" if answer.outcome == "timeout" else "dispatch_failed"
        notice(slack, person, f"Spotter did not respond ({why}). Try again?")


async def suggest(slack: Slack, person: Person, asked: Json) -> Json:
    """Options for a type-ahead select: `{"options": …}` or `{"option_groups": …}`, none when the app is late."""
    place = asked.get("container", {})
    block_id, action_id, value = asked["block_id"], asked["action_id"], asked.get("value", "")
    payload = slack.payloads.suggestion(person, block_id, action_id, value)
    if view_id := place.get("view_id"):
        view = own_view(slack, person, view_id)
        view.values = entered(view.content["blocks"], asked.get("values") or {}, view.values, view.offered)
        _, element = find_element(view.content["blocks"], block_id, action_id)
        offered = view.offered
        payload |= {"container": {"type": "view", "view_id": view.id}, "view": view.json()}
    else:
        message = visible_message(slack, person, place["channel"], place["ts"])
        _, element = find_element(message.blocks, block_id, action_id)
        offered = message.offered
        channel = slack.workspace.channel(message.channel)
        payload |= {
            "container": slack.payloads.message_container(message),
            "channel": {"id": channel.id, "name": channel.name},
            "message": slack.messages.json(message),
        }
    if element["type"] not in ("external_select", "multi_external_select"):
        raise Refused("invalid_action", message="This select has fixed options.")
    if len(value) < element.get("min_query_length", 3):
        return {"options": []}
    _needs_interactivity(slack)
    answer = await slack.link.ask("interactive", payload)
    if answer.outcome != "acked":
        return {"options": []}
    if not valid_options(answer.payload):
        return {"options": []}
    offered.setdefault(action_id, set()).update(option["value"] for option in options_of(answer.payload))
    return answer.payload


def open_home(slack: Slack, person: Person) -> None:
    if not slack.app.home_tab:
        raise Refused("not_enabled", message="Spotter has no Home tab.")
    if "app_home_opened" not in slack.app.events:
        return
    home = slack.views.home(person.id)
    event = {
        "type": "app_home_opened",
        "user": person.id,
        "channel": slack.workspace.direct(person.id).id,
        "tab": "home",
        "event_ts": slack.workspace.stamp(),
    }
    tell(slack, event | ({"view": home.json()} if home else {}))


def delete(slack: Slack, person: Person, channel: str, ts: str) -> None:
    """People delete their own messages and dismiss the app's ephemeral ones."""
    message = visible_message(slack, person, channel, ts)
    if person.id not in (message.author, message.only_for):
        raise Refused("cant_delete_message", message="You can only delete your own messages.")
    slack.messages.delete(message)


def notice(slack: Slack, person: Person, text: str) -> None:
    slack.feeds.publish([person.id], {"type": "notice", "text": text})


def response_url(
    slack: Slack, channel: str, user: str, original_ts: str | None = None, thread_ts: str | None = None
) -> str:
    return f"{slack.url}/response/{slack.hooks.issue(channel, user, original_ts, thread_ts)}"


def own_view(slack: Slack, person: Person, view_id: str) -> View:
    view = slack.views.find(view_id)
    if view.user != person.id:
        raise Refused("not_found")
    return view


def visible_message(slack: Slack, person: Person, channel: str, ts: str) -> Message:
    if not slack.workspace.sees(person.id, slack.workspace.channel(channel)):
        raise Refused("channel_not_found")
    message = slack.messages.find(channel, ts)
    if message.only_for not in (None, person.id):
        raise Refused("message_not_found")
    return message


def find_element(blocks: list[Json], block_id: str, action_id: str) -> tuple[Json, Json]:
    for block in flat(blocks):
        if block.get("block_id") == block_id:
            for element in elements(block):
                if element["action_id"] == action_id:
                    return block, element
    raise Refused("invalid_action", message="That is no longer there.")


def flat(blocks: list[Json]) -> list[Json]:
    """Blocks together with those inside containers and carousels."""
    found = []
    for block in blocks:
        found.append(block)
        found += flat([child for child in block.get("child_blocks", []) if isinstance(child, dict)])
        if block["type"] == "carousel":
            found += flat(block["elements"])
    return found


def _state_of(action: Json) -> Json:
    return {
        name: value for name, value in action.items() if name == "type" or name.startswith("selected_")
    } | ({"value": action["value"]} if "value" in action else {})


def _needs_interactivity(slack: Slack) -> None:
    if not slack.app.interactive:
        raise Refused("interactivity_disabled", message="This app is not configured to handle interactions.")
