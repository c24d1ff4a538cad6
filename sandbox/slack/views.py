"""Modals and Home: each person's stack of at most three views, and the view on their Home tab."""

import secrets
from dataclasses import dataclass, field

from .feeds import Feeds
from .refusal import Json, Refused
from .workspace import APP, BOT, TEAM, Workspace

DEEPEST = 3


@dataclass
class View:
    """`content` is what the app sent; `values` what the person entered so far, by block and action;
    `offered` the values that type-ahead selects were given as options, by action."""

    id: str
    user: str
    content: Json
    hash: str
    root_id: str
    previous_id: str | None = None
    values: Json = field(default_factory=dict)
    offered: dict[str, set[str]] = field(default_factory=dict)

    def json(self) -> Json:
        content = self.content
        return {
            "id": self.id,
            "team_id": TEAM,
            "type": content["type"],
            "blocks": content["blocks"],
            "private_metadata": content.get("private_metadata", ""),
            "callback_id": content.get("callback_id", ""),
            "state": {"values": self.values},
            "hash": self.hash,
            "title": content.get("title") or {"type": "plain_text", "text": "View Title", "emoji": True},
            "clear_on_close": content.get("clear_on_close", False),
            "notify_on_close": content.get("notify_on_close", False),
            "close": content.get("close"),
            "submit": content.get("submit"),
            "previous_view_id": self.previous_id,
            "root_view_id": self.root_id,
            "app_id": APP,
            "external_id": content.get("external_id", ""),
            "app_installed_team_id": TEAM,
            "bot_id": BOT,
        }


class Views:
    def __init__(self, workspace: Workspace, feeds: Feeds) -> None:
        self._workspace = workspace
        self._feeds = feeds
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[str, View] = {}

    def stack(self, user: str) -> list[View]:
        """Bottom first."""
        return self._stacks.setdefault(user, [])

    def home(self, user: str) -> View | None:
        return self._homes.get(user)

    def open(self, user: str, content: Json) -> View:
        """Slack shows one stack at a time: opening a view puts another aside for good."""
        self._unique(content)
        if self.stack(user):
            self.clear(user)
        return self._add(user, content)

    def push(self, user: str, content: Json) -> View:
        """:raises Refused: `push_limit_reached` on a stack of three"""
        if len(self.stack(user)) >= DEEPEST:
            raise Refused("push_limit_reached")
        self._unique(content)
        return self._add(user, content)

    def update(self, view: View, content: Json, expected_hash: str | None = None) -> View:
        """Same view id, new content; what was entered stays where block_id and action_id do.

        :raises Refused: `hash_conflict` when the view changed since
        """
        if expected_hash and expected_hash != view.hash:
            raise Refused("hash_conflict")
        self._unique(content, but=view)
        view.content, view.hash = content, self._hash()
        kept = {block["block_id"]: _action_ids(block) for block in content["blocks"]}
        view.values = {
            block_id: {action: value for action, value in actions.items() if action in kept[block_id]}
            for block_id, actions in view.values.items()
            if block_id in kept
        }
        event = "home" if view.content["type"] == "home" else "view"
        self._feeds.publish([view.user], {"type": event, "view": view.json()})
        return view

    def publish(self, user: str, content: Json, expected_hash: str | None = None) -> View:
        current = self._homes.get(user)
        if current is not None:
            return self.update(current, content, expected_hash)
        view_id = self._workspace.fresh_id("V")
        view = self._homes[user] = View(view_id, user, content, self._hash(), view_id)
        self._feeds.publish([user], {"type": "home", "view": view.json()})
        return view

    def close(self, view: View) -> None:
        self.stack(view.user).remove(view)
        self._show_stack(view.user)

    def clear(self, user: str) -> None:
        self.stack(user).clear()
        self._show_stack(user)

    def find(self, view_id: str = "", external_id: str = "") -> View:
        for view in self._all():
            if view.id == view_id or (external_id and view.content.get("external_id") == external_id):
                return view
        raise Refused("not_found")

    def _all(self) -> list[View]:
        return [view for stack in self._stacks.values() for view in stack] + list(self._homes.values())

    def _add(self, user: str, content: Json) -> View:
        stack = self.stack(user)
        view_id = self._workspace.fresh_id("V")
        root, previous = (stack[0].id, stack[-1].id) if stack else (view_id, None)
        view = View(view_id, user, content, self._hash(), root, previous)
        stack.append(view)
        self._feeds.publish([user], {"type": "view", "view": view.json()})
        return view

    def _unique(self, content: Json, but: View | None = None) -> None:
        external_id = content.get("external_id")
        taken = {view.content.get("external_id") for view in self._all() if view is not but}
        if external_id and external_id in taken:
            raise Refused("duplicate_external_id")

    def _show_stack(self, user: str) -> None:
        views = [view.json() for view in self.stack(user)]
        self._feeds.publish([user], {"type": "views", "views": views})

    def _hash(self) -> str:
        return f"{int(self._workspace.clock())}.{secrets.token_hex(4)}"


def elements(block: Json) -> list[Json]:
    """The interactive elements of a block."""
    inside = [block.get("element"), block.get("accessory"), *block.get("elements", [])]
    inside += block.get("actions", [])
    for nested in ("child_blocks", "blocks"):
        for child in block.get(nested, []):
            inside += elements(child)
    return [element for element in inside if isinstance(element, dict) and "action_id" in element]


def _action_ids(block: Json) -> set[str]:
    return {element["action_id"] for element in elements(block)}
