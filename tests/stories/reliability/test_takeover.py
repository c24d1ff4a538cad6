"""How long nobody leads when the replica that does is killed, and when it is stopped."""

import time
from collections.abc import Callable

import pytest

from tests.stories.replicas import Replicas, cluster, replicated
from tests.stories.stage import Bot

__all__ = ["cluster", "replicated"]

LONGEST = 30.0  # seconds


@pytest.mark.soak
def test_another_replica_leads_soon(
    replicated: Callable[..., Replicas], tell: Callable[[object], None]
) -> None:
    replicas = replicated(policy={"[pace]": "[pace]"})  # with the lease that people have
    first = replicas.leader()
    killed = _seconds_without(first.kill, replicas, first)
    first.start()
    second = replicas.leader()
    stopped = _seconds_without(second.stop, replicas, second)
    second.start()
    tell(f"\nAnother replica led {killed:.1f} s after kill -9, {stopped:.1f} s after SIGTERM.")
    assert max(killed, stopped) < LONGEST


def _seconds_without(end: Callable[[], object], replicas: Replicas, leader: Bot) -> float:
    began = time.monotonic()
    end()
    replicas.takes_over(replicas.other(leader))
    return time.monotonic() - began
