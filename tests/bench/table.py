"""What the bench prints and writes down: for each thing measured its figure, its bar, and whether it holds."""

import os
import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles

WIDTHS = (62, 34, 22, 4)
HEADINGS = ("what", "measured", "bar", "ok")
PAGE_HEAD = """# Performance

Written by `make bench`: each table tells on which machine and when it was measured. Ratios compare two programs that
took turns in the same run; times without a bar are there to be compared with a later run. `make bench ARGS="store"`
measures one part anew, and `--write` puts it here.
"""


@dataclass(frozen=True)
class Row:
    """One line. Without a `bar` there is nothing to hold, and `ok` is None."""

    what: str
    measured: str
    bar: str = ""
    ok: bool | None = None

    @property
    def cells(self) -> tuple[str, str, str, str]:
        return self.what, self.measured, self.bar, {None: "", True: "yes", False: "NO"}[self.ok]


def at_most(what: str, value: float, bar: float, unit: str, *, told: str = "") -> Row:
    """A row that holds where `value` is not above `bar`; `told` replaces the figure alone."""
    return Row(
        what, told or f"{figure(value)} {unit}".strip(), f"≤ {figure(bar)} {unit}".strip(), value <= bar
    )


def figure(value: float) -> str:
    """Three digits that count."""
    if value and abs(value) < 1:
        return f"{value:.2f}"
    return f"{value:.1f}" if abs(value) < 10 and value != int(value) else f"{value:,.0f}"


def p50(values: list[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[49]


def p95(values: list[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[94]


def p99(values: list[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[98]


def printed(cells: Iterable[str]) -> str:
    return " ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()


def machine() -> str:
    """What figures depend on, in a line."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {cpus} cores ({_processor()}), {_memory()}"
        f"load {os.getloadavg()[0]:.1f}, "
        f"{platform.system()} {platform.release().partition('-')[0]}, Python {platform.python_version()}"
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    named = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE) if info.exists() else None
    return named[1] if named else platform.machine()


def _memory() -> str:
    info = Path("/proc/meminfo")
    total = re.search(r"^MemTotal:\s*(\d+) kB", info.read_text()) if info.exists() else None
    return f"{int(total[1]) / 1e6:.0f} GB, " if total else ""


def write_down(page: Path, title: str, about: str, rows: list[Row]) -> None:
    """Puts a table into the page, in the place of the one that it had for this title."""
    text = page.read_text() if page.exists() else PAGE_HEAD
    head, *parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    lines = [" | ".join(("", *(cell.replace("|", "\\|") for cell in row.cells), "")).strip() for row in rows]
    made = "\n".join(
        (
            f"## {title}",
            "",
            about,
            "",
            f"*{machine()}*",
            "",
            f"| {' | '.join(HEADINGS)} |",
            "|---|---|---|---|",
            *lines,
        )
    )
    there = {part.partition("\n")[0]: part.rstrip() for part in parts}
    there[f"## {title}"] = made
    page.write_text("\n\n".join((head.rstrip(), *there.values())) + "\n")
