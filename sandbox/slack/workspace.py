"""The workspace: its team, people, user groups, channels and the one app installed in it."""

import itertools
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from .refusal import Json, Refused

Clock = Callable[[], float]

TEAM = "T0FACTORY1"
APP = "A0SPOTTER1"
BOT = "B0SPOTTER1"
BOT_USER = "U0SPOTTER1"
CREATED = 1_767_225_600  # 2026-01-01


@dataclass(frozen=True)
class Person:
    id: str
    name: str
    real_name: str
    title: str
    email: str = ""
    is_bot: bool = False
    tz: str = "Europe/Amsterdam"
    team: str = TEAM
    is_guest: bool = False
    is_deactivated: bool = False

    def tz_offset(self, at: float) -> int:
        """Seconds east of Greenwich at that moment."""
        offset = datetime.fromtimestamp(at, ZoneInfo(self.tz)).utcoffset()
        return int(offset.total_seconds()) if offset else 0


@dataclass
class Channel:
    """A channel or, with `partner`, the direct messages between the app and that person."""

    id: str
    name: str
    topic: str = ""
    is_private: bool = False
    is_archived: bool = False
    members: list[str] = field(default_factory=list)
    partner: str | None = None

    @property
    def is_im(self) -> bool:
        return self.partner is not None

    @property
    def kind(self) -> str:
        """The prefix of the scopes that reach it: `channels`, `groups` or `im`."""
        if self.is_im:
            return "im"
        return "groups" if self.is_private else "channels"


@dataclass
class UserGroup:
    id: str
    handle: str
    name: str
    users: list[str]


PEOPLE = (
    Person("U0TRAINER1", "trainer", "Trainer", "Vision engineer", "trainer@example.com"),
    Person("U0APPROVE1", "first_approver", "First approver", "Line lead", "first_approver@example.com"),
    Person("U0APPROVE2", "second_approver", "Second approver", "Quality lead", "second_approver@example.com"),
    Person("U0OUTSIDE1", "outsider", "Outsider", "Logistics", "outsider@example.com"),
)
TRAINER, FIRST_APPROVER, SECOND_APPROVER, OUTSIDER = (person.id for person in PEOPLE)


class Workspace:
    """Who and what is in the workspace. Ids keep Slack's form; nothing here does any I/O."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.name, self.domain = "Bottling plant", "bottling-plant"
        self.refused_blocks: frozenset[str] = frozenset()
        self.people: dict[str, Person] = {person.id: person for person in PEOPLE}
        self.people[BOT_USER] = Person(BOT_USER, "spotter", "Spotter", "", is_bot=True)
        everyone = [person.id for person in PEOPLE]
        rooms = (
            Channel("C0LINEVIS1", "line-vision", "Models on the lines", members=[*everyone, BOT_USER]),
            Channel("C0LINE3001", "line-3", "Line 3", members=[*everyone, BOT_USER]),
            Channel("C0GENERAL1", "general", "Company-wide", members=[*everyone]),
            Channel("C0QUALITY1", "quality", "Quality", is_private=True, members=[*everyone[:3], BOT_USER]),
        )
        self.channels: dict[str, Channel] = {room.id: room for room in rooms}
        groups = (
            UserGroup("S0TRAINERS", "trainers", "Trainers", [TRAINER, FIRST_APPROVER]),
            UserGroup("S0APPROVERS", "edge-approvers", "Edge approvers", [FIRST_APPROVER, SECOND_APPROVER]),
        )
        self.groups: dict[str, UserGroup] = {group.id: group for group in groups}
        self._last_stamp = 0
        self._serial = itertools.count(1)

    def stamp(self) -> str:
        """A message timestamp: the time now, and never the same one twice."""
        self._last_stamp = max(int(self.clock() * 1_000_000), self._last_stamp + 1)
        return f"{self._last_stamp // 1_000_000}.{self._last_stamp % 1_000_000:06d}"

    def fresh_id(self, prefix: str) -> str:
        return f"{prefix}0{next(self._serial):09d}"

    def person(self, user: str) -> Person:
        if user not in self.people:
            raise Refused("user_not_found")
        return self.people[user]

    def channel(self, channel: str) -> Channel:
        if channel not in self.channels:
            raise Refused("channel_not_found")
        return self.channels[channel]

    def direct(self, user: str) -> Channel:
        """The app's direct messages with that person, opened when there were none."""
        for channel in self.channels.values():
            if channel.partner == user:
                return channel
        opened = Channel(self.fresh_id("D"), "directmessage", members=[user, BOT_USER], partner=user)
        self.channels[opened.id] = opened
        return opened

    def sees(self, user: str, channel: Channel) -> bool:
        return user in channel.members or channel.kind == "channels"

    def team_json(self) -> Json:
        return {"id": TEAM, "name": self.name, "domain": self.domain}


def random_id(length: int = 5) -> str:
    """What Slack fills in for a block_id or action_id that was left out."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))
