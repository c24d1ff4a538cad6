"""Which of several replicas acts by itself: who holds a lease in the store, by the database's clock.

Its holder renews it. Where it does not, another one takes it some time later, with a higher token. Every write of the
holder asks in its own transaction whether that token is still the newest, and there is one writer at a time, so nobody
writes after another has taken over. What leaves the process cannot be asked that exactly: it must be sent some time
before the lease ends, by a clock of the holder's own machine that nobody sets and that runs on while it sleeps.

A SQLite database has one process, which has claimed its file: that one holds the lease for good, and nothing is stored.
"""

import math
import time
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from storage.database import Store
from storage.tables import leases

LEADER = "leader"
KEPT_BACK = 0.2  # of a lease: what clocks may differ in pace, and a request may take to leave
RUNS_ON = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Lost(Exception):
    """Another replica acts by now, or may begin to at any moment."""


class Lease:
    """One replica's part in it. `seconds` after its last renewal others may take it. Safe to share between threads."""

    def __init__(self, store: Store, holder: str, seconds: float) -> None:
        self.holder = holder
        self.seconds = seconds
        self.of = ""  # who holds it, as far as is known
        self.heard: Any = None  # what that one has said with its last renewal
        self._store = store
        self._token = 0
        self._since = -math.inf
        self._until = -math.inf

    @property
    def is_shared(self) -> bool:
        """Whether there may be others."""
        return self._store.is_shared

    @property
    def held_for(self) -> float:
        """Seconds since this replica took it, without end where nobody else can have held it before."""
        return time.clock_gettime(RUNS_ON) - self._since

    @property
    def is_held(self) -> bool:
        """Whether this replica surely holds it now. Asks nobody."""
        return time.clock_gettime(RUNS_ON) < self._until

    def must_be_held(self) -> None:
        """Raises Lost."""
        if not self.is_held:
            raise Lost("this replica does not lead")

    def fence(self, tx: Connection) -> None:
        """Raises Lost where another one has taken it since; exact, as long as `tx` is a writing transaction."""
        if not self._store.is_shared:
            return
        there = _there(tx)
        if there is None or there.token != self._token:
            self._until = -math.inf
            raise Lost(f"{there.holder if there else 'another replica'} has taken over")

    def hold(self, *, may_take: bool = True, said: Any = None) -> bool:
        """Renew it, or take it where nobody holds it and this one `may_take` it. `said`, in JSON, is what others hear.

        Raises OperationalError."""
        if not self._store.is_shared:
            self._until = math.inf
            return True
        asked = time.clock_gettime(RUNS_ON)
        if not self._is_within_reach(may_take=may_take):
            return False
        with self._store.write() as tx:
            there, now = _there(tx), _now(tx)
            if there is not None and there.token != self._token and (not may_take or there.until > now):
                return False
            is_ours = there is not None and there.token == self._token
            token = self._token if is_ours else (there.token if there else 0) + 1
            until = now + timedelta(seconds=self.seconds)
            _put(tx, there, holder=self.holder, token=token, until=until, said=said)
        if token != self._token:
            self._since = time.clock_gettime(RUNS_ON)
        self._token, self.of = token, self.holder
        self._until = asked + self.seconds * (1 - KEPT_BACK)
        return True

    def _is_within_reach(self, *, may_take: bool) -> bool:
        """A look that keeps no writer waiting."""
        with self._store.read() as tx:
            there, now = _there(tx), _now(tx)
        is_held = there is not None and there.until > now
        self.of, self.heard = (there.holder, there.said) if there is not None and is_held else ("", None)
        if there is not None and there.token == self._token:
            return True
        self._until = -math.inf
        return may_take and not self.of

    def give_back(self) -> None:
        """So that another one need not wait. Raises OperationalError."""
        held, self._until = self.is_held, -math.inf
        if not held or not self._store.is_shared:
            return
        with self._store.write() as tx:
            there = _there(tx)
            if there is not None and there.token == self._token:
                _put(tx, there, until=_now(tx))
        self._token = 0


def _there(tx: Connection) -> Row[tuple[str, str, int, datetime, Any]] | None:
    return tx.execute(select(leases).where(leases.c.name == LEADER)).first()


def _now(tx: Connection) -> datetime:
    """The database's time at this moment, not at the beginning of the transaction, which may have waited for others."""
    now: datetime = tx.execute(select(func.clock_timestamp())).scalar_one()
    return now


def _put(tx: Connection, there: Row[tuple[str, str, int, datetime, Any]] | None, **columns: object) -> None:
    if there is None:
        tx.execute(insert(leases).values(name=LEADER, **columns))
    else:
        tx.execute(update(leases).where(leases.c.name == LEADER).values(**columns))
