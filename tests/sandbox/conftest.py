"""A Slack twin per test, served from one background event loop."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slack_sdk import WebClient

from sandbox.people import People
from sandbox.slack.twin import SlackTwin

from .slack_app import SocketApp

StartSlack = Callable[..., SlackTwin]

SCOPES = [
    "app_mentions:read",
    "channels:history",
    "channels:join",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "reactions:write",
    "team:read",
    "usergroups:read",
    "users:read",
    "users:read.email",
]


def slack_manifest(*, scopes: list[str] | None = None, url: str = "") -> dict[str, Any]:
    """An app in Slack's own schema: Socket Mode, or HTTP mode at `url`."""
    command: dict[str, Any] = {"command": "/train", "description": "Train", "usage_hint": "[model]"}
    events: dict[str, Any] = {
        "bot_events": ["app_home_opened", "app_mention", "message.channels", "member_joined_channel"]
    }
    interactivity: dict[str, Any] = {"is_enabled": True}
    if url:
        command["url"] = events["request_url"] = interactivity["request_url"] = url
    return {
        "display_information": {"name": "Spotter"},
        "features": {
            "app_home": {"home_tab_enabled": True},
            "bot_user": {"display_name": "Spotter"},
            "slash_commands": [command],
        },
        "oauth_config": {"scopes": {"bot": SCOPES if scopes is None else scopes}},
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "socket_mode_enabled": not url,
        },
    }


class MovableClock:
    """The time, which a test may hold and set forward."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._held: float | None = None

    def __call__(self) -> float:
        return (time.time() if self._held is None else self._held) + self._ahead

    def hold(self) -> None:
        self._held = time.time()

    def forward(self, seconds: float) -> None:
        self._ahead += seconds


@pytest.fixture(scope="session")
def background_loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="twins", daemon=True)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=60)


@pytest.fixture
def slack_clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def start_slack(
    background_loop: asyncio.AbstractEventLoop, slack_clock: MovableClock
) -> Iterator[StartSlack]:
    """Starts twins with the given scopes, address and options."""
    started: list[SlackTwin] = []

    def start(*, scopes: list[str] | None = None, app_url: str = "", **options: Any) -> SlackTwin:
        manifest = slack_manifest(scopes=scopes, url=app_url)
        twin = SlackTwin(manifest=manifest, clock=slack_clock, **{"rate_limits": False, **options})
        asyncio.run_coroutine_threadsafe(twin.start(), background_loop).result(60)
        started.append(twin)
        return twin

    yield start
    for twin in started:
        asyncio.run_coroutine_threadsafe(twin.stop(), background_loop).result(60)


@pytest.fixture
def slack(start_slack: StartSlack) -> SlackTwin:
    return start_slack()


def web_client(twin: SlackTwin) -> WebClient:
    env = twin.env()
    return WebClient(env["SLACK_BOT_TOKEN"], base_url=env["SLACK_API_URL"])


@pytest.fixture
def web(slack: SlackTwin) -> WebClient:
    return web_client(slack)


@pytest.fixture
def people(slack: SlackTwin) -> Iterator[People]:
    with People(slack.url, patience=5) as people:
        yield people


@pytest.fixture
def app(slack: SlackTwin, background_loop: asyncio.AbstractEventLoop) -> Iterator[SocketApp]:
    """One connection that acknowledges everything, until its `answer` is set."""
    app = SocketApp(slack, background_loop).connect()
    yield app
    app.close()
