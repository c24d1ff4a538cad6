"""Runs the followers: each at its own pace, and at once when woken."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from prometheus_client import Counter

from commands.kit.command import Follower
from commands.kit.services import Services
from infra.azureml.errors import AzureError

log = structlog.get_logger("pacer")
STEPS = Counter("spotter_follower_steps_total", "Steps that followers took", ["follower", "outcome"])
AZURE = "Azure Machine Learning"


class Pacer:
    """A follower never runs twice at the same time; a wake-up during a step makes it run once more."""

    def __init__(self, followers: Sequence[Follower]) -> None:
        self._followers = followers
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(max(4, len(followers)))}, timezone=UTC
        )
        self._again: dict[str, bool] = {}
        self._busy: set[str] = set()
        self._lock = threading.Lock()

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
                max_instances=1,
                misfire_grace_time=None,
            )
        self._scheduler.start()

    def wake(self, name: str) -> None:
        with self._lock:
            self._again[name] = True
            busy = name in self._busy
        if not busy and self._scheduler.running:
            self._scheduler.modify_job(name, next_run_time=datetime.now(UTC))

    def stop(self) -> None:
        """Wait for the steps under way, start no more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def _run(self, follower: Follower, services: Services) -> None:
        with self._lock:
            if follower.name in self._busy:
                return
            self._busy.add(follower.name)
        again = True
        while again:
            with self._lock:
                self._again[follower.name] = False
            take_step(follower.name, lambda: follower.step(services), services)
            with self._lock:
                again = self._again.get(follower.name, False)
                if not again:
                    self._busy.discard(follower.name)


def take_step(name: str, step: Callable[[], None], services: Services) -> None:
    """One step of a follower: outside trouble is noted and tried again later, anything else is logged in full."""
    try:
        step()
    except AzureError as trouble:
        STEPS.labels(name, "azure_trouble").inc()
        services.health.trouble(AZURE, str(trouble), about=name)
        log.warning("azure_trouble", follower=name, error=str(trouble))
    except Exception:
        STEPS.labels(name, "error").inc()
        log.exception("follower_failed", follower=name)
    else:
        STEPS.labels(name, "ok").inc()
        services.health.well(AZURE, about=name)
