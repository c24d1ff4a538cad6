"""The way from Slack to the app: one question at a time, events with redelivery."""

import asyncio
from dataclasses import dataclass, field
from typing import Literal, Protocol

from .refusal import Json

Kind = Literal["slash_commands", "interactive", "events_api"]
ANSWER_SECONDS = 3.0
REDELIVERY = (0.0, 60.0, 300.0)


@dataclass(frozen=True)
class Answer:
    """`acked` with the app's payload (empty when it sent none), `timeout` when none came in time, or `unreachable`."""

    outcome: Literal["acked", "timeout", "unreachable"]
    payload: Json = field(default_factory=dict)
    reason: str = ""
    retry: bool = True


@dataclass(frozen=True)
class Retry:
    number: int
    reason: str


class Transport(Protocol):
    """Socket Mode or signed HTTP requests."""

    async def send(
        self, kind: Kind, payload: Json, *, answerable: bool, retry: Retry | None = None
    ) -> Answer: ...


class AppLink:
    """Commands and interactions are sent once; events again at once, after a minute and after five."""

    def __init__(self, redelivery: tuple[float, ...] = REDELIVERY) -> None:
        self.transport: Transport | None = None
        self._redelivery = redelivery
        self._last: dict[Kind, tuple[Json, bool]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def ask(self, kind: Kind, payload: Json, *, answerable: bool = True) -> Answer:
        if self.transport is None:
            return Answer("unreachable")
        self._last[kind] = payload, answerable
        return await self.transport.send(kind, payload, answerable=answerable)

    async def repeat(self, kind: Kind, times: int) -> list[Answer]:
        """The last question of this kind again, `times` at once."""
        payload, answerable = self._last[kind]
        return await asyncio.gather(*(self.ask(kind, payload, answerable=answerable) for _ in range(times)))

    def tell(self, event: Json) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(event))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _deliver(self, event: Json) -> None:
        self._last["events_api"] = event, False
        retry = None
        for number, delay in enumerate((*self._redelivery, None), start=1):
            if self.transport is None:
                return
            answer = await self.transport.send("events_api", event, answerable=False, retry=retry)
            if answer.outcome == "acked" or not answer.retry or delay is None:
                return
            await asyncio.sleep(delay)
            retry = Retry(number, answer.reason)

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
