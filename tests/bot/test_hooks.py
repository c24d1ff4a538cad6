"""Pushed news: only who knows the secret is heard, each piece counts once, and all it does is wake who looks."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
import requests
from aiohttp import web

from bot.hooks import HEADER, Hooks
from bot.watchdog import Watchdog
from commands.kit.command import Follower
from commands.kit.health import AZURE, DEVOPS
from commands.kit.services import Services
from infra.devops.project import Project
from sandbox.faults import Fault
from tests.infra_devops.conftest import devops, project
from tests.infra_devops.server import Server

__all__ = ["devops", "project"]

SECRET = "a secret of twenty letters"
MODEL = {"id": "e1", "eventType": "Microsoft.MachineLearningServices.ModelRegistered", "data": {}}


@dataclass
class Door:
    """The hooks on a port of their own, and who was woken."""

    url: str
    woken: list[str]

    def devops(self, body: Any, secret: str | None = SECRET, **options: Any) -> int:
        headers = {HEADER: secret} if secret is not None else {}
        return self._post("/hooks/devops", json=body, headers=headers, **options).status_code

    def check(self, run: str) -> int:
        return self._post("/checks/deployment", json={"buildId": run}, headers={HEADER: SECRET}).status_code

    def azure(self, body: Any, kind: str = "Notification", secret: str = SECRET) -> requests.Response:
        return self._post(f"/hooks/azure?secret={secret}", json=body, headers={"aeg-event-type": kind})

    def _post(self, path: str, **options: Any) -> requests.Response:
        return requests.post(self.url + path, timeout=60, **options)


@pytest.fixture
def door(services: Services) -> Iterator[Door]:
    with opened(services, Watchdog()) as door:
        yield door


@contextmanager
def opened(services: Services, watchdog: Watchdog) -> Iterator[Door]:
    woken: list[str] = []

    def follower(name: str, service: str, *, hinted: bool) -> Follower:
        return Follower(name, lambda _policy: 60, lambda _services: None, service, hinted)

    followers = [
        follower("publish runs", DEVOPS, hinted=True),
        follower("branches", DEVOPS, hinted=False),
        follower("training runs", AZURE, hinted=True),
    ]
    with ThreadPoolExecutor(2) as pool, ThreadPoolExecutor(2) as checking:
        listening = replace(services, wake=woken.append)
        hooks = Hooks(SECRET, followers, listening, pool, checking, watchdog)
        with _served(hooks) as url:
            yield Door(url, woken)


@contextmanager
def _served(hooks: Hooks) -> Iterator[str]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> web.AppRunner:
        app = web.Application(client_max_size=4096)
        for path, handler in hooks.handlers.items():
            app.router.add_post(path, handler)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(60)
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(60)


def notification(number: int) -> dict[str, Any]:
    return {"subscriptionId": "s1", "notificationId": number, "eventType": "build.complete"}


def test_news_wakes_those_who_look_at_that_service_once_for_each_piece(door: Door) -> None:
    assert [door.devops(notification(1)) for _ in range(3)] == [200, 200, 200]
    assert door.woken == ["publish runs"]
    assert door.devops(notification(2)) == 200
    assert door.azure([MODEL]).status_code == 200
    assert door.azure([MODEL, {**MODEL, "id": "e2"}]).status_code == 200
    assert door.azure([MODEL]).status_code == 200
    assert door.woken == ["publish runs", "publish runs", "training runs", "training runs"]


def test_who_does_not_know_the_secret_is_told_nothing_and_changes_nothing(door: Door) -> None:
    for wrong in (None, "", SECRET[:-1], SECRET + "x", "ä" * len(SECRET)):
        encoded = wrong.encode().decode("latin-1") if wrong else wrong
        assert door.devops(notification(1), encoded) == 401
    handshake = {"data": {"validationCode": "512d38b6"}}
    refused = door.azure([handshake], "SubscriptionValidation", secret="wrong")
    assert (refused.status_code, "512d38b6" in refused.text) == (401, False)
    assert door.devops(notification(1)) == 200
    assert door.woken == ["publish runs"]


def test_event_grid_hears_its_code(door: Door) -> None:
    handshake = {"id": "v1", "data": {"validationCode": "512d38b6"}, "eventType": "Microsoft.EventGrid.Any"}
    answer = door.azure([handshake], "SubscriptionValidation")
    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "512d38b6"})
    assert door.azure([handshake, handshake], "SubscriptionValidation").status_code == 400
    assert door.woken == []


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        {},
        {"subscriptionId": "s1", "notificationId": [1]},
        {**notification(1), "subscriptionId": "s" * 101},
    ],
)
def test_what_is_no_notification_is_refused(door: Door, body: Any) -> None:
    assert door.devops(body) == 400
    assert door.azure(body).status_code == (200 if body == [] else 400)
    assert door.woken == []


def test_a_body_too_large_is_refused(door: Door) -> None:
    assert door.devops({**notification(1), "more": "x" * 5000}) == 413


def test_news_is_asked_for_again_while_it_cannot_be_written_down(door: Door, services: Services) -> None:
    with services.store.write():
        assert door.devops(notification(1)) == 503
    assert door.devops(notification(1)) == 200
    assert door.woken == ["publish runs"]


def test_checks_that_hang_are_seen_and_keep_no_news_waiting(
    services: Services, devops: Server, project: Project
) -> None:
    ended = threading.Event()
    watchdog = Watchdog(ended.set, patience=1)
    devops.says("GET", "build/builds/77", {"id": 77, "message": "x" * 500}, status=404)
    trickle = devops.faults.arm(Fault("GET", "/builds/77", "trickle", times=2, seconds=1))
    watchdog.start()
    with opened(replace(services, devops=project), watchdog) as door, ThreadPoolExecutor(2) as asking:
        checks = [asking.submit(door.check, "77") for _ in range(2)]
        assert ended.wait(60)
        assert door.devops(notification(1)) == 200
        assert not any(check.done() for check in checks)
        trickle.release()
        assert [check.result(60) for check in checks] == [403, 403]
    watchdog.stop()
