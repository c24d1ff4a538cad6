"""Runs the followers: each at its own pace, at once when woken, quicker while a person waits, less often at night."""

import threading
import time
from collections.abc import Callable, Sequence

import structlog
from prometheus_client import Counter
from sqlalchemy.exc import OperationalError

from bot.watchdog import Watchdog
from commands.kit.command import Follower
from commands.kit.health import DATABASE
from commands.kit.services import Services
from infra.azureml.errors import AzureError, Throttled, Unavailable
from storage.leases import Lease, Lost

log = structlog.get_logger("pacer")
STEPS = Counter("spotter_follower_steps_total", "Steps that followers took", ["follower", "outcome"])
STOP_SECONDS = 8.0
AGAIN_SECONDS = 5.0  # after trouble that passes by itself, so that it is not told of for long when it is over
WAITS_SECONDS, QUICKER, QUICKEST_SECONDS = 120.0, 3, 5.0  # after somebody did something in Slack
AWAY_SECONDS, SLOWER = 3600.0, 4  # after the last one did
NOT_UNDERSTOOD = "Spotter does not understand what it finds, so {} wait. The log has the reason."


class Pacer:
    """A thread for each follower, so that it never runs twice at the same time; a wake-up during a step makes it run
    once more. Those that do not run everywhere rest while another replica leads."""

    def __init__(
        self,
        followers: Sequence[Follower],
        lease: Lease,
        watchdog: Watchdog,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wanted = {follower.name: threading.Event() for follower in followers}
        self._followers = followers
        self._lease = lease
        self._watchdog = watchdog
        self._now = now
        self._seen_at = now()
        self._at_work: set[str] = set()
        self._threads: list[threading.Thread] = []
        self._stopping = False

    @property
    def at_rest(self) -> bool:
        """Whether no step of the one that leads is under way."""
        return not self._at_work

    def start(self, here: Services, leading: Services) -> None:
        """`here` is for followers that run everywhere, `leading` for all others."""
        for follower in self._followers:
            services = here if follower.everywhere else leading
            # daemons, for a step may hang in a call to Azure and must not keep the process from ending
            thread = threading.Thread(
                target=self._follow, args=(follower, services), name=follower.name, daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def wake(self, name: str) -> None:
        self._wanted[name].set()

    def somebody_is_there(self) -> None:
        """A person has just done something; whoever comes after a night finds what is fresh."""
        away, self._seen_at = self._now() - self._seen_at, self._now()
        if away > AWAY_SECONDS:
            for follower in self._followers:
                if follower.rests:
                    self.wake(follower.name)

    def wake_all(self) -> None:
        for wanted in self._wanted.values():
            wanted.set()

    def stop(self) -> bool:
        """Start no more steps and wait for those under way; False where one is stuck, in a call to Azure that hangs."""
        self._stopping = True
        self.wake_all()
        deadline = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _follow(self, follower: Follower, services: Services) -> None:
        wanted, pause = self._wanted[follower.name], follower.every(services.policy)
        while True:
            began = time.monotonic()
            wanted.clear()
            if self._stopping:
                return
            with self._watchdog.over(follower.name):
                trouble = self._may_step(follower, services)
            if isinstance(trouble, Throttled):
                began = time.monotonic()  # the rest that a service asks for begins with its answer
            rest = _rest(trouble, pace(follower, pause, self._now() - self._seen_at))
            wanted.wait(began + rest - time.monotonic())

    def _may_step(self, follower: Follower, services: Services) -> Exception | None:
        """As `take_step`; does nothing while another replica leads."""
        if follower.everywhere:
            return take_step(follower, services)
        self._at_work.add(follower.name)  # before the look at the lease, which is not taken again meanwhile
        try:
            return take_step(follower, services) if self._lease.is_held else None
        finally:
            self._at_work.discard(follower.name)


def pace(follower: Follower, pause: float, away: float) -> float:
    """Seconds from one look to the next, `away` seconds after somebody did something in Slack: a third of the usual
    pause, though five at least, while a person may wait, and four times as many when nobody was there for an hour."""
    if follower.hinted and away < WAITS_SECONDS:
        return min(pause, max(pause / QUICKER, QUICKEST_SECONDS))
    return pause * SLOWER if follower.rests and away > AWAY_SECONDS else pause


def _rest(trouble: Exception | None, pause: float) -> float:
    """Seconds from one step to the next: fewer after trouble that passes by itself, and no fewer than a service asks
    for that is asked too much."""
    if isinstance(trouble, Unavailable | OperationalError):
        return min(pause, AGAIN_SECONDS)
    if isinstance(trouble, Throttled):
        return max(min(pause, AGAIN_SECONDS), trouble.retry_after)
    return pause


def take_step(follower: Follower, services: Services) -> Exception | None:
    """One step of a follower: outside trouble is noted, returned and tried again later, anything else is logged in
    full."""
    name, met = follower.name, None
    try:
        follower.step(services)
    except Lost as lost:
        STEPS.labels(name, "lease_lost").inc()
        log.warning("lease_lost", follower=name, reason=str(lost))
        return None
    except OperationalError as trouble:
        STEPS.labels(name, "database_trouble").inc()
        services.health.does_not_write(trouble, about=name)
        log.warning("database_trouble", follower=name, error=str(trouble.orig))
        return trouble
    except AzureError as trouble:
        met = trouble
        STEPS.labels(name, "service_trouble").inc()
        services.health.trouble(follower.service, str(trouble), about=name)
        log.warning("service_trouble", follower=name, error=str(trouble), cause=str(trouble.__cause__ or ""))
    except Exception:
        STEPS.labels(name, "error").inc()
        log.exception("follower_failed", follower=name)
        services.health.trouble(follower.service, NOT_UNDERSTOOD.format(name), about=name)
    else:
        STEPS.labels(name, "ok").inc()
        services.health.well(follower.service, about=name)
    services.health.well(DATABASE, about=name)
    return met
