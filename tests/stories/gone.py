"""A process that lives while its network is gone: what it sends arrives nowhere, or much later."""

import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.faults import Fault, Faults, Logged
from sandbox.world import World

POSTGRESQL = ".s.PGSQL.5432"
CHUNK = 65536
ALWAYS = 1_000_000


class Wire:
    """Leads to a PostgreSQL that is at a socket in `there`; clients find it in `folder`. While it is cut nothing comes
    through, and nobody is told so; what was sent arrives once it is mended."""

    def __init__(self, there: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="wire-", dir="/tmp"))  # a socket's path must be short
        self._there = there / POSTGRESQL
        self._whole = threading.Event()
        self._whole.set()
        self._sockets: list[socket.socket] = []
        self._listening = self._keep(socket.socket(socket.AF_UNIX))
        self._listening.bind(str(self.folder / POSTGRESQL))
        self._listening.listen(100)
        self._begin(self._accept)

    def cut(self) -> None:
        self._whole.clear()

    def mend(self) -> None:
        self._whole.set()

    def close(self) -> None:
        self.mend()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        shutil.rmtree(self.folder)

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                here = self._keep(self._listening.accept()[0])
                self._whole.wait()
                there = self._keep(socket.socket(socket.AF_UNIX))
                there.connect(str(self._there))
                self._begin(self._carry, here, there)
                self._begin(self._carry, there, here)

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while sent := one.recv(CHUNK):
                self._whole.wait()
                other.sendall(sent)
        with suppress(OSError):
            other.shutdown(socket.SHUT_WR)

    def _keep(self, made: socket.socket) -> socket.socket:
        self._sockets.append(made)
        return made

    def _begin(self, work: Callable[..., None], *given: socket.socket) -> None:
        threading.Thread(target=work, args=given, daemon=True).start()


@dataclass(eq=False)
class Of(Fault):
    """A fault for what one process sends; `seen` is what that was."""

    pid: int = 0
    seen: list[str] = field(default_factory=list)

    def matches(self, asked: Logged) -> bool:
        if asked.peer not in ports_of(self.pid):
            return False
        self.seen.append(f"{asked.method} {asked.path.partition('?')[0]}")
        return self.times > 0


def ports_of(pid: int) -> set[int]:
    """From which a process has connections."""
    inodes = {
        name.removeprefix("socket:[").removesuffix("]")
        for each in Path(f"/proc/{pid}/fd").iterdir()
        if (name := _target(each)).startswith("socket:")
    }
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].partition(":")[2], 16) for row in rows if row[9] in inodes}


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:  # closed meanwhile
        return ""


def _every(world: World) -> list[Faults]:
    return [world.slack_faults, world.azure_faults, world.devops_faults, world.edge_faults]


@contextmanager
def without_network(world: World, pid: int, wire: Wire) -> Iterator[None]:
    """What the process sends meanwhile arrives when that is over."""
    held = [(faults, faults.arm(Of("*", "", "hang_before", ALWAYS, pid=pid))) for faults in _every(world)]
    wire.cut()
    world.slack.cut_connections()
    try:
        yield
    finally:
        wire.mend()
        for faults, fault in held:
            faults.disarm(fault)


def watched(world: World, pid: int) -> list[str]:
    """Fills with what the process sends from now on, as method and path."""
    seen: list[str] = []
    for faults in _every(world):
        faults.arm(Of("*", "", "hang_before", 0, pid=pid, seen=seen))
    return seen
