"""The Slack twin with a small app behind it, and a browser in front."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.web import WebClient

from sandbox.slack.twin import SlackTwin

from . import small_app

expect.set_options(timeout=10_000)


@dataclass(frozen=True)
class Workspace:
    url: str
    client: WebClient


@pytest.fixture(scope="session")
def workspace() -> Iterator[Workspace]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    twin = SlackTwin(manifest=small_app.MANIFEST, rate_limits=False)
    asyncio.run_coroutine_threadsafe(twin.start(), loop).result(10)
    env = twin.env()
    app = small_app.build(env["SLACK_BOT_TOKEN"], env["SLACK_API_URL"])
    handler = SocketModeHandler(app, env["SLACK_APP_TOKEN"])
    handler.connect()  # type: ignore[no-untyped-call]  # slack_bolt leaves it untyped
    yield Workspace(twin.url, app.client)
    handler.close()  # type: ignore[no-untyped-call]  # slack_bolt leaves it untyped
    asyncio.run_coroutine_threadsafe(twin.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


@pytest.fixture
def page(browser: Browser, workspace: Workspace) -> Iterator[Page]:
    """The page as a first visitor opens it; the test fails when the browser's console has an error."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda said: problems.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(workspace.url)
    expect(page.get_by_role("textbox", name="Message #line-vision")).to_be_visible()
    yield page
    context.close()
    assert problems == []
