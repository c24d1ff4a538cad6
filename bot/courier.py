"""The one courier: makes Slack show what the store wants shown. Nothing else posts to channels.

Posts once, updates in place, coalesces (only the newest wish is sent), keeps to about one post a second and channel.
"""

import threading
import time
from datetime import timedelta

import structlog
from slack_sdk import WebClient
from sqlalchemy.exc import OperationalError

from bot.late import GatedClient, Late
from bot.sending import Sender
from bot.watchdog import Watchdog
from commands.kit.clock import Clock
from commands.kit.command import COURIER
from commands.kit.health import DATABASE, Health
from storage import messages
from storage.database import Store
from storage.leases import Lease, Lost
from storage.messages import WantedMessage

log = structlog.get_logger("courier")

IDLE = 0.5
LAST_ROUND = 5.0
PROGRESS_GAP = timedelta(seconds=5)


class Courier:
    """Works while this replica holds the lease: what it writes and sends raises Lost where it does not."""

    def __init__(
        self,
        store: Store,
        client: WebClient,
        clock: Clock,
        health: Health,
        lease: Lease,
        watchdog: Watchdog,
    ) -> None:
        self._store = store.guarded(lease.fence)
        self._lease = lease
        self._at_work = False
        self._clock = clock
        self._health = health
        gated = GatedClient(client, watchdog.gate(lease.must_be_held))
        self._watchdog = watchdog
        self._sender = Sender(self._store, gated, clock, health, lease, self.wake)
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._stop_by: float | None = None
        self._late = Late(store, client, lease, self._stopping)
        self._thread = threading.Thread(target=self._work, name="courier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._woken.set()

    @property
    def at_rest(self) -> bool:
        return not self._at_work

    def stop(self) -> None:
        """Finish the message under way, send what was wanted last, then end. The rest is sent after the next start."""
        self._stop_by = time.monotonic() + LAST_ROUND
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(timeout=15)

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._woken.wait(IDLE)
            self._woken.clear()
            self._round()
        self._round()

    def _round(self) -> None:
        self._at_work = True  # before the look at the lease, which is not taken again meanwhile
        try:
            if self._lease.is_held:
                with self._watchdog.over("courier"):
                    self._deliver_all()
        finally:
            self._at_work = False

    def _deliver_all(self) -> None:
        try:
            self.deliver()
        except Lost as lost:
            log.warning("lease_lost", reason=str(lost))
        except OperationalError as trouble:
            log.warning("database_trouble", error=str(trouble.orig))
            self._health.does_not_write(trouble, about=COURIER)
            self._stopping.wait(1)
        except Exception:
            log.exception("courier_failed")
            self._stopping.wait(1)
        else:
            self._health.well(DATABASE, about=COURIER)

    def deliver(self) -> None:
        """Send every message whose turn it is. Trouble with one keeps no other waiting."""
        if any(trouble.service == DATABASE for trouble in self._health.troubles()):
            with self._store.write():
                pass  # for there may be nothing to send by which it would be noticed that the trouble is over
        now = self._clock.now()
        resting = [channel for channel, until in self._sender.resting.items() if until > now]
        with self._store.read() as tx:
            waiting = messages.due(tx, now, without=resting)
        sent = False
        for message in waiting:
            if self._stop_by is not None and time.monotonic() > self._stop_by:
                return
            if self._may_send(message):
                sent = True
                try:
                    self._sender.send(message)
                except Lost:
                    self._late.tidy(message.key)
                    raise
        self._sender.tidy()
        if sent and len(waiting) == messages.PAGE:
            self.wake()  # a channel with much to say keeps no other one waiting

    def _may_send(self, message: WantedMessage) -> bool:
        now = self._clock.now()
        if now < self._sender.resting.get(message.channel, now):
            return False
        if message.ts and message.urgency == messages.PROGRESS and message.shown_at:
            return now - message.shown_at >= PROGRESS_GAP
        return True
