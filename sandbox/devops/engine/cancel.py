"""How a run is asked to end before its time."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class Canceled(Exception):
    """The run was canceled while this was under way."""


class Cancellation:
    def __init__(self) -> None:
        self._event = asyncio.Event()

    @property
    def asked(self) -> bool:
        return self._event.is_set()

    def ask(self) -> None:
        self._event.set()

    async def unless_asked(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of `work`; raises Canceled and ends `work` as soon as the run is canceled.

        What begins although the run was canceled (`condition: always()`) may end.
        """
        if self.asked:
            return await work
        doing = asyncio.ensure_future(work)
        asked = asyncio.ensure_future(self._event.wait())
        try:
            await asyncio.wait({doing, asked}, return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                return doing.result()
            raise Canceled
        finally:
            asked.cancel()
            if not doing.done():
                doing.cancel()
                await asyncio.gather(doing, return_exceptions=True)
