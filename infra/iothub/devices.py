"""The devices as their twins tell: what each was told to run, what runs, and what the module says of itself."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from infra.http.errors import Throttled
from infra.http.fields import mapping, moment, storable, text, texts, whole
from infra.iothub.connection import Connection
from infra.iothub.deployments import MODULE
from infra.iothub.errors import Resting

AGENT, EDGE_HUB = "$edgeAgent", "$edgeHub"
LONGEST_LIST = 7000
"""Of names in a query, which may have 8 KB in all."""
DEVICES = "SELECT * FROM devices WHERE capabilities.iotEdge = true"
MODULES = f"SELECT * FROM devices.modules WHERE moduleId IN ['{AGENT}', '{EDGE_HUB}', '{MODULE}']"  # noqa: S608  # constants
NEVER = 1  # the year in which IoT Hub says "never"


@dataclass(frozen=True)
class Order:
    """What the hub told the edge agent. `taken` is the version of it that the agent has seen; `code` is as in
    HTTP (200 done, 400 and 412 it is wrong, 417 it is empty, 500 a step failed, 406 the agent is not running).
    """

    image: str = ""
    version: int = 0
    taken: int | None = None
    code: int | None = None
    description: str = ""

    @property
    def was_taken(self) -> bool:
        return self.taken is not None and self.taken >= self.version


@dataclass(frozen=True)
class Module:
    """The module as the edge agent sees it. `status` is the agent's word: running, backoff, failed, unknown…"""

    image: str
    status: str
    exit_code: int | None
    description: str
    restarts: int


@dataclass(frozen=True)
class Report:
    """What the module says of itself; `health` is starting, ok or failed, empty where it never said anything."""

    model: str = ""
    version: str = ""
    health: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Device:
    """`deployments` is by id Applied, or Targeted where another one won. `is_connected` is of the device's edge hub."""

    id: str
    tags: Mapping[str, str]
    is_connected: bool
    last_seen: datetime | None
    deployments: Mapping[str, str] = field(default_factory=dict)
    order: Order = Order()
    module: Module | None = None
    report: Report = Report()

    @property
    def target(self) -> str:
        return self.tags.get("target", "")

    @property
    def ring(self) -> str:
        """Empty for a device that is in no ring but `all`."""
        return self.tags.get("ring", "")

    @property
    def works(self) -> bool:
        """Whether the model in `report` answers, as far as the device has told."""
        return self.module is not None and self.module.status == "running" and self.report.health == "ok"

    def was_heard(self, since: datetime) -> bool:
        """Whether it is connected now, or was in touch at `since` or later."""
        return self.is_connected or (self.last_seen is not None and self.last_seen >= since)


class Reading:
    """The edge devices of some targets, or of one ring of them, or all, read page by page: one S1 unit answers twenty
    queries in a minute, so a large plant is read over some minutes. It goes on where it was, also after trouble."""

    def __init__(self, connection: Connection, targets: Collection[str] | None, ring: str = "") -> None:
        self._connection = connection
        self._is_partial = targets is not None and sum(map(len, targets)) < LONGEST_LIST // 2
        query = f"{DEVICES} AND tags.target IN {_listed(targets or ())}" if self._is_partial else DEVICES
        self._queries: deque[str] = deque([f"{query} AND tags.ring IN {_listed([ring])}" if ring else query])
        self._continuation = ""
        self._twins: dict[str, Any] = {}
        self._modules: dict[str, dict[str, Any]] = {}

    def goes_on(self, pages: int) -> list[Device] | None:
        """Reads so many pages more; all devices by id when all are read. Raises Resting where the hub answered some
        pages but no more, Throttled where it answered none."""
        for page in range(pages):
            if not self._queries:
                break
            try:
                self._read_page()
            except Throttled as throttled:
                if not page:
                    raise
                raise Resting(throttled.message, retry_after=throttled.retry_after) from throttled
        if self._queries:
            return None
        return [_device(self._twins[name], self._modules[name]) for name in sorted(self._twins)]

    def _read_page(self) -> None:
        query = self._queries[0]
        rows, self._continuation = self._connection.page(query, self._continuation)
        for row in rows:
            name = text(row, "deviceId")
            if not query.startswith(MODULES):
                self._twins[name] = row
                self._modules.setdefault(name, {})
            elif name in self._modules:
                self._modules[name][text(row, "moduleId")] = row
        if not self._continuation:
            self._queries.popleft()
            if not query.startswith(MODULES):
                self._queries += self._module_queries()

    def _module_queries(self) -> list[str]:
        """A twin of a module knows nothing of its device's tags."""
        if not self._is_partial or any("'" in name for name in self._twins):
            return [MODULES]
        parts: list[list[str]] = []
        for name in sorted(self._twins):
            if not parts or len(_listed([*parts[-1], name])) > LONGEST_LIST:
                parts.append([])
            parts[-1].append(name)
        return [f"{MODULES} AND deviceId IN {_listed(part)}" for part in parts]


def _listed(names: Iterable[str]) -> str:
    return "[{}]".format(", ".join(f"'{name}'" for name in sorted(names)))


def _device(twin: Any, modules: Mapping[str, Any]) -> Device:
    agent = modules.get(AGENT, {})
    desired, reported = mapping(agent, "properties", "desired"), mapping(agent, "properties", "reported")
    configurations = mapping(agent, "configurations")
    return Device(
        id=text(twin, "deviceId"),
        tags={
            name: storable(entry) for name, entry in mapping(twin, "tags").items() if isinstance(entry, str)
        },
        # the agent's own state never changes, and a device as such seldom connects
        is_connected="Connected" in (_state(modules.get(EDGE_HUB)), _state(twin)),
        last_seen=_last_seen([twin, *modules.values()]),
        deployments={name: text(entry, "status") for name, entry in configurations.items()},
        order=Order(
            image=text(desired, "modules", MODULE, "settings", "image"),
            version=whole(desired, "$version") or 0,
            taken=whole(reported, "lastDesiredVersion"),
            code=whole(reported, "lastDesiredStatus", "code"),
            description=text(reported, "lastDesiredStatus", "description"),
        ),
        module=_module(mapping(reported, "modules", MODULE)),
        report=_report(texts(modules.get(MODULE), "properties", "reported")),
    )


def _module(told: Mapping[str, Any]) -> Module | None:
    if not told:
        return None
    return Module(
        image=text(told, "settings", "image"),
        status=text(told, "runtimeStatus") or "unknown",
        exit_code=whole(told, "exitCode"),
        description=text(told, "statusDescription"),
        restarts=whole(told, "restartCount") or 0,
    )


def _report(told: Mapping[str, str]) -> Report:
    return Report(
        model=told.get("modelName", ""),
        version=told.get("modelVersion", ""),
        health=told.get("health", ""),
        reason=told.get("reason", ""),
    )


def _state(twin: Any) -> str:
    return text(twin, "connectionState")


def _last_seen(twins: Iterable[Any]) -> datetime | None:
    times = [moment(twin, "lastActivityTime") for twin in twins]
    return max((time for time in times if time and time.year > NEVER), default=None)
