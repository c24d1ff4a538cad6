"""Agents of a pool, and the queue of jobs that wait for one."""

import asyncio
from dataclasses import dataclass, field

from sandbox.devops.timeline import Record

OFFLINE = "All eligible agents are disabled or offline"
BUSY = "All potential agents are running other requests. Current position in queue: {position}"


@dataclass(eq=False)
class Agent:
    id: int
    name: str
    enabled: bool = True
    online: bool = True
    runs: str | None = None
    """Name of the job that it runs."""


@dataclass(eq=False)
class AgentPool:
    """First come, first served. While a job waits, its record carries the reason as a warning."""

    id: int
    name: str
    hosted: bool
    agents: list[Agent]
    _waiting: list[tuple[Record, asyncio.Future[Agent]]] = field(default_factory=list)

    async def acquire(self, record: Record) -> Agent:
        future: asyncio.Future[Agent] = asyncio.get_running_loop().create_future()
        self._waiting.append((record, future))
        self.settle()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.release(future.result())
            raise
        finally:
            self._waiting = [(other, wanted) for other, wanted in self._waiting if wanted is not future]
            record.issues.clear()
            self.settle()

    def release(self, agent: Agent) -> None:
        agent.runs = None
        self.settle()

    def settle(self) -> None:
        """Gives free agents to those who wait longest, and tells the others why they wait."""
        free = [agent for agent in self.agents if agent.online and agent.enabled and agent.runs is None]
        position = 0
        for record, future in self._waiting:
            if future.done():
                continue
            record.issues.clear()
            if free:
                agent = free.pop(0)
                agent.runs = record.name
                future.set_result(agent)
                continue
            position += 1
            able = any(agent.online and agent.enabled for agent in self.agents)
            record.issue("warning", BUSY.format(position=position) if able else OFFLINE)

    def set_online(self, online: bool) -> None:
        for agent in self.agents:
            agent.online = online
        self.settle()
