"""How much of its machine a process takes while it works, and whether that grows."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Vitals:
    """At one moment, `at` seconds after the first look. `memory` is resident, in bytes; `tasks` of asyncio, as far as
    they can be seen."""

    at: float
    memory: int
    files: int
    threads: int
    tasks: int = 0

    def __str__(self) -> str:
        seen = f", {self.tasks} tasks" if self.tasks else ""
        return f"{self.memory / MEGABYTE:.1f} MB, {self.files} files, {self.threads} threads{seen}"


class Watch:
    """Looks at a process again and again. `loop` is its event loop, where that is in this process."""

    def __init__(
        self, name: str, pid: Callable[[], int], loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        self.name = name
        self.seen: list[Vitals] = []
        self._pid = pid
        self._loop = loop
        self._began = time.monotonic()

    def look(self) -> Vitals:
        process = Path("/proc") / str(self._pid())
        pages = int((process / "statm").read_text().split()[1])
        self.seen.append(
            Vitals(
                at=time.monotonic() - self._began,
                memory=pages * os.sysconf("SC_PAGE_SIZE"),
                files=len(list((process / "fd").iterdir())),
                threads=len(list((process / "task").iterdir())),
                tasks=len(asyncio.all_tasks(self._loop)) if self._loop else 0,
            )
        )
        return self.seen[-1]


@dataclass(frozen=True)
class Growth:
    """From the first third after the warm-up to the last third: of memory the medians, in bytes, of all else the
    highest counts."""

    memory: tuple[float, float]
    files: tuple[int, int]
    threads: tuple[int, int]
    tasks: tuple[int, int]

    def __str__(self) -> str:
        first, last = (value / MEGABYTE for value in self.memory)
        counts = ", ".join(f"{name} {getattr(self, name)}" for name in ("files", "threads", "tasks"))
        return f"memory {first:.1f} to {last:.1f} MB, {counts}"


def growth(seen: Sequence[Vitals], warm_up: float) -> Growth:
    """`warm_up` is in seconds."""
    warm = [each for each in seen if each.at >= warm_up]
    third = len(warm) // 3
    first, last = warm[:third], warm[-third:]
    most = {
        name: (max(getattr(each, name) for each in first), max(getattr(each, name) for each in last))
        for name in ("files", "threads", "tasks")
    }
    return Growth((median(each.memory for each in first), median(each.memory for each in last)), **most)
