"""A person in Slack, and the messages and Home they see."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .controls import Control, controls, named
from .fields import picked
from .modal import Modal
from .plain import Reader
from .wire import Feed, Json, NotSeenError, Seen, Wire

if TYPE_CHECKING:
    from .people import People, Room


@dataclass
class Message:
    """A message as one person sees it; `refresh` reads it again."""

    json: Json
    channel: str
    viewer: "Person"

    @property
    def ts(self) -> str:
        return str(self.json["ts"])

    @property
    def text(self) -> str:
        return self.viewer.reader.message(self.json)

    @property
    def author(self) -> str:
        user = str(self.json["user"])
        return self.viewer.names.get(user, user)

    @property
    def is_private(self) -> bool:
        return bool(self.json.get("ephemeral"))

    @property
    def blocks(self) -> list[Json]:
        return self.json.get("blocks") or []

    @property
    def buttons(self) -> list[str]:
        return [control.label for control in controls(self.blocks, self.viewer.reader)]

    @property
    def container(self) -> Json:
        return {"channel": self.channel, "ts": self.ts}

    def refresh(self) -> "Message":
        """:raises NotSeenError: when it was deleted meanwhile"""
        thread_ts = self.json.get("thread_ts", "")
        seen = self.viewer.messages(self.channel, "" if thread_ts == self.ts else thread_ts)
        for message in seen:
            if message.ts == self.ts:
                self.json = message.json
                return self
        raise NotSeenError(f"the message is gone:\n{self.text}")

    def becomes(self, pattern: str, timeout: float | None = None) -> "Message":
        """Waits until this message was edited to match the regular expression."""
        return self.viewer.wait(
            lambda: self if re.search(pattern, self.refresh().text) else None,
            timeout,
            lambda: f"the message did not become “{pattern}”, it still reads:\n{self.text}",
        )

    def thread(self) -> "list[Message]":
        """Its replies, oldest first."""
        return [reply for reply in self.viewer.messages(self.channel, self.ts) if reply.ts != self.ts]

    def thread_shows(self, pattern: str, timeout: float | None = None) -> "Message":
        """Waits for a reply that matches the regular expression."""
        return self.viewer.wait(
            lambda: newest(self.thread(), pattern),
            timeout,
            lambda: f"no reply matches “{pattern}”; the thread reads:\n{readable(self.thread())}",
        )


@dataclass
class Home:
    view: Json
    viewer: "Person"

    @property
    def text(self) -> str:
        return "\n".join(self.viewer.reader.blocks(self.view["blocks"]))

    @property
    def blocks(self) -> list[Json]:
        blocks: list[Json] = self.view["blocks"]
        return blocks

    @property
    def container(self) -> Json:
        return {"view_id": self.view["id"]}


Surface = Message | Modal | Home


@dataclass
class Person:
    """Acts and sees as one person; `name` is the role."""

    name: str
    id: str
    people: "People"
    wire: Wire = field(init=False)
    feed: Feed = field(init=False)
    names: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.wire = Wire(self.people.url, self.id)
        self.feed = Feed(self.wire)
        self.names = self.people.names
        self.reader = Reader(self.names)
        self._before: set[tuple[str, str]] = set()
        self._notices_before = 0

    def types(self, text: str, in_: "str | Room | None" = None, thread: Message | None = None) -> None:
        """Sends a message or runs a slash command, in #line-vision unless told otherwise."""
        self._remember()
        body = {"thread_ts": thread.json.get("thread_ts", thread.ts)} if thread else {}
        channel = thread.channel if thread else self._channel(in_)
        self.wire.post("type", channel=channel, text=text, **body)

    def clicks(self, label: str, on: Surface, *, confirm: bool = True) -> None:
        """Presses a button or an overflow item. A confirmation is answered with `confirm`."""
        self._remember()
        if isinstance(on, Modal):
            on.clicks(label, confirm=confirm)
            return
        control = named(on.blocks, self.reader, label)
        if "confirm" in control.element and not confirm:
            return
        payload = {"selected_option": control.option} if control.option else {}
        self._act(on, control, payload)

    def picks(self, option: str, from_: str, on: "Message | Home") -> None:
        """Chooses an option of a select by its text; `from_` is the select's placeholder."""
        self._remember()
        control = named(on.blocks, self.reader, from_)
        self._act(on, control, picked(self.wire, on.container, control, option))

    def sees(self, pattern: str, timeout: float | None = None) -> Message:
        """Waits for an answer to this person alone (ephemeral or direct) since they last did something."""
        return self.wait(
            lambda: newest([m for m in self.private() if (m.ts, m.text) not in self._before], pattern),
            timeout,
            lambda: (
                f"{self.name} saw nothing like “{pattern}”, but:\n{readable(self.private())}{self._notices()}"
            ),
        )

    def sees_notice(self, pattern: str, timeout: float | None = None) -> str:
        """Waits for what Slack itself says, such as that a command failed."""

        def look() -> str | None:
            new = self.feed.notices[self._notices_before :]
            return next((notice for notice in new if re.search(pattern, notice)), None)

        return self.wait(look, timeout, lambda: f"no notice “{pattern}”{self._notices()}")

    def sees_modal(self, title: str, timeout: float | None = None) -> Modal:
        """Waits until a modal with that title is on top, with something to fill in or read."""

        def look() -> Modal | None:
            stack = self.state()["views"]
            top = Modal(stack[-1], self.wire, self.reader, self.wait) if stack else None
            return top if top and top.title == title else None

        return self.wait(look, timeout, lambda: f"no modal “{title}”; {self._stack()}{self._notices()}")

    def sees_no_modal(self, timeout: float | None = None) -> None:
        self.wait(lambda: True if not self.state()["views"] else None, timeout, self._stack)

    def opens_home(self, pattern: str = "", timeout: float | None = None) -> Home:
        """Opens the app's Home and waits until it matches the regular expression."""
        self._remember()
        self.wire.post("home")
        return self.sees_home(pattern, timeout)

    def sees_home(self, pattern: str = "", timeout: float | None = None) -> Home:
        def look() -> Home | None:
            view = self.state()["home"]
            home = Home(view, self) if view else None
            return home if home and re.search(pattern, home.text) else None

        return self.wait(look, timeout, lambda: f"Home does not show “{pattern}”, but:\n{self._home()}")

    def deletes(self, message: Message) -> None:
        self.wire.post("delete", **message.container)

    def private(self) -> list[Message]:
        """Ephemeral messages and direct messages, oldest first."""
        found = []
        for channel in self.state()["channels"]:
            seen = self.messages(channel["id"])
            found += [m for m in seen if m.is_private or (channel["is_im"] and m.json["user"] != self.id)]
        return sorted(found, key=lambda message: message.ts)

    def messages(self, channel: str, thread_ts: str = "") -> list[Message]:
        query = {"channel": channel} | ({"thread_ts": thread_ts} if thread_ts else {})
        found = self.wire.get("messages", **query)["messages"]
        return [Message(message, channel, self) for message in found]

    def state(self) -> Json:
        return self.wire.get("state")

    def wait(
        self, look: Callable[[], Seen | None], timeout: float | None, otherwise: Callable[[], str]
    ) -> Seen:
        """Until `look` finds something, for `timeout` seconds (default: the people's patience)."""
        return self.feed.until(look, self.people.patience if timeout is None else timeout, otherwise)

    def _act(self, on: "Message | Home", control: Control, payload: Json) -> None:
        self.wire.post(
            "click",
            container=on.container,
            block_id=control.block_id,
            action_id=control.action_id,
            payload=payload,
        )

    def _remember(self) -> None:
        """What is there already is no answer to what this person does next."""
        self._before = {(message.ts, message.text) for message in self.private()}
        self._notices_before = len(self.feed.notices)

    def _channel(self, in_: "str | Room | None") -> str:
        if in_ is None or isinstance(in_, str):
            return self.people.channel_id(in_ or "line-vision")
        return in_.id

    def _notices(self) -> str:
        return "".join(f"\n(Slack says: {notice})" for notice in self.feed.notices[self._notices_before :])

    def _stack(self) -> str:
        titles = [view["title"]["text"] for view in self.state()["views"]]
        return f"open: {', '.join(titles)}" if titles else "no modal is open"

    def _home(self) -> str:
        view = self.state()["home"]
        return Home(view, self).text if view else "(nothing)"


def newest(messages: list[Message], pattern: str) -> Message | None:
    """The last of them whose text matches the regular expression."""
    return next((message for message in reversed(messages) if re.search(pattern, message.text)), None)


def readable(messages: list[Message]) -> str:
    return "\n".join(f"- {message.author}: {message.text}" for message in messages) or "(nothing)"
