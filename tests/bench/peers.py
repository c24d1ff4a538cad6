"""Peers: until Azure has taken a job. A script with azure-ai-ml, as people have it today, from the start of its
process, against Spotter from the command in Slack; in turns, on the same workspace.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing

from sandbox.world import World
from tests.bench.contestants import Loop, wait
from tests.bench.table import Row, figure
from tests.bench.workshop import CLUSTER, workshop

ROUNDS, ROUNDS_QUICK = 5, 2


def measure(*, quick: bool) -> Iterator[Row]:
    with closing(Loop()) as loop, workshop(loop) as place:
        world = place.world

        def by_command(number: int) -> None:
            command = place.bot.command("/train", f"Chat_{number} {place.dataset} {CLUSTER}")
            loop.do(place.bot.ask("slash_commands", command))

        def by_script(number: int) -> None:
            about = [f"Script_{number}", place.dataset, CLUSTER]
            script = [sys.executable, "-m", "tests.bench.plain_script", *about]
            done = subprocess.run(script, env=place.settings, capture_output=True, text=True, check=False)
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
