"""Work that hangs ends the process; work that only takes long does not."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from structlog.testing import capture_logs

from bot.courier import Courier
from bot.watchdog import Watchdog
from sandbox.faults import Fault
from tests.bot.conftest import Desk, held

PATIENCE = 1.0


@contextmanager
def watching() -> Iterator[tuple[Watchdog, threading.Event]]:
    ended = threading.Event()
    watchdog = Watchdog(ended.set, PATIENCE)
    watchdog.start()
    yield watchdog, ended
    watchdog.stop()


def test_an_answer_that_only_trickles_holds_nobody_for_ever(desk: Desk) -> None:
    trickle = desk.slack.faults.arm(Fault("POST", r"/api/chat\.postMessage", "trickle", seconds=1))
    with watching() as (watchdog, ended):
        courier = Courier(desk.store, desk.client, desk.clock, desk.health, held(desk.store), watchdog)
        courier.start()
        desk.want("card", "Cap_Model")
        courier.wake()
        assert ended.wait(60)
        trickle.release()
        courier.stop()
    assert desk.said() == ["Cap_Model"]


def test_work_that_goes_on_is_let_go_on() -> None:
    with watching() as (watchdog, ended):
        done = threading.Event()

        def long_work() -> None:
            with watchdog.over("long work"):
                while not done.is_set():
                    watchdog.sign_of_life()
                    done.wait(PATIENCE / 100)

        thread = threading.Thread(target=long_work)
        thread.start()
        with capture_logs() as logged, watchdog.over("work that hangs"):
            assert ended.wait(60)
        done.set()
        thread.join(60)
    assert [entry["work"] for entry in logged] == ["work that hangs"]
