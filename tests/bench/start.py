"""Start: from the start of the process to the first command that is acknowledged, and to its answer, in turns with a
bare Bolt app; and memory then, and when Azure, Azure DevOps and the store have been read. On SQLite, where what only
tells is acknowledged before all is loaded that answers it.
"""

import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from operator import gt
from pathlib import Path

from sandbox.world import World
from tests.bench.contestants import Contestant, Loop, wait
from tests.bench.table import Row, at_most, figure
from tests.bench.workshop import seeded_world

BAR_START, BAR_BEFORE, BAR_AFTER = 1.5, 2.0, 200.0
STARTS, STARTS_QUICK, IMPORTS = 9, 3, 5
SDK = "azure.ai.ml"
LOOKED_AT = ("/computes", "/models")


def measure(*, quick: bool) -> Iterator[Row]:
    with seeded_world() as (world, settings, folder), closing(Loop()) as loop:
        for over_http in (False, True):
            yield from _of(settings, folder, loop, world, STARTS_QUICK if quick else STARTS, over_http)
    yield from _imports()


def _of(
    settings: dict[str, str], folder: Path, loop: Loop, world: World, starts: int, over_http: bool
) -> Iterator[Row]:
    transport = "HTTP" if over_http else "Socket Mode"
    spotter = Contestant("Spotter", "bot.cli run", settings, folder, loop, over_http=over_http)
    bare = Contestant("bare Bolt", "tests.bench.bare_bolt", settings, folder, loop, over_http=over_http)
    first = spotter.start()
    yield Row(f"{transport}: the very first start, which makes the store", f"{figure(first)} s")
    spotter.stop()
    took: dict[str, list[float]] = {spotter.name: [], bare.name: []}
    answered: dict[str, list[float]] = {spotter.name: [], bare.name: []}
    memory: dict[str, list[float]] = {spotter.name: [], bare.name: []}
    for _ in range(starts):
        for bot in (spotter, bare):
            took[bot.name].append(bot.start())
            answered[bot.name].append(bot.answered())
            memory[bot.name].append(bot.memory())
            bot.stop()
    ours, theirs = (statistics.median(took[bot.name]) for bot in (spotter, bare))
    told = f"{figure(ours)} s, {ours / theirs:.2f}× of {figure(theirs)} s"
    yield Row(
        f"{transport}: start to first command acknowledged",
        told,
        f"≤ {BAR_START}×",
        ours / theirs <= BAR_START,
    )
    ours, theirs = (statistics.median(answered[bot.name]) for bot in (spotter, bare))
    told = f"{figure(ours)} s, {ours / theirs:.2f}× of {figure(theirs)} s"
    yield Row(f"{transport}: start to its answer", told, f"≤ {BAR_START}×", ours / theirs <= BAR_START)
    ours, theirs = (statistics.median(memory[bot.name]) for bot in (spotter, bare))
    told = f"{ours:.0f} MB, {ours / theirs:.2f}× of {theirs:.0f} MB"
    yield Row(f"{transport}: memory then", told, f"≤ {BAR_BEFORE}×", ours / theirs <= BAR_BEFORE)
    before = _looks(world)
    spotter.start()
    wait(lambda: all(map(gt, _looks(world), before)) and world.was_read(), "the workspace was read")
    yield at_most(f"{transport}: memory when the workspace was read", spotter.memory(), BAR_AFTER, "MB")
    spotter.close()
    bare.close()


def _looks(world: World) -> list[int]:
    """How often each was looked at."""
    return [len(world.azure_faults.log("GET", path)) for path in LOOKED_AT]


def _imports() -> Iterator[Row]:
    """What Azure's own SDK would cost, for Spotter asks Azure by raw calls on azure-core instead."""
    for what, module in (
        ("all before its door is open", "bot.door"),
        ("all that the bot imports", "bot.app"),
        ("its client of Azure ML alone", "infra.azureml.workspace"),
        ("azure-ai-ml's client instead", SDK),
    ):
        runs = [_imported(module) for _ in range(IMPORTS)]
        seconds, megabytes = (statistics.median(values) for values in zip(*runs, strict=True))
        yield Row(f"import: {what}", f"{figure(seconds)} s, {megabytes:.0f} MB")


def _imported(module: str) -> tuple[float, float]:
    """Seconds and resident megabytes of a process that imports it."""
    script = (
        "import sys, time; began = time.perf_counter(); __import__(sys.argv[1]); "
        "took = time.perf_counter() - began; status = open('/proc/self/status').read(); "
        "print(took, int(status.partition('VmRSS:')[2].split()[0]) / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", script, module], capture_output=True, text=True, check=True)
    seconds, megabytes = done.stdout.split()
    return float(seconds), float(megabytes)
