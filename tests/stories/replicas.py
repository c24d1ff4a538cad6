"""What stories about several replicas share: two bots on one PostgreSQL."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.claim import free_port
from sandbox.faults import Fault
from tests.postgresql import cluster
from tests.stories.stage import Bot, Stage

__all__ = ["cluster", "replicated"]

SHORT_LEASE = "lease_seconds = 3.0"


class Replicas:
    """The stage's bot and another one. The stage's bot leads at first."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        folder = stage.bot.log_file.parent / "second"
        folder.mkdir()
        environment = {**stage.bot.environment, "PORT": str(free_port())}
        self.first, self.second = stage.bot, Bot(environment, folder, stage.bot.forks)
        self.second.start()

    def leader(self) -> Bot:
        both = (self.first, self.second)
        return self.stage.until(lambda: next(filter(leads, both), None), "a replica leads")

    def other(self, bot: Bot) -> Bot:
        return self.second if bot is self.first else self.first

    def takes_over(self, bot: Bot) -> None:
        self.stage.until(lambda: leads(bot), "the other replica has taken over")

    def power_cut(self, *during: Fault) -> None:
        """Kills the leader while these requests of it are under way. The other one takes over, and the killed one is
        started again, as orchestrators do."""
        for fault in during:
            self.stage.until(fault.reached.is_set, f"a request reached {fault.path}")
        leader = self.leader()
        leader.kill()
        self.takes_over(self.other(leader))
        leader.start()

    def check(self) -> None:
        """The same that the stage holds its own bot to."""
        Stage.check(Stage(self.stage.world, self.second, self.stage.people))

    def close(self) -> None:
        if self.second.alive:
            self.second.kill()


def leads(bot: Bot) -> bool:
    return bot.alive and bool((bot.get("/readyz")[1] or {}).get("leads"))


@pytest.fixture
def replicated(new_stage: Callable[..., Stage], cluster: Any) -> Iterator[Callable[..., Replicas]]:
    """Makes two replicas on a stage, which `make` makes from the other arguments."""
    made: list[Replicas] = []

    def make(make: Callable[..., Stage] = new_stage, **wanted: Any) -> Replicas:
        policy = {"[pace]": f"[pace]\n{SHORT_LEASE}", **wanted.pop("policy", {})}
        made.append(Replicas(make(policy=policy, DATABASE_URL=cluster.new_database(), **wanted)))
        return made[-1]

    yield make
    try:
        for replicas in made:
            replicas.check()
    finally:
        for replicas in made:
            replicas.close()
