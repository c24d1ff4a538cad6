"""Two replicas' couriers: what one of them sends too late does not stay."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from slack_sdk import WebClient

from bot.courier import Courier
from bot.watchdog import Watchdog
from sandbox.faults import Fault
from storage.database import Store
from storage.leases import Lease, Lost
from storage.tables import leases
from tests.bot.conftest import Desk
from tests.postgresql import Cluster, cluster

__all__ = ["cluster"]
PATIENCE = 60.0


class Replica:
    def __init__(self, desk: Desk, url: str, name: str, timeout: int) -> None:
        self.store = Store(url)
        self.lease = Lease(self.store, name, 3600)
        client = WebClient(
            desk.client.token, base_url=desk.client.base_url, timeout=timeout, retry_handlers=[]
        )
        self.courier = Courier(self.store, client, desk.clock, desk.health, self.lease, Watchdog())

    def takes_over(self) -> None:
        """From one that still believes to lead."""
        with self.store.write() as tx:
            tx.execute(leases.update().values(until=datetime(2026, 1, 1, tzinfo=UTC)))
        assert self.lease.hold()


@contextmanager
def too_late(desk: Desk, replica: Replica, path: str) -> Iterator[None]:
    """What the replica sends arrives only at the end."""
    sending = desk.slack.faults.arm(Fault("POST", path, "hang_before"))
    lost: list[Lost] = []

    def deliver() -> None:
        with pytest.raises(Lost) as caught:
            replica.courier.deliver()
        lost.append(caught.value)

    thread = threading.Thread(target=deliver)
    thread.start()
    assert sending.reached.wait(PATIENCE)
    yield
    sending.release()
    thread.join(PATIENCE)
    assert lost


def shows(desk: Desk, replica: Replica, *texts: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while desk.said() != list(texts):
        assert time.monotonic() < deadline, desk.said()
        replica.courier.deliver()


def test_what_arrives_after_a_take_over_does_not_stay(desk: Desk, cluster: Cluster) -> None:
    url = cluster.new_database()
    slow, quick = Replica(desk, url, "slow", 20), Replica(desk, url, "quick", 1)
    desk.store = slow.store
    assert slow.lease.hold()

    desk.want("card", "one")
    with too_late(desk, slow, r"chat\.postMessage"):
        quick.takes_over()
        shows(desk, quick, "one")
    assert desk.said() == ["one"]

    desk.clock.forward(61)
    slow.takes_over()
    desk.want("card", "two")
    with too_late(desk, slow, r"chat\.update"):
        quick.takes_over()
        desk.want("card", "three")
        shows(desk, quick, "three")
    assert desk.said() == ["two"]
    shows(desk, quick, "three")
