"""What people see happen, live: one stream of events per open page."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from .refusal import Json


class Feeds:
    def __init__(self) -> None:
        self._open: dict[str, set[asyncio.Queue[Json | None]]] = defaultdict(set)

    def publish(self, users: Iterable[str], event: Json) -> None:
        for user in users:
            for queue in self._open[user]:
                queue.put_nowait(event)

    @asynccontextmanager
    async def follow(self, user: str) -> AsyncIterator["asyncio.Queue[Json | None]"]:
        """Events for that person from now on; None when the twin stops."""
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        self._open[user].add(queue)
        try:
            yield queue
        finally:
            self._open[user].discard(queue)

    def close(self) -> None:
        for queues in self._open.values():
            for queue in queues:
                queue.put_nowait(None)
