"""The people of the workspace by role, and its channels by name."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from .person import Message, Person, newest, readable
from .wire import Wire

ROLES = {
    "trainer": "U0TRAINER1",
    "first_approver": "U0APPROVE1",
    "second_approver": "U0APPROVE2",
    "outsider": "U0OUTSIDE1",
}
Steady = Callable[[str], str]
_CLOCK = re.compile(r"\b\d{4}-\d{2}-\d{2}(?: at|,)? \d{1,2}:\d{2}(?::\d{2})?(?: [A-Z]{3,4})?")
_ADDRESS = re.compile(r"127\.0\.0\.1:\d+")


def steady(text: str) -> str:
    """Times and ports of this run, made the same in every run; stories may bring their own."""
    return _ADDRESS.sub("<host>", _CLOCK.sub("<time>", text))


class People:
    """`patience` is how many seconds people wait for what they expect to see."""

    def __init__(self, url: str, *, patience: float = 10.0, steady: Steady = steady) -> None:
        self.url = url
        self.patience = patience
        self.steady = steady
        self._state = Wire(url, ROLES["trainer"]).get("state")
        self._met: dict[str, Person] = {}
        self.names = {person["id"]: person["real_name"] for person in self._state["people"]}
        self.names |= {group["id"]: group["handle"] for group in self._state["groups"]}
        self.names |= {channel["id"]: channel["name"] for channel in self._state["channels"]}

    def __getitem__(self, role: str) -> Person:
        if role not in self._met:
            self._met[role] = Person(role, ROLES[role], self)
        return self._met[role]

    def channel(self, name: str, eyes: str = "trainer") -> "Room":
        """A channel, watched by one person; private answers are seen through that person instead."""
        return Room(name, self.channel_id(name), self[eyes])

    def channel_id(self, name: str) -> str:
        for channel in self._state["channels"]:
            if channel["name"] == name.removeprefix("#"):
                return str(channel["id"])
        raise KeyError(name)

    def close(self) -> None:
        for person in self._met.values():
            person.feed.close()

    def __enter__(self) -> "People":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass
class Room:
    """A channel with the eyes of `viewer`."""

    name: str
    id: str
    viewer: Person

    def messages(self) -> list[Message]:
        """What everybody there sees, oldest first; replies are in each message's `thread()`."""
        return [message for message in self.viewer.messages(self.id) if not message.is_private]

    def shows(self, pattern: str, timeout: float | None = None) -> Message:
        """Waits for a message that matches the regular expression, and takes the newest."""
        return self.viewer.wait(
            lambda: newest(self.messages(), pattern),
            timeout,
            lambda: f"#{self.name} shows nothing like “{pattern}”, but:\n{readable(self.messages())}",
        )

    def transcript(self) -> str:
        """All that the channel shows now, replies indented, with run-dependent parts made steady."""
        lines = []
        for message in self.messages():
            lines.append(_said(message))
            lines += [_indent(_said(reply)) for reply in message.thread()]
        return self.viewer.people.steady("\n".join(lines))


def _said(message: Message) -> str:
    edited = " (edited)" if message.json.get("edited") else ""
    return f"{message.author}{edited}:\n{_indent(message.text)}"


def _indent(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())
