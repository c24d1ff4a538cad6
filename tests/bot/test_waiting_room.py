"""Commands that come before Spotter is built: what only tells is acknowledged, what changes something is not."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from inline_snapshot import snapshot
from slack_bolt import App, BoltRequest, BoltResponse

from bot.after_ack import AfterAck, Dispatched
from bot.dispatch import Dispatch
from bot.http import Inside
from bot.waiting_room import WaitingRoom
from bot.watchdog import Watchdog
from commands import rooms
from commands.kit.services import Services
from sandbox.people import Person
from storage.leases import Lease
from tests.bot.conftest import LINE, Desk

PATIENCE = 60.0
THREADS = 2


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(THREADS) as pool:
        yield pool


def built(desk: Desk, services: Services, pool: ThreadPoolExecutor) -> Inside:
    bolt = App(
        client=desk.client, process_before_response=True, token_verification_enabled=False, signing_secret="s"
    )
    Dispatch(rooms.ALL, replace(services, commands=rooms.ALL), desk.client).attach(bolt)
    after = AfterAck(pool, Watchdog())
    lease = Lease(desk.store, "here", 15)
    return Inside(lambda request: after.dispatch(bolt, request), services, lease, None)


def typed(desk: Desk, who: Person, command: str) -> BoltRequest:
    answer_to = desk.slack._slack.hooks.issue(LINE, who.id)
    body = {
        "command": command,
        "text": "",
        "user_id": who.id,
        "user_name": who.name,
        "team_id": "T0FACTORY1",
        "channel_id": LINE,
        "trigger_id": f"1.{command}",
        "response_url": f"{desk.slack.url}/response/{answer_to}",
    }
    return BoltRequest(body=body, mode="socket_mode")


def test_what_only_tells_is_acknowledged_at_once_and_answered_later(
    desk: Desk, services: Services, pool: ThreadPoolExecutor
) -> None:
    trainer, room = desk.people["trainer"], WaitingRoom(pool, PATIENCE)
    acknowledged, then = asyncio.run(room.dispatch(typed(desk, trainer, "/runs")))
    then()
    impatient = WaitingRoom(pool, begin_within=0)
    waits, _ = asyncio.run(impatient.dispatch(typed(desk, trainer, "/train")))
    assert (acknowledged.status, waits.status) == (200, 503)
    room.inside.set_result(built(desk, services, pool))
    assert trainer.sees(".", PATIENCE).text == snapshot(
        "No training has been asked for yet. Type /train to start the first one."
    )
    late, then = asyncio.run(room.dispatch(typed(desk, trainer, "/train")))
    then()
    assert late.status == 200
    assert "Nobody has the role" in trainer.sees("Nobody has", PATIENCE).text


def test_who_was_acknowledged_hears_that_spotter_cannot_start(desk: Desk, pool: ThreadPoolExecutor) -> None:
    trainer, room = desk.people["trainer"], WaitingRoom(pool, PATIENCE)
    _, then = asyncio.run(room.dispatch(typed(desk, trainer, "/runs")))
    then()
    room.inside.set_exception(OSError("no such disk"))
    assert "could not start" in trainer.sees("could not start", PATIENCE).text
    assert asyncio.run(room.dispatch(typed(desk, trainer, "/runs")))[0].status == 503


def test_what_waited_too_long_for_a_thread_is_not_begun(
    desk: Desk, services: Services, pool: ThreadPoolExecutor
) -> None:
    trainer, begun = desk.people["trainer"], list[BoltRequest]()
    room, free = WaitingRoom(pool, begin_within=0.2), threading.Event()

    def begin(request: BoltRequest) -> Dispatched:
        begun.append(request)
        return BoltResponse(status=200), lambda: None

    async def come() -> tuple[int, int]:
        for _ in range(THREADS):
            pool.submit(free.wait, PATIENCE)
        told, _ = await room.dispatch(typed(desk, trainer, "/runs"))
        room.inside.set_result(replace(built(desk, services, pool), dispatch=begin))
        late = asyncio.ensure_future(room.dispatch(typed(desk, trainer, "/train")))
        await asyncio.wait([late], timeout=0.5)
        assert not late.done()
        free.set()
        return told.status, (await late)[0].status

    assert asyncio.run(come()) == (200, 503)
    assert begun == []
