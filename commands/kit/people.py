"""Who is asking, and what they may do: roles from Slack user groups, looked up when they act."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from commands.kit.clock import Clock
from commands.kit.errors import UserError
from commands.kit.policy import Role, Roles
from infra.http.waits import seconds_asked

FRESH = timedelta(seconds=30)
TOO_MANY, SHORTEST_REST = 429, 1.0
FRESH_CHANNEL = timedelta(minutes=1)
MOST_MEMBERS = 1000
MOST_ADDRESSES = 1000


class Unanswered(UserError):
    """Slack does not say what must be known. Its cause is what Slack's client raised, if that did."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem, "Nothing was changed. Try again in a minute.")

    @property
    def rest_asked(self) -> float | None:
        """Seconds for which Slack wants to be asked no more; None where it does not say so."""
        refused = self.__cause__
        if not isinstance(refused, SlackApiError) or refused.response.status_code != TOO_MANY:
            return None
        return seconds_asked(refused.response.headers) or SHORTEST_REST


@dataclass(frozen=True)
class Person:
    """A Slack user, as the payload of their own action names them."""

    id: str
    name: str
    is_stranger: bool = False
    """Of another workspace, in a channel that both share: "everyone" does not mean them."""


def mentions(members: Iterable[str]) -> str:
    """Groups and people as Slack shows them: "@approvers or @ana"."""
    return " or ".join(f"<!subteam^{entry}>" if entry.startswith("S") else f"<@{entry}>" for entry in members)


