"""Polling: what one look at the open trainings asks of Azure, Azure DevOps and IoT Hub, and what it costs, by how many
trainings are open. They all wait for a node. A page of Azure's list holds 30 jobs.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sandbox.world import World
from storage import runs
from storage.database import Store
from storage.runs import TrainingRun
from tests.bench.contestants import CHANNEL, TRAINER, Contestant, Loop, wait
from tests.bench.table import Row, figure
from tests.bench.workshop import CLUSTER, Workshop, workshop

OPEN, OPEN_QUICK = (1, 10, 100, 1000), (1, 10)
POLICY = Path(__file__).parent / "polling.toml"
LISTED, FURTHER = r"/jobs\?", "skip="
PAGE = 30
POLLS, USUALLY_A_MINUTE = 3, 4
PATIENCE = 900.0
VARYING = re.compile(r"/model-\d+-[0-9a-z]+|[0-9a-f]{8}-[0-9a-f-]{27}")


def measure(*, quick: bool) -> Iterator[Row]:
    alone, there = 0.0, 0
    with closing(Loop()) as loop, workshop(loop, POLICY) as place:
        for number in OPEN_QUICK if quick else OPEN:
            _ask_for(range(there, number), place)
            there = number
            wait(lambda: _settled(place.store) == number, "all wait in Azure", PATIENCE)  # noqa: B023  called at once
            calls, spent, kinds = _polls(place.world, place.bot)
            alone = alone or calls
            told = f"{figure(calls)} calls, {spent * 1000:.0f} ms of CPU; most: {kinds}"
            pages = -(-number // PAGE)
            bar = f"≤ {figure(alone)}" + (f" and 2 a page ({pages})" if pages > 1 else "")
            yield Row(
                f"one look at {number:,} open trainings", told, bar, calls <= alone + 1 + 2 * (pages - 1)
            )


def _ask_for(numbers: range, place: Workshop) -> None:
    now = datetime.now(UTC)
    with place.store.write() as tx:
        for each in numbers:
            name = f"model-{each}-{now:%H%M%S}"
            runs.add(
                tx,
                TrainingRun(
                    name, name, "requested", f"Model_{each}", place.dataset, "1", CLUSTER, "spotter", TRAINER,
                    "trainer", CHANNEL, now,
                ),
            )  # fmt: skip


def _settled(store: Store) -> int:
    """How many wait in Azure, and were looked at there."""
    with store.read() as tx:
        return sum(bool(run.progress and run.progress["waits"]) for run in runs.open_runs(tx))


def _polls(world: World, bot: Contestant) -> tuple[float, float, str]:
    """Calls and seconds of CPU of one poll, over some polls, and what was asked most often."""
    wait(lambda: _listed(world) > 0, "a poll")
    before = _listed(world)
    wait(lambda: _listed(world) > before, "a poll begins", PATIENCE)
    spent, first = bot.cpu(), len(_log(world))
    wait(lambda: _listed(world) >= before + 1 + POLLS, "polls", PATIENCE)
    calls = _log(world)[first:]
    (kind, times), *_ = Counter(calls).most_common(1) or [("none", 0)]
    return len(calls) / POLLS, (bot.cpu() - spent) / POLLS, f"{times / POLLS:.1f} × {kind}"


def _listed(world: World) -> int:
    return sum(FURTHER not in entry.path for entry in world.azure_faults.log("GET", LISTED))


def _log(world: World) -> list[str]:
    """What was asked so far, without what differs from run to run."""
    return [
        f"{entry.method} {VARYING.sub('…', entry.path.partition('?')[0]).rpartition('workspaces/')[2][-40:]}"
        for faults in (world.azure_faults, world.devops_faults, world.edge_faults)
        for entry in faults.log()
    ]
