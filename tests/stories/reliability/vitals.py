"""How much of its machine a process takes while it works, and whether that grows."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

MEGABYTE = 1024 * 1024
COUNTS = ("files", "sockets", "database", "threads", "tasks")


@dataclass(frozen=True)
class Vitals:
    """At one moment, `at` seconds after the first look. `memory` is resident, in bytes. Of the open `files` some are
    `sockets`, and some the `database`, one for each connection to it; `tasks` of asyncio, as far as they can be seen."""

    at: float
    memory: int
    files: int
    sockets: int
    database: int
    threads: int
    tasks: int

    def __str__(self) -> str:
        counts = ", ".join(f"{getattr(self, name)} {name}" for name in COUNTS if getattr(self, name))
        return f"{self.memory / MEGABYTE:.1f} MB, {counts}"


class Watch:
    """Looks at a process again and again. `database` is its SQLite file, and `loop` its event loop, where that is in
    this process."""

    def __init__(
        self,
        name: str,
        pid: Callable[[], int],
        database: Path,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.name = name
        self.seen: list[Vitals] = []
        self._pid = pid
        self._database = str(database)
        self._loop = loop
        self._began = time.monotonic()

    def look(self) -> Vitals:
        process = Path("/proc") / str(self._pid())
        pages = int((process / "statm").read_text().split()[1])
        open_now = list(_open_files(process))
        self.seen.append(
            Vitals(
                at=time.monotonic() - self._began,
                memory=pages * os.sysconf("SC_PAGE_SIZE"),
                files=len(open_now),
                sockets=sum(name.startswith("socket:") for name in open_now),
                database=open_now.count(self._database),
                threads=len(list((process / "task").iterdir())),
                tasks=len(asyncio.all_tasks(self._loop)) if self._loop else 0,
            )
        )
        return self.seen[-1]


def _open_files(process: Path) -> Iterator[str]:
    for each in (process / "fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            yield str(each.readlink())


@dataclass(frozen=True)
class Growth:
    """From the first third after the warm-up to the last third: of memory the medians, in bytes, of all else the
    highest counts, by name."""

    memory: tuple[float, float]
    counts: Mapping[str, tuple[int, int]]

    def __str__(self) -> str:
        first, last = (value / MEGABYTE for value in self.memory)
        counts = ", ".join(f"{name} {first} to {last}" for name, (first, last) in self.counts.items())
        return f"memory {first:.1f} to {last:.1f} MB, {counts}"


def growth(seen: Sequence[Vitals], warm_up: float) -> Growth:
    """`warm_up` is in seconds."""
    warm = [each for each in seen if each.at >= warm_up]
    third = len(warm) // 3
    first, last = warm[:third], warm[-third:]
    most = {
        name: (max(getattr(each, name) for each in first), max(getattr(each, name) for each in last))
        for name in COUNTS
    }
    return Growth((median(each.memory for each in first), median(each.memory for each in last)), most)
