"""The page is for everyone: axe finds no serious barrier in any of its places, in light and dark, wide and narrow."""

import pytest
from playwright.sync_api import Browser, Page, expect

from .accessible import barriers
from .conftest import Workspace
from .small_app import CHANNEL, card, charts


@pytest.mark.parametrize(("width", "height", "colours"), [(1280, 800, "light"), (390, 844, "dark")])
def test_no_place_has_a_barrier(
    browser: Browser, workspace: Workspace, width: int, height: int, colours: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if colours == "dark" else "light"
    )
    page = context.new_page()
    page.goto(workspace.url)
    for blocks in (card(), charts()):
        workspace.client.chat_postMessage(channel=CHANNEL, text="Caps trains", blocks=blocks)
    messages = page.get_by_role("log", name="Messages in line-vision")
    expect(messages.get_by_role("button", name="Boxes").last).to_be_visible()
    expect(page.get_by_role("region", name="Welcome")).to_be_visible()
    assert barriers(page) == []

    page.get_by_role("button", name="Take the tour").last.click()
    box = page.get_by_role("textbox", name="Message #line-vision")
    box.press_sequentially("/")
    expect(page.get_by_role("listbox", name="Commands")).to_be_visible()
    expect(page.get_by_role("complementary", name="Tour")).to_be_visible()
    assert barriers(page) == []

    box.fill("/train")
    box.press("Enter")
    modal = page.get_by_role("dialog", name="Train a model")
    modal.get_by_role("button", name="Start training").click()
    expect(modal.get_by_text("Please complete this required field.")).to_have_count(2)
    modal.get_by_role("combobox").click()
    expect(page.get_by_role("option").first).to_be_visible()
    assert barriers(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(modal).to_be_hidden()

    _home(page)
    assert barriers(page) == []
    context.close()


def _home(page: Page) -> None:
    drawer = page.get_by_role("button", name="Channels")
    if drawer.is_visible():
        drawer.click()
    page.get_by_role("navigation", name="Workspace").get_by_role("link", name="Spotter").click()
    expect(page.get_by_role("heading", name="Nothing needs you")).to_be_visible()
