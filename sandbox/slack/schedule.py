"""Messages to be posted later (chat.scheduleMessage)."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from .refusal import Json, Refused
from .workspace import Workspace

FURTHEST = 120 * 24 * 3600


@dataclass(eq=False)
class Scheduled:
    id: str
    channel: str
    post_at: int
    text: str
    created: int
    timer: "asyncio.Task[None] | None" = None

    def json(self) -> Json:
        return {
            "id": self.id,
            "channel_id": self.channel,
            "post_at": self.post_at,
            "date_created": self.created,
            "text": self.text,
        }


class Schedule:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._waiting: dict[str, Scheduled] = {}

    def add(self, channel: str, post_at: int, text: str, post: Callable[[], object]) -> Scheduled:
        """:raises Refused: `time_in_past`, or `time_too_far` beyond 120 days"""
        now = self._workspace.clock()
        if post_at <= now:
            raise Refused("time_in_past")
        if post_at > now + FURTHEST:
            raise Refused("time_too_far")
        scheduled = Scheduled(self._workspace.fresh_id("Q"), channel, post_at, text, int(now))
        self._waiting[scheduled.id] = scheduled
        scheduled.timer = asyncio.get_running_loop().create_task(self._wait(scheduled, post))
        return scheduled

    def waiting(self, channel: str = "") -> list[Scheduled]:
        found = [s for s in self._waiting.values() if channel in ("", s.channel)]
        return sorted(found, key=lambda scheduled: scheduled.post_at)

    def remove(self, channel: str, scheduled_id: str) -> None:
        scheduled = self._waiting.get(scheduled_id)
        if scheduled is None or scheduled.channel != channel:
            raise Refused("invalid_scheduled_message_id")
        del self._waiting[scheduled_id]
        if scheduled.timer:
            scheduled.timer.cancel()

    async def _wait(self, scheduled: Scheduled, post: Callable[[], object]) -> None:
        await asyncio.sleep(max(0.0, scheduled.post_at - self._workspace.clock()))
        del self._waiting[scheduled.id]
        with contextlib.suppress(Refused):
            post()

    def close(self) -> None:
        for scheduled in self._waiting.values():
            if scheduled.timer:
                scheduled.timer.cancel()
