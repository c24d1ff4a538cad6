"""Of several replicas on one PostgreSQL, one leads: it runs followers, courier and digests. All answer people."""

import threading
import time
from collections.abc import Callable, Collection

import structlog
from prometheus_client import Gauge
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from commands.kit.health import Health
from storage.database import Store
from storage.leases import Lease
from storage.notices import Notices

log = structlog.get_logger("leader")
LEADS = Gauge("spotter_leads", "1 where this replica runs followers, courier and digests")
RENEWALS = 5  # of a lease, before it ends
LOOK = ""  # at the lease, each replica


class Leader:
    """Keeps the lease, or waits for it. `wake(name)` wakes who does work here; `begin` all of them. `at_rest` tells
    whether all work that was begun has ended: one that lost the lease ends first what it was doing. `everywhere` names
    the followers that look also while another one leads."""

    def __init__(
        self,
        store: Store,
        lease: Lease,
        health: Health,
        *,
        wake: Callable[[str], None],
        begin: Callable[[], None],
        at_rest: Callable[[], bool],
        everywhere: Collection[str],
    ) -> None:
        self._store = store
        self._lease = lease
        self._health = health
        self._notices = Notices(store)
        self._wake_here = wake
        self._begin = begin
        self._at_rest = at_rest
        self._everywhere = everywhere
        self._leads = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="leader", daemon=True)
        LEADS.set_function(lambda: float(lease.is_held))

    def start(self) -> None:
        if self._store.is_shared:
            self._thread.start()
        else:
            self._keep()

    def stop(self) -> None:
        """After all work has ended: lets another one begin at once."""
        self._stopping.set()
        if not self._store.is_shared:
            return
        try:
            self._notices.call(LOOK)
            self._thread.join(timeout=self._lease.seconds / RENEWALS + 1)
            self._lease.give_back()
            self._notices.call(LOOK)
        except DBAPIError as trouble:
            log.warning("lease_not_given_back", error=str(trouble.orig))
        self._store.close()

    def wake(self, name: str) -> None:
        """Here, or where the work is done; what is not heard there is found at its next look."""
        if self._lease.is_held or not self._store.is_shared:
            self._wake_here(name)
            return
        try:
            self._notices.call(name)
        except SQLAlchemyError as trouble:
            log.warning("wake_up_lost", follower=name, error=str(trouble))

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self._keep()
                self._listen(self._lease.seconds / RENEWALS)
            except Exception:
                log.exception("leader_failed")
                self._stopping.wait(1)
        self._notices.close()

    def _listen(self, seconds: float) -> None:
        """Wakes who is called for, until the lease is to be looked at again."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._stopping.is_set():
            heard = self._heard(left)
            if LOOK in heard:
                return
            for name in heard if self._lease.is_held else ():
                self._wake_here(name)

    def _heard(self, seconds: float) -> list[str]:
        try:
            return self._notices.heard(seconds)
        except DBAPIError as trouble:
            log.warning("no_notices", error=str(trouble.orig))
            self._notices.close()
            self._stopping.wait(seconds)
            return []

    def _keep(self) -> None:
        try:
            if not self._lease.hold(may_take=self._at_rest(), said=self._health.said()):
                # at each look, for a step that was under way may still have met with trouble
                self._health.forget(but=self._everywhere)
        except DBAPIError as trouble:
            log.warning("lease_not_renewed", error=str(trouble.orig))
        if self._lease.is_held == self._leads:
            return
        self._leads = self._lease.is_held
        log.info("leads" if self._leads else "stands_by", leader=self._lease.of)
        if self._leads:
            self._begin()
