"""Compute clusters that really scale: nodes come up, take a run each, and go when they idle."""

import asyncio
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sandbox.azure.pace import Pace
from sandbox.azure.times import arm_time, now
from sandbox.azure.vm import VmSize

STATES = ("idle", "running", "preparing", "unusable", "leaving", "preempted")


class NodeLostError(Exception):
    """The machine went away under a run."""


@dataclass(eq=False)
class Node:
    address: str
    port: int
    node_id: str = field(default_factory=lambda: f"tvmps_{uuid.uuid4().hex}_d")
    state: str = "preparing"
    run_id: str | None = None
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    idle_timer: asyncio.TimerHandle | None = None


@dataclass(eq=False)
class Ticket:
    """A run's place in a cluster's queue."""

    run_id: str
    granted: asyncio.Future[Node]


class Cluster:
    """An AmlCompute cluster. Methods run on the twin's event loop."""

    def __init__(
        self,
        name: str,
        size: VmSize,
        minimum: int,
        maximum: int,
        pace: Callable[[], Pace],
        quota: Callable[[], str | None],
        freed: Callable[[], None],
    ) -> None:
        self.name = name
        self.size = size
        self.minimum = minimum
        self.maximum = maximum
        self.priority = "Dedicated"
        self.idle_time = "PT3M"
        self.identity: dict[str, Any] | None = None
        self.ready_at = 0.0
        self.description = ""
        self.tags: dict[str, str] = {}
        self.created = now()
        self.modified = now()
        self.transition = now()
        self.nodes: list[Node] = []
        self.queue: deque[Ticket] = deque()
        self.errors: list[dict[str, Any]] = []
        self.no_capacity: str | None = None
        self._pace = pace
        self._quota = quota
        self._freed = freed
        self._addresses = count(4)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def target(self) -> int:
        """Nodes wanted now: the busy ones, those that may still idle, and one for each waiting run, within bounds."""
        staying = sum(node.state in ("running", "preparing", "idle", "unusable") for node in self.nodes)
        wanted = staying + max(0, len(self.queue) - self._count("preparing") - self._count("idle"))
        return max(self.minimum, min(self.maximum, wanted))

    @property
    def allocation_state(self) -> str:
        return (
            "Resizing" if self._count("preparing", "leaving") or self.target > len(self.nodes) else "Steady"
        )

    def counts(self) -> dict[str, int]:
        return {f"{state}NodeCount": self._count(state) for state in STATES}

    def _count(self, *states: str) -> int:
        return sum(node.state in states for node in self.nodes)

    async def acquire(self, run_id: str) -> Node:
        """Waits in line for a machine of one's own."""
        ticket = Ticket(run_id, asyncio.get_running_loop().create_future())
        self.queue.append(ticket)
        self.settle()
        try:
            return await ticket.granted
        except asyncio.CancelledError:
            if ticket in self.queue:
                self.queue.remove(ticket)
            if ticket.granted.done() and not ticket.granted.cancelled():
                self.release(ticket.granted.result())
            raise

    def release(self, node: Node) -> None:
        node.run_id = None
        if node.state == "running":
            node.state = "idle"
            self._let_idle(node)
        self.settle()

    def settle(self) -> None:
        """Gives idle machines to those who wait, and starts more where the bounds and the quota allow."""
        for node in [n for n in self.nodes if n.state == "idle"][: max(0, len(self.nodes) - self.maximum)]:
            self.nodes.remove(node)
        for node in self.nodes:
            if node.state == "idle" and (ticket := self._next()):
                self._grant(node, ticket)
        while len(self.nodes) < self.target and not self._blocked():
            node = Node(f"10.0.0.{next(self._addresses)}", 50000 + len(self.nodes))
            self.nodes.append(node)
            self.transition = now()
            task = asyncio.get_running_loop().create_task(self._boot(node))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _next(self) -> Ticket | None:
        """Who has waited longest and waits still: one that was cancelled a moment ago may stand in the queue yet."""
        while self.queue:
            if not (ticket := self.queue.popleft()).granted.done():
                return ticket
        return None

    def _blocked(self) -> bool:
        reason = self.no_capacity or self._quota()
        if reason is None:
            self.errors = []
            return False
        code, message = reason.split(": ", 1)
        if not self.errors or self.errors[0]["error"]["code"] != code:
            self.transition = now()
            self.errors = [{"error": {"code": code, "message": message, "details": []}}]
        return True

    def _grant(self, node: Node, ticket: Ticket) -> None:
        if node.idle_timer:
            node.idle_timer.cancel()
        node.state, node.run_id = "running", ticket.run_id
        ticket.granted.set_result(node)

    async def _boot(self, node: Node) -> None:
        await asyncio.sleep(self._pace().node_start)
        if node.state == "preparing":
            node.state = "idle"
            self.transition = now()
            self._let_idle(node)
            self.settle()

    def _let_idle(self, node: Node) -> None:
        loop = asyncio.get_running_loop()
        node.idle_timer = loop.call_later(self._pace().idle_scale_down, self._scale_down, node)

    def _scale_down(self, node: Node) -> None:
        if node in self.nodes and node.state == "idle" and len(self.nodes) > self.minimum:
            self.nodes.remove(node)
            self.transition = now()
            self._freed()

    def lose(self, node: Node, state: str = "preempted") -> None:
        """The machine is taken away; the run on it notices. An unusable node stays and counts."""
        node.state = state
        node.lost.set()
        self.transition = now()
        if state != "unusable":
            self.nodes.remove(node)
        self._freed()

    def delete(self) -> None:
        """The cluster goes away under all who run on it or wait for it."""
        for node in list(self.nodes):
            self.lose(node, "deleted")
        for ticket in self.queue:
            if not ticket.granted.done():
                ticket.granted.set_exception(NodeLostError("deleted"))
        self.queue.clear()
        self.close()

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for node in self.nodes:
            if node.idle_timer:
                node.idle_timer.cancel()
        self.nodes.clear()

    def why_wait(self, run_id: str) -> str:
        """What the queue tells a run that has no machine yet."""
        if self.maximum == 0:
            return f"Cluster {self.name} has a maximum of 0 nodes."
        if self.errors:
            return str(self.errors[0]["error"]["message"])
        if self._count("preparing"):
            return f"Waiting for cluster {self.name} to start {self._count('preparing')} node(s)."
        if broken := self._count("unusable"):
            return f"{broken} of {len(self.nodes)} node(s) of cluster {self.name} are unusable."
        ahead = next((i for i, ticket in enumerate(self.queue) if ticket.run_id == run_id), 0)
        busy = f"All {len(self.nodes)} node(s) of cluster {self.name} are in use"
        return f"{busy}; {ahead} run(s) ahead in the queue."

    def listed_nodes(self) -> list[dict[str, Any]]:
        return [
            {
                "nodeId": node.node_id,
                "privateIpAddress": node.address,
                "publicIpAddress": None,
                "port": node.port,
                "nodeState": node.state,
                "runId": node.run_id,
            }
            for node in self.nodes
        ]

    def properties(self) -> dict[str, Any]:
        """The inner `properties` of the compute resource."""
        return {
            "vmSize": self.size.name,
            "vmPriority": self.priority,
            "osType": "Linux",
            "virtualMachineImage": None,
            "isolatedNetwork": False,
            "subnet": None,
            "scaleSettings": {
                "minNodeCount": self.minimum,
                "maxNodeCount": self.maximum,
                "nodeIdleTimeBeforeScaleDown": self.idle_time,
            },
            "remoteLoginPortPublicAccess": "Enabled",
            "allocationState": self.allocation_state,
            "allocationStateTransitionTime": arm_time(self.transition),
            "errors": self.errors or None,
            "currentNodeCount": len(self.nodes),
            "targetNodeCount": self.target,
            "nodeStateCounts": self.counts(),
            "enableNodePublicIp": True,
        }
