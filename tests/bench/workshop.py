"""A published workspace whose cluster gets no machine, so that trainings only wait, and Spotter beside it."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from commands.exports import readiness
from commands.exports.command import READ
from commands.kit.policy import Exports
from sandbox.environment import bot_environment
from sandbox.world import World
from storage import catalog, marks, migrate, runs
from storage.database import Store
from storage.runs import TrainingRun
from tests.bench.ack import POLICY
from tests.bench.contestants import TRAINER, Contestant, Loop, wait

CLUSTER = "gpu-cluster"
PATIENCE = 1800.0


@dataclass(frozen=True)
class Workshop:
    """`dataset` can be trained on; `settings` are the bot's environment, `store` is its database."""

    world: World
    bot: Contestant
    settings: dict[str, str]
    store: Store
    dataset: str

    def ask_for(self, channels: Mapping[int, str]) -> None:
        """A training of `Model_<number>` for each number, told in its channel."""
        now = datetime.now(UTC)
        with self.store.write() as tx:
            for number, channel in channels.items():
                name = f"model-{number}-{now:%H%M%S}"
                wanted = (
                    f"Model_{number}",
                    self.dataset,
                    "1",
                    CLUSTER,
                    "spotter",
                    TRAINER,
                    "trainer",
                    channel,
                )
                runs.add(tx, TrainingRun(name, name, "requested", *wanted, now))

    def wait_for(self, number: int) -> None:
        """Until that many trainings wait in Azure, and Spotter knows for what."""
        wait(lambda: self._waiting() == number, "all wait in Azure", PATIENCE, every=1)

    def _waiting(self) -> int:
        with self.store.read() as tx:
            return sum(bool(run.progress and run.progress["waits"]) for run in runs.open_runs(tx))


@contextmanager
def seeded_world(policy: Path = POLICY) -> Iterator[tuple[World, dict[str, str], Path]]:
    """A world without devices, and the environment and the folder of a bot beside it."""
    with tempfile.TemporaryDirectory() as made, ExitStack() as stack:
        folder = Path(made)
        world = World(folder, lines={})
        world.start()
        stack.callback(world.stop)
        world.seed()
        yield world, bot_environment(world, folder, policy), folder


@contextmanager
def workshop(loop: Loop, policy: Path = POLICY) -> Iterator[Workshop]:
    """Open, and known to Spotter."""
    with seeded_world(policy) as (world, settings, folder), ExitStack() as stack:
        publish = ["publish-pipeline", "--version", "1", "--config", str(policy)]
        subprocess.run(
            [sys.executable, "-m", "bot.cli", *publish], env=settings, check=True, capture_output=True
        )
        world.azure.studio.set_capacity(CLUSTER, available=False)
        bot = Contestant("Spotter", "bot.cli run", settings, folder, loop, over_http=False)
        stack.callback(bot.close)
        bot.start()
        store = Store(f"sqlite:///{bot.database}")
        stack.callback(store.close)
        wait(lambda: _is_made(store), "the store is made")
        wait(lambda: _trainable(store) != [], "exports are known")
        wait(lambda: _knows_clusters(store), "clusters are known")
        yield Workshop(world, bot, settings, store, _trainable(store)[0])


def _is_made(store: Store) -> bool:
    """What opens its door first is seen before its tables are."""
    with store.read() as tx:
        return migrate.stored(tx) is not None


def _trainable(store: Store) -> list[str]:
    """Exports that `/train` takes, newest first; none before Spotter has read them all."""
    with store.read() as tx:
        rows = catalog.list_exports(tx) if marks.get(tx, READ) else []
    return [
        row.name for row in rows if not readiness.problem(row, readiness.previous_of(row, rows), Exports())
    ]


def _knows_clusters(store: Store) -> bool:
    with store.read() as tx:
        return any(row.name == CLUSTER for row in catalog.list_clusters(tx))
