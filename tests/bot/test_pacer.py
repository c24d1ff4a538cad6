"""Followers are woken, paced and stopped; what they run into is told."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.exc import OperationalError

from bot.pacer import Pacer, pace, take_step
from bot.watchdog import Watchdog
from commands.kit.command import Follower
from commands.kit.health import AZURE, DEVOPS
from commands.kit.services import Services
from infra.azureml.errors import Throttled, Unavailable
from tests.bot.conftest import held

HOURLY = 3600.0


@contextmanager
def paced(step: Callable[[Services], None], services: Services, pause: float = HOURLY) -> Iterator[Pacer]:
    pacer = Pacer([Follower("work", lambda _policy: pause, step)], held(services.store), Watchdog())
    pacer.start(services, services)
    yield pacer
    assert pacer.stop()


def test_no_wake_up_is_lost_and_no_step_runs_twice_at_once(services: Services) -> None:
    wanted, seen, running, most = [0], [0], [0], [0]
    caught_up = threading.Condition()

    def step(_services: Services) -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        with caught_up:
            seen[0] = wanted[0]
            caught_up.notify_all()
        running[0] -= 1

    with paced(step, services) as pacer:
        for number in range(1, 300):
            wanted[0] = number
            pacer.wake("work")
            if number % 3 == 0:
                with caught_up:
                    assert caught_up.wait_for(lambda: seen[0] == wanted[0], timeout=60), number
    assert most == [1]


def test_a_stop_waits_for_the_step_under_way_and_starts_no_other(services: Services) -> None:
    begun, goes_on, steps = threading.Event(), threading.Event(), []

    def step(_services: Services) -> None:
        begun.set()
        goes_on.wait(60)
        steps.append(time.monotonic())

    with paced(step, services) as pacer:
        assert begun.wait(60)
        pacer.wake("work")
        threading.Timer(0.1, goes_on.set).start()
    pacer.wake("work")
    assert len(steps) == 1


def test_after_trouble_that_passes_a_follower_does_not_wait_its_hour(services: Services) -> None:
    steps, looked_again = [0], threading.Event()

    def step(_services: Services) -> None:
        steps[0] += 1
        if steps[0] == 1:
            raise Unavailable("Azure did not answer in time.")
        looked_again.set()

    with paced(step, services):
        assert looked_again.wait(60)


def test_a_follower_rests_as_long_as_a_service_asks_for(services: Services) -> None:
    steps: list[float] = []
    looked_again = threading.Event()

    def step(_services: Services) -> None:
        steps.append(time.monotonic())
        if len(steps) == 1:
            raise Throttled("Too many requests.", retry_after=1.5)
        looked_again.set()

    with paced(step, services, pause=0.01):
        assert looked_again.wait(60)
    assert steps[1] - steps[0] >= 1.5


def test_followers_are_quick_while_a_person_waits_and_rest_at_night() -> None:
    def follower(*, hinted: bool, rests: bool) -> Follower:
        return Follower("work", lambda _policy: 15, lambda _services: None, hinted=hinted, rests=rests)

    def paces(follower: Follower, pause: float) -> list[float]:
        """Just after somebody did something, an hour of nobody, and a minute more."""
        return [pace(follower, pause, away) for away in (0, 119, 121, 3600, 3660)]

    runs = follower(hinted=True, rests=True)
    assert paces(runs, 15) == [5, 5, 15, 15, 60]
    assert paces(runs, 60) == [20, 20, 60, 60, 240]
    assert paces(runs, 0.5) == [0.5, 0.5, 0.5, 0.5, 2]
    rollouts, exports = follower(hinted=True, rests=False), follower(hinted=False, rests=True)
    assert paces(rollouts, 15) == [5, 5, 15, 15, 15]
    assert paces(exports, 60) == [60, 60, 60, 60, 240]


def test_who_comes_in_the_morning_finds_what_is_fresh(services: Services) -> None:
    looked, seconds = threading.Semaphore(0), [0.0]
    follower = Follower("work", lambda _policy: HOURLY, lambda _services: looked.release(), rests=True)
    pacer = Pacer([follower], held(services.store), Watchdog(), now=lambda: seconds[0])
    pacer.start(services, services)
    assert looked.acquire(timeout=60)
    seconds[0] = 8 * HOURLY
    pacer.somebody_is_there()
    assert looked.acquire(timeout=60)
    assert pacer.stop()


def test_trouble_is_told_by_service_and_forgotten_once_over(services: Services) -> None:
    def takes_a_step(trouble: Exception | None = None, service: str = AZURE) -> list[str]:
        def step(_services: Services) -> None:
            if trouble is not None:
                raise trouble

        take_step(Follower("work", lambda _policy: HOURLY, step, service), services)
        return [each.service for each in services.health.troubles()]

    locked = OperationalError("UPDATE", {}, Exception("database is locked"))
    assert takes_a_step(locked) == ["The database"]
    assert takes_a_step(Unavailable("Azure did not answer in time.")) == ["Azure Machine Learning"]
    assert takes_a_step() == []
    assert takes_a_step(Unavailable("It did not answer in time."), DEVOPS) == ["Azure DevOps"]
    assert takes_a_step(service=DEVOPS) == []