class Directory:
    """Answers "may this person …?". Who is in a group, and whether those named by id still have an account, is
    remembered for 30 seconds; a failed look-up means no."""

    def __init__(self, client: WebClient, roles: Roles, clock: Clock) -> None:
        self._client = client
        self._roles = roles
        self._clock = clock
        self._groups: dict[str, tuple[datetime, frozenset[str]]] = {}
        self._names: dict[str, str] = {}
        self._channels: dict[str, tuple[datetime, frozenset[str]]] = {}
        self._addresses: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def may(self, person: Person, role: Role) -> bool:
        """Raises UserError when Slack could not be asked."""
        allowed = self._roles.of(role)
        if allowed == "everyone":
            return not person.is_stranger
        return self._is_among(person, allowed, self._members)

    def is_among_now(self, person: Person, allowed: Sequence[str]) -> bool:
        """Whether the person is one of these groups and people, asked of Slack at this moment. Raises UserError."""
        return self._is_among(person, allowed, self._look_up)

    def surely_among(self, person: Person, allowed: Sequence[str]) -> bool:
        """What to offer: as remembered, and False where Slack could not be asked."""
        try:
            return self._is_among(person, allowed, self._members)
        except UserError:
            return False

    def _is_among(
        self, person: Person, allowed: Sequence[str], members: Callable[[str], frozenset[str]]
    ) -> bool:
        unknown: UserError | None = None
        for entry in (each for each in allowed if each == person.id or each.startswith("S")):
            try:
                if person.id in members(entry):
                    return True
            except UserError as failed:
                unknown = failed
        if unknown:
            raise unknown
        return False

    def surely_may(self, person: Person, role: Role) -> bool:
        """What to offer: False also where Slack could not be asked."""
        try:
            return self.may(person, role)
        except UserError:
            return False

    def require(self, person: Person, role: Role) -> None:
        """Raises UserError unless this person has this role now."""
        if self.may(person, role):
            return
        allowed = self._roles.of(role)
        if allowed == "everyone":
            raise UserError(
                "Spotter answers people of its own workspace only.", "Ask somebody there to look for you."
            )
        if allowed:
            raise UserError(
                f"This needs the role *{role}*, and you do not have it.", f"Ask {mentions(allowed)}."
            )
        raise UserError(
            f"Nobody has the role *{role}* yet.", "Whoever runs Spotter can name people in spotter.toml."
        )

    def named(self, user: str) -> Person:
        """The person behind an id, by the name of their account; by the id itself where Slack does not say."""
        with self._lock:
            known = self._names.get(user)
        if known is None:
            try:
                known = str(self._client.users_info(user=user)["user"]["name"])
            except (SlackApiError, SlackClientError, OSError, KeyError):
                return Person(user, user)
            with self._lock:
                self._names[user] = known
        return Person(user, known)

    def zone_of(self, person: Person) -> str | None:
        """The time zone of their profile, such as Europe/Berlin; None where Slack does not say."""
        try:
            return str(self._client.users_info(user=person.id)["user"]["tz"]) or None
        except (SlackApiError, SlackClientError, OSError, KeyError):
            return None

    def is_in(self, person: Person, channel: str) -> bool:
        """Whether the person is in a channel, remembered for a minute; False also where Slack does not say."""
        with self._lock:
            known = self._channels.get(channel)
        if known is None or not self._is_within(FRESH_CHANNEL, known[0]):
            known = (self._clock.now(), self._list_members(channel))
            with self._lock:
                self._channels[channel] = known
        return person.id in known[1]

    def _list_members(self, channel: str) -> frozenset[str]:
        try:
            answer = self._client.conversations_members(channel=channel, limit=MOST_MEMBERS)
        except (SlackApiError, SlackClientError, OSError):
            return frozenset()
        return frozenset(answer.get("members") or [])

    def require_spotter_in(self, channel: str) -> None:
        """Raises UserError where Spotter cannot write: its own posts are what it must be able to read there."""
        if channel[0] in "UW":
            return  # a person is written to in their own conversation with Spotter
        try:
            self._client.conversations_history(channel=channel, limit=1)
        except SlackApiError as refused:
            if refused.response.get("error") not in ("not_in_channel", "channel_not_found"):
                raise Unanswered("Slack did not say whether Spotter is in this channel.") from refused
            raise UserError(
                "Spotter is not in this channel, so it cannot post here.",
                "Type `/invite @Spotter` here, then try again.",
            ) from refused
        except (SlackClientError, OSError) as lost:
            raise Unanswered("Slack did not say whether Spotter is in this channel.") from lost

    def link_to(self, channel: str, ts: str) -> str | None:
        """The address of a message, which is asked for once; None where Slack does not say."""
        known = self._addresses.get((channel, ts))
        if known is not None:
            return known
        try:
            address = str(self._client.chat_getPermalink(channel=channel, message_ts=ts)["permalink"])
        except (SlackApiError, SlackClientError, OSError, KeyError):
            return None
        if len(self._addresses) >= MOST_ADDRESSES:
            self._addresses = {}
        self._addresses[channel, ts] = address
        return address

    def refresh(self) -> None:
        """Look up every group that a role names, so that people who act do not wait for it."""
        named = [getattr(self._roles, role) for role in Roles.model_fields]
        entries = {entry for members in named if isinstance(members, list) for entry in members}
        unknown: UserError | None = None
        for group in sorted(entry for entry in entries if entry.startswith("S")):
            try:
                self._look_up(group)
            except UserError as failed:
                unknown = failed
        if unknown:
            raise unknown

    def _members(self, entry: str) -> frozenset[str]:
        with self._lock:
            known = self._groups.get(entry)
        if known and self._is_within(FRESH, known[0]):
            return known[1]
        return self._look_up(entry)

    def _is_within(self, span: timedelta, asked: datetime) -> bool:
        """Whether it was asked so lately; not where the clock was set back meanwhile."""
        return timedelta() <= self._clock.now() - asked < span

    def _look_up(self, entry: str) -> frozenset[str]:
        """Who is in a group; of a person themselves, as long as they have an account: Slack takes those who have none
        any more out of groups, but not out of our policy."""
        asked = self._clock.now()
        try:
            if entry.startswith("S"):
                members = frozenset(self._client.usergroups_users_list(usergroup=entry).get("users") or [])
            else:
                user = self._client.users_info(user=entry)["user"]
                members = frozenset() if user["deleted"] else frozenset([entry])
        except (SlackApiError, SlackClientError, OSError, KeyError) as failed:
            told = "Slack did not say who is in the group that may do this, so the answer is no for now."
            raise Unanswered(told) from failed
        with self._lock:
            self._groups[entry] = (asked, members)
        return members
