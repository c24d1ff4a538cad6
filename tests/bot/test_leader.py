"""A replica that leads no more: what it noticed as leader is not told for longer than anybody knows it to be true."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from bot.leader import Leader
from commands.kit.clock import Clock
from commands.kit.health import AZURE, DATABASE, DEVOPS, IOT_HUB, SLACK, Health
from storage.database import Store
from storage.leases import Lease
from storage.tables import leases
from tests.postgresql import Cluster, cluster

__all__ = ["cluster"]
PATIENCE = 60.0
SHORT, LONG = 2.0, 3600.0
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def out_of_reach(cluster: Cluster, url: str) -> Iterator[None]:
    """PostgreSQL ends all connections to that database and takes no new ones."""
    name = make_url(url).database
    engine = create_engine(cluster.url("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as keeper:
        keeper.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        ended = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
        keeper.execute(ended, {"name": name})
        yield
        keeper.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
    engine.dispose()


def test_troubles_of_a_leader_are_forgotten_once_another_one_leads(cluster: Cluster) -> None:
    url, begun = cluster.new_database(), threading.Event()
    here, there = Store(url), Store(url)
    lease, other = Lease(here, "here", SHORT), Lease(there, "there", LONG)
    health = Health(Clock(), lease)
    leader = Leader(
        here,
        lease,
        health,
        wake=lambda _name: None,
        begin=begun.set,
        at_rest=lambda: True,
        everywhere=["roles"],
    )

    def told() -> list[str]:
        return [f"{trouble.service}: {trouble.reason}" for trouble in health.troubles()]

    def is_taken_over() -> bool:
        try:
            with there.write() as tx:
                tx.execute(leases.update().values(until=LONG_AGO))
            return other.hold(said=[[IOT_HUB, "It is slow", LONG_AGO.isoformat()]])
        except OperationalError:  # the other one is writing
            return False

    leader.start()
    assert begun.wait(PATIENCE)
    health.trouble(AZURE, "It did not answer", about="runs")
    health.trouble(DATABASE, "It does not let Spotter write", about="courier")
    health.trouble(SLACK, "It does not list groups", about="roles")
    noticed = told()
    assert len(noticed) == 3

    with out_of_reach(cluster, url):
        until(lambda: not lease.is_held)
        assert told() == noticed, "nobody can tell yet that it is over"
    until(is_taken_over)
    heard = ["IoT Hub: It is slow", "Slack: It does not list groups"]
    until(lambda: told() == heard)

    health.trouble(DEVOPS, "It did not answer", about="publishes")  # a step that was still under way
    until(lambda: told() == heard)
    leader.stop()
    there.close()
