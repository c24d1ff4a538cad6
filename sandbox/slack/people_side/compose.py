"""What Slack's composer makes of typed text: mentions become ids, special characters are escaped."""

import re

from ..refusal import Json
from ..workspace import Workspace, random_id

_TOKEN = re.compile(r"(?P<mention>[@#][\w.-]+)|(?P<url>https?://\S+)")


def compose(workspace: Workspace, typed: str) -> tuple[str, list[Json]]:
    """The message text in mrkdwn, and the rich_text block that Slack's clients send with it."""
    text, elements, end = "", [], 0
    for token in _TOKEN.finditer(typed):
        found = _resolve(workspace, token.group())
        if found is None:
            continue
        text += escape(typed[end : token.start()]) + found[0]
        elements += [_text(typed[end : token.start()]), found[1]]
        end = token.end()
    text += escape(typed[end:])
    elements = [e for e in [*elements, _text(typed[end:])] if e.get("text") != ""]
    section = {"type": "rich_text_section", "elements": elements}
    return text, [{"type": "rich_text", "block_id": random_id(), "elements": [section]}]


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escape_names(workspace: Workspace, typed: str) -> str:
    """Slash command text with `should_escape`: names of people and channels become ids."""

    def replace(token: re.Match[str]) -> str:
        found = _resolve(workspace, token.group(), named=True)
        return found[0] if found else token.group()

    return _TOKEN.sub(replace, typed)


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _resolve(workspace: Workspace, token: str, *, named: bool = False) -> tuple[str, Json] | None:
    if token.startswith("http"):
        return f"<{token}>", {"type": "link", "url": token}
    sign, name = token[0], token[1:].lower()
    if sign == "#":
        for channel in workspace.channels.values():
            if channel.name == name and not channel.is_im:
                label = f"|{channel.name}" if named else "|"
                return f"<#{channel.id}{label}>", {"type": "channel", "channel_id": channel.id}
        return None
    for person in workspace.people.values():
        if person.name == name:
            label = f"|{person.name}" if named else ""
            return f"<@{person.id}{label}>", {"type": "user", "user_id": person.id}
    for group in workspace.groups.values():
        if group.handle == name:
            return f"<!subteam^{group.id}>", {"type": "usergroup", "usergroup_id": group.id}
    return None
