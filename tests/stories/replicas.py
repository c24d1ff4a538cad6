"""What stories about several replicas share: two bots on one PostgreSQL."""

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.claim import free_port
from tests.postgresql import cluster, new_database
from tests.stories.stage import Bot, Stage

__all__ = ["cluster", "new_database", "replicated"]

LEASE = 3.0
SHORT_LEASE = {"[pace]": f"[pace]\nlease_seconds = {LEASE}"}


class Replicas:
    """The stage's bot and another one, both started. The stage's bot leads at first."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        folder = stage.bot.log_file.parent / "second"
        folder.mkdir()
        port = str(free_port())
        self.second = Bot({**stage.bot.environment, "PORT": port}, folder, stage.bot.forks)

    @property
    def first(self) -> Bot:
        return self.stage.bot

    def leader(self) -> Bot:
        """The one that leads, once one of them does."""
        return self.stage.until(
            lambda: next((bot for bot in (self.first, self.second) if leads(bot)), None), "a replica leads"
        )

    def other(self, bot: Bot) -> Bot:
        return self.second if bot is self.first else self.first

    def kill_leader(self) -> Bot:
        """As a power cut does. The other one, once it leads; the killed one is started again, as orchestrators do."""
        leader = self.leader()
        leader.kill()
        other = self.other(leader)
        self.stage.until(lambda: leads(other), "the other replica has taken over")
        leader.start()
        assert not leads(leader)
        return other


def leads(bot: Bot) -> bool:
    return bot.alive and bool((bot.get("/readyz")[1] or {}).get("leads"))


@pytest.fixture
def replicated(new_stage: Callable[..., Stage], new_database: Callable[[], str]) -> Callable[..., Replicas]:
    """Two replicas on a stage; the arguments are those of `new_stage`."""

    def make(**wanted: Any) -> Replicas:
        policy = {**SHORT_LEASE, **wanted.pop("policy", {})}
        stage = new_stage(policy=policy, DATABASE_URL=new_database(), **wanted)
        replicas = Replicas(stage)
        replicas.second.start()
        return replicas

    return make
