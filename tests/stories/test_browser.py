"""The same path in a real browser: a first-time user trains a model on the sandbox page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.stories.stage import PATIENCE, Stage


@pytest.fixture
def page(stage: Stage, browser: Browser) -> Iterator[Page]:
    """The page as the trainer opens it; the story fails when the browser's console has an error."""
    problems: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    page.on("console", lambda said: problems.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(stage.world.slack.url)
    yield page
    context.close()
    assert problems == []


def test_a_first_time_user_trains_a_model_in_the_browser(page: Page, stage: Stage) -> None:
    expect.set_options(timeout=PATIENCE * 1000)
    box = page.get_by_role("textbox", name="Message #line-vision")
    box.press_sequentially("/tra")
    box.press("Enter")
    expect(box).to_have_value("/train ")
    box.press("Enter")

    form = page.get_by_role("dialog", name="Train a model")
    form.get_by_label("Model name").fill("Cap Model")
    export = form.get_by_role("combobox", name="Labeling export")
    export.press_sequentially("20261102")
    page.get_by_role("option", name="caps_20261102_081530").click()
    form.get_by_role("combobox", name="GPU cluster").press_sequentially("gpu-c")
    page.get_by_role("option", name="gpu-cluster").click()
    form.get_by_role("button", name="Start training").click()
    expect(form.get_by_role("alert")).to_contain_text("Model name cannot be “Cap Model”")

    form.get_by_label("Model name").fill("Cap_Model")
    form.get_by_role("button", name="Start training").click()
    expect(form).to_be_hidden()
    expect(page.get_by_role("heading", name="Cap_Model v1 trained")).to_be_visible()
    expect(page.get_by_role("heading", name="Cap_Model v1 registered")).to_be_visible()
    assert len(stage.jobs()) == 1


def test_a_cancel_is_heard_though_the_message_was_updated_while_its_confirmation_was_open(
    page: Page, stage: Stage
) -> None:
    expect.set_options(timeout=PATIENCE * 1000)
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    box = page.get_by_role("textbox", name="Message #line-vision")
    box.fill("/train Cap_Model caps_20261102_081530 gpu-cluster")
    box.press("Enter")
    expect(page.get_by_role("heading", name="Cap_Model training: waiting for a GPU node")).to_be_visible()
    page.get_by_role("button", name="Cancel training").click()
    stage.world.azure.studio.resize("gpu-cluster", 0, 0)
    expect(page.get_by_text("allows no nodes")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Cancel training").click()
    expect(page.get_by_role("heading", name="Cap_Model training canceled by trainer")).to_be_visible()
