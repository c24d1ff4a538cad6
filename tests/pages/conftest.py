"""The Slack twin with a small app behind it, and a browser in front."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.web import WebClient

from sandbox.slack.twin import SlackTwin

from . import small_app


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
    asyncio.run_coroutine_threadsafe(twin.start(), loop).result(60)
    env = twin.env()
    app = small_app.build(env["SLACK_BOT_TOKEN"], env["SLACK_API_URL"])
    handler = SocketModeHandler(app, env["SLACK_APP_TOKEN"])
    handler.connect()  # type: ignore[no-untyped-call]  # slack_bolt leaves it untyped
    yield Workspace(twin.url, app.client)
    handler.close()  # type: ignore[no-untyped-call]  # slack_bolt leaves it untyped
    asyncio.run_coroutine_threadsafe(twin.stop(), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(60)


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Page]:
    """One for all tests of a module, as opening one takes longer than most of them."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def page(window: Page, workspace: Workspace) -> Iterator[Page]:
    """The page as a first visitor opens it; the test fails when the browser's console has an error."""
    problems: list[str] = []

    def hears(said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            problems.append(said.text)

    def breaks(error: Error) -> None:
        problems.append(str(error))

    window.set_viewport_size({"width": 1280, "height": 800})
    forgetful = window.context.new_cdp_session(window)
    forgetful.send("Storage.clearDataForOrigin", {"origin": workspace.url, "storageTypes": "all"})
    forgetful.detach()
    window.on("console", hears)
    window.on("pageerror", breaks)
    window.goto(workspace.url)
    expect(window.get_by_role("textbox", name="Message #line-vision")).to_be_visible()
    yield window
    window.goto("about:blank")
    window.remove_listener("console", hears)
    window.remove_listener("pageerror", breaks)
    assert problems == []
