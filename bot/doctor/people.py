"""Slack's user groups and people, as the policy names them by id."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.doctor.finding import Verdict, ok, problem


class People:
    def __init__(self, client: WebClient) -> None:
        self._bot = client
        self._known_groups: dict[str, Mapping[str, Any]] | None = None
        self._listing = threading.Lock()

    def look(self, members: Sequence[str], where: str) -> Callable[[], Verdict]:
        def look() -> Verdict:
            told = [self._member(member) for member in members]
            if wrong := [why for why, is_fine in told if not is_fine]:
                return problem(
                    " ".join(wrong),
                    f"Correct {where} in spotter.toml. The id is in the ⋯ menu of a group, or of a person's profile.",
                )
            return ok(f"{', '.join(why for why, _ in told)}.")

        return look

    def _member(self, member: str) -> tuple[str, bool]:
        """Who is behind an id, and whether that is somebody who can act."""
        if member.startswith("S"):
            group = self._groups().get(member)
            if group is None:
                return f"There is no user group {member}, or it is switched off.", False
            if not group.get("user_count"):
                return f"The user group @{group.get('handle')} is empty.", False
            return f"@{group.get('handle')} ({group.get('user_count')})", True
        try:
            person: Any = self._bot.users_info(user=member)["user"]
        except SlackApiError as refused:
            if refused.response.get("error") in ("user_not_found", "users_not_found", "user_not_visible"):
                return f"There is no person {member}.", False
            raise
        if person.get("deleted"):
            return f"{member} has left.", False
        return f"@{person.get('name')}", True

    def _groups(self) -> dict[str, Mapping[str, Any]]:
        with self._listing:
            if self._known_groups is None:
                told: Any = self._bot.usergroups_list(include_count=True)
                self._known_groups = {group["id"]: group for group in told.get("usergroups") or []}
            return self._known_groups
