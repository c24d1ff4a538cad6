"""Polling: what one look at the open trainings asks of Azure, Azure DevOps and IoT Hub, and what it costs, by how many
trainings are open. They all wait for a node. A page of Azure's list holds 30 jobs.
"""

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sandbox.world import World
from tests.bench.contestants import CHANNEL, Contestant, Loop, wait
from tests.bench.table import Row, figure
from tests.bench.workshop import PATIENCE, workshop

OPEN, OPEN_QUICK = (1, 10, 100, 1000), (1, 10)
POLICY = Path(__file__).parent / "polling.toml"
LISTED, FURTHER = r"/jobs\?", "skip="
PAGE = 30
POLLS, USUALLY_A_MINUTE = 3, 4
VARYING = re.compile(r"/model-\d+-[0-9a-z]+|[0-9a-f]{8}-[0-9a-f-]{27}")


def measure(*, quick: bool) -> Iterator[Row]:
    alone, there = 0.0, 0
    with closing(Loop()) as loop, workshop(loop, POLICY) as place:
        for number in OPEN_QUICK if quick else OPEN:
            place.ask_for(dict.fromkeys(range(there, number), CHANNEL))
            place.wait_for(number)
            there = number
            calls, spent, kinds = _polls(place.world, place.bot)
            alone = alone or calls
            minute = f"{figure(calls * USUALLY_A_MINUTE)} a minute at the usual pace"
            told = f"{figure(calls)} calls ({minute}), {spent * 1000:.0f} ms of CPU; most: {kinds}"
            pages = -(-number // PAGE)
            bar = f"≤ {figure(alone)}" + (f" and 2 a page ({pages})" if pages > 1 else "")
            yield Row(
                f"one look at {number:,} open trainings", told, bar, calls <= alone + 1 + 2 * (pages - 1)
            )


def _polls(world: World, bot: Contestant) -> tuple[float, float, str]:
    """Calls and seconds of CPU of one poll, over some polls, and what was asked most often."""
    since = time.time()
    wait(lambda: len(_looks(world, since)) > 0, "a poll begins", PATIENCE, every=0.2)
    spent = bot.cpu()
    wait(lambda: len(_looks(world, since)) > POLLS, "polls", PATIENCE, every=0.2)
    spent = bot.cpu() - spent
    first, *_, last = _looks(world, since)[: POLLS + 1]
    calls = [kind for at, kind in _asked(world) if first <= at < last]
    (kind, times), *_ = Counter(calls).most_common(1)
    return len(calls) / POLLS, spent / POLLS, f"{times / POLLS:.1f} × {kind}"


def _looks(world: World, since: float) -> list[float]:
    """When lists of jobs were begun."""
    listed = world.azure_faults.log("GET", LISTED)
    return [entry.at for entry in listed if entry.at >= since and FURTHER not in entry.path]


def _asked(world: World) -> list[tuple[float, str]]:
    """When and what, without what differs from run to run."""
    return [
        (
            entry.at,
            f"{entry.method} {VARYING.sub('…', entry.path.partition('?')[0]).rpartition('workspaces/')[2][-40:]}",
        )
        for faults in (world.azure_faults, world.devops_faults, world.edge_faults)
        for entry in faults.log()
    ]
