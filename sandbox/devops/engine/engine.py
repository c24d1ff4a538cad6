"""All runs that are under way."""

import asyncio
from collections.abc import Mapping

from sandbox.devops.builds import Build
from sandbox.devops.engine.execution import Execution
from sandbox.devops.hooks import Hooks
from sandbox.devops.organisation import Organisation


class Engine:
    """`outside` is given to the processes of every run."""

    def __init__(self, organisation: Organisation, hooks: Hooks, outside: Mapping[str, str]) -> None:
        self._organisation = organisation
        self._hooks = hooks
        self._outside = outside
        self._running: dict[int, tuple[Execution, asyncio.Task[None]]] = {}

    def start(self, build: Build) -> None:
        execution = Execution(self._organisation, self._hooks, build, self._outside)
        task = asyncio.get_running_loop().create_task(execution.run())
        self._running[build.id] = (execution, task)
        task.add_done_callback(lambda _: self._running.pop(build.id, None))

    def cancel(self, build: Build) -> None:
        if build.id in self._running:
            self._running[build.id][0].cancel()

    async def close(self) -> None:
        """Ends every process."""
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
