"""One of several replicas holds the lease; who lost it writes nothing any more, and knows so before others begin."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from storage import inspection, leases, marks
from storage.claim import StoreInUse
from storage.database import IDLE_SECONDS, ONLY_ONE, Store
from storage.leases import Lease, Lost
from storage.notices import Notices
from storage.tables import leases as table
from tests.postgresql import Cluster

PATIENCE = 60.0
LONG, SHORT = 3600.0, 0.5
A_WHILE = 6.0  # seconds in which also a crowded machine takes a few steps


@pytest.fixture
def stores(cluster: Cluster) -> Iterator[tuple[Store, Store]]:
    """Of two processes, on one database."""
    url = cluster.new_database()
    first, second = Store(url), Store(url)
    yield first, second
    first.close()
    second.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def writes(store: Store, lease: Lease) -> bool:
    try:
        with store.guarded(lease.fence).write() as tx:
            assert tx.execute(select(table.c.token)).scalar_one() == lease._token
    except Lost:
        return False
    return True


def test_one_holds_it_until_it_is_silent_for_too_long(stores: tuple[Store, Store]) -> None:
    first, second = Lease(stores[0], "first", A_WHILE), Lease(stores[1], "second", LONG)
    assert first.hold() and not second.hold()
    assert second.of == "first"
    assert writes(stores[0], first) and not writes(stores[1], second)

    until(second.hold)
    assert not first.is_held
    with pytest.raises(Lost):
        first.must_be_held()
    assert not writes(stores[0], first) and writes(stores[1], second)
    assert not first.hold()
    assert (first.of, second.is_held) == ("second", True)


def test_a_late_renewal_goes_on_where_nobody_has_taken_over(stores: tuple[Store, Store]) -> None:
    lease, other = Lease(stores[0], "first", SHORT), Lease(stores[1], "second", LONG)
    assert lease.hold()
    until(lambda: not lease.is_held)
    assert writes(stores[0], lease)
    assert lease.hold(may_take=False) and lease.is_held
    assert not other.hold(may_take=False)


def test_who_still_works_does_not_take_it_anew(stores: tuple[Store, Store]) -> None:
    first, second = Lease(stores[0], "first", LONG), Lease(stores[1], "second", LONG)
    assert first.hold()
    first.give_back()
    assert second.hold()  # at once
    second.give_back()
    assert not first.hold(may_take=False)
    assert first.hold(may_take=True)
    assert not writes(stores[1], second)


def test_a_write_that_waited_for_the_new_holder_is_refused(stores: tuple[Store, Store]) -> None:
    first, second = Lease(stores[0], "first", SHORT), Lease(stores[1], "second", LONG)
    assert first.hold()
    until(lambda: not first.is_held)
    outcome: list[bool] = []
    late = threading.Thread(target=lambda: outcome.append(writes(stores[0], first)))
    with stores[1].write() as tx:
        late.start()
        until(lambda: _waiting(stores[1]) == 1)
        tx.execute(table.update().values(token=2, holder="second"))
    late.join()
    assert outcome == [False]
    assert not second.hold(may_take=False)


def _waiting(store: Store) -> int:
    with store.read() as tx:
        query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return int(tx.exec_driver_sql(query).scalar_one())


def test_a_holder_frozen_in_the_midst_of_a_write_keeps_nobody_waiting_for_long(
    stores: tuple[Store, Store],
) -> None:
    first, second = Lease(stores[0], "first", SHORT), Lease(stores[1], "second", LONG)
    assert first.hold()

    def takes_over() -> bool:
        try:
            return second.hold()
        except OperationalError:
            return False

    began = time.monotonic()
    with pytest.raises(OperationalError), stores[0].guarded(first.fence).write() as tx:
        marks.put(tx, "frozen", "yes", leases._now(tx))
        until(takes_over)
        marks.put(tx, "thawed", "yes", leases._now(tx))
    assert time.monotonic() - began >= IDLE_SECONDS - 1
    with stores[1].read() as tx:
        assert marks.get(tx, "frozen") is None
    assert not writes(stores[0], first)


@pytest.mark.parametrize("kind", ["sqlite"])
def test_the_one_process_on_sqlite_holds_it_for_good(store: Store) -> None:
    lease = Lease(store, "only", SHORT)
    assert not lease.is_held
    assert lease.hold() and lease.held_for > LONG
    with store.guarded(lease.fence).write() as tx:
        assert tx.execute(select(func.count()).select_from(table)).scalar_one() == 0


def in_use(url: str) -> bool:
    with inspection.looking(url) as tx:
        return inspection.is_in_use(url, tx)


def test_replicas_share_a_database_but_not_with_a_spotter_from_before(
    cluster: Cluster, stores: tuple[Store, Store]
) -> None:
    first, second = stores
    first.claim()
    second.claim()
    with first.read() as tx:
        assert not tx.execute(select(func.pg_try_advisory_lock(ONLY_ONE))).scalar_one()
    assert in_use(first.url) and not in_use(cluster.new_database())
    first.close()
    second.close()
    with first.engine.connect() as before:
        until(lambda: bool(before.execute(select(func.pg_try_advisory_lock(ONLY_ONE))).scalar_one()))
        with pytest.raises(StoreInUse, match="An older Spotter"):
            second.claim()


def test_replicas_hear_each_other(stores: tuple[Store, Store]) -> None:
    ears, mouth = Notices(stores[0]), Notices(stores[1])
    assert ears.heard(0) == []
    mouth.call("training runs")
    assert ears.heard(PATIENCE) == ["training runs"]
    with stores[1].read() as tx:
        tx.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%%' AND datname = current_database()"
        )
    with pytest.raises(OperationalError):
        ears.heard(PATIENCE)
    ears.close()
    assert ears.heard(0) == []
    mouth.call("courier")
    assert ears.heard(PATIENCE) == ["courier"]
    ears.close()
