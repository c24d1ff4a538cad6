"""Peers: until Azure has taken a job. A script with azure-ai-ml, as people have it today, from the start of its
process, against Spotter from the command in Slack; in turns, on the same workspace.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from sandbox.environment import bot_environment
from sandbox.world import World
from storage import catalog
from storage.database import Store
from tests.bench.ack import POLICY
from tests.bench.contestants import Contestant, Loop, wait
from tests.bench.table import Row, figure

ROUNDS, ROUNDS_QUICK = 5, 2
CLUSTER = "gpu-cluster"


def measure(*, quick: bool) -> Iterator[Row]:
    loop = Loop()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        stack.callback(loop.close)
        world = World(Path(folder), lines={})
        world.start()
        stack.callback(world.stop)
        world.seed()
        settings = bot_environment(world, Path(folder), POLICY)
        publish = ["publish-pipeline", "--version", "1", "--config", str(POLICY)]
        subprocess.run(
            [sys.executable, "-m", "bot.cli", *publish], env=settings, check=True, capture_output=True
        )
        world.azure.studio.set_capacity(CLUSTER, available=False)
        bot = Contestant("Spotter", "bot.cli run", settings, Path(folder), loop, over_http=False)
        stack.callback(bot.close)
        bot.start()
        store = Store(f"sqlite:///{bot.database}")
        stack.callback(store.close)
        wait(lambda: _exports(store) != [], "exports are known")
        wait(lambda: _knows_clusters(store), "clusters are known")
        dataset = _exports(store)[0]

        def by_command(number: int) -> None:
            command = bot.command("/train", f"Chat_{number} {dataset} {CLUSTER}")
            loop.do(bot.ask("slash_commands", command))

        def by_script(number: int) -> None:
            script = [sys.executable, "-m", "tests.bench.plain_script", f"Script_{number}", dataset, CLUSTER]
            done = subprocess.run(script, env=settings, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(done.stderr[-6000:])

        chat, script = [], []
        for number in range(ROUNDS_QUICK if quick else ROUNDS):
            chat.append(_until_taken(world, lambda: by_command(number)))  # noqa: B023  called at once
            script.append(_until_taken(world, lambda: by_script(number)))  # noqa: B023
        ours, theirs = statistics.median(chat), statistics.median(script)
        told = f"{figure(ours)} s, {ours / theirs:.2f}× of {figure(theirs)} s"
        yield Row("a training, until Azure has the job", told, "≤ 1×", ours <= theirs)


def _until_taken(world: World, act: Callable[[], None]) -> float:
    """Seconds until there is one job more."""
    before, began = len(world.azure.studio.jobs()), time.perf_counter()
    act()
    wait(lambda: len(world.azure.studio.jobs()) > before, "Azure has the job")
    return time.perf_counter() - began


def _exports(store: Store) -> list[str]:
    with store.read() as tx:
        return [row.name for row in catalog.list_exports(tx) if row.contents and row.kind == "mltable"]


def _knows_clusters(store: Store) -> bool:
    with store.read() as tx:
        return any(row.name == CLUSTER for row in catalog.list_clusters(tx))
