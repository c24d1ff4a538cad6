"""Runs the followers: each at its own pace, and at once when woken."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from prometheus_client import Counter
from sqlalchemy.exc import OperationalError

from commands.kit.command import Follower
from commands.kit.health import AZURE, DATABASE
from commands.kit.services import Services
from infra.azureml.errors import AzureError

log = structlog.get_logger("pacer")
STEPS = Counter("spotter_follower_steps_total", "Steps that followers took", ["follower", "outcome"])
STOP_SECONDS = 8.0


class Pacer:
    """A follower never runs twice at the same time; a wake-up during a step makes it run once more."""

    def __init__(self, followers: Sequence[Follower]) -> None:
        self._followers = followers
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(max(4, 2 * len(followers)))}, timezone=UTC
        )
        self._again: dict[str, bool] = {}
        self._busy: set[str] = set()
        self._stopping = False
        self._changed = threading.Condition()

    def start(self, services: Services) -> None:
        for follower in self._followers:
            self._scheduler.add_job(
                self._run,
                "interval",
                args=(follower, services),
                id=follower.name,
                seconds=follower.every(services.policy),
                next_run_time=datetime.now(UTC),
                coalesce=True,
                max_instances=2,  # one that is just ending must not make the scheduler skip the next
                misfire_grace_time=None,
            )
        self._scheduler.start()

    def wake(self, name: str) -> None:
        with self._changed:
            self._again[name] = True
            if name in self._busy or self._stopping or not self._scheduler.running:
                return
        self._scheduler.modify_job(name, next_run_time=datetime.now(UTC))

    def stop(self) -> bool:
        """Start no more steps and wait for those under way; False where one is stuck, in a call to Azure that hangs."""
        with self._changed:
            self._stopping = True
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy, timeout=STOP_SECONDS)

    def _run(self, follower: Follower, services: Services) -> None:
        with self._changed:
            if follower.name in self._busy or self._stopping:
                return
            self._busy.add(follower.name)
        again = True
        while again:
            with self._changed:
                self._again[follower.name] = False
            take_step(follower.name, lambda: follower.step(services), services)
            with self._changed:
                again = self._again[follower.name] and not self._stopping
                if not again:
                    self._busy.discard(follower.name)
                    self._changed.notify_all()


def take_step(name: str, step: Callable[[], None], services: Services) -> None:
    """One step of a follower: outside trouble is noted and tried again later, anything else is logged in full."""
    try:
        step()
    except OperationalError as trouble:
        STEPS.labels(name, "database_trouble").inc()
        services.health.trouble(DATABASE, f"It does not let Spotter write ({trouble.orig})", about=name)
        log.warning("database_trouble", follower=name, error=str(trouble.orig))
        return
    except AzureError as trouble:
        STEPS.labels(name, "azure_trouble").inc()
        services.health.trouble(AZURE, str(trouble), about=name)
        log.warning("azure_trouble", follower=name, error=str(trouble), cause=str(trouble.__cause__ or ""))
    except Exception:
        STEPS.labels(name, "error").inc()
        log.exception("follower_failed", follower=name)
    else:
        STEPS.labels(name, "ok").inc()
        services.health.well(AZURE, about=name)
    services.health.well(DATABASE, about=name)
