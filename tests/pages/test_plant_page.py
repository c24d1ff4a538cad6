"""The plant in a real browser: found from Slack's page, read, and acted on by several people."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages.accessible import barriers
from tests.sandbox.plant.stand import Stand


@pytest.fixture
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    running = Stand(tmp_path_factory.mktemp("plant"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def page(browser: Browser, stand: Stand) -> Iterator[Page]:
    """The plant, opened from Slack's page; the test fails when the browser's console has an error."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    problems: list[str] = []
    context.on(
        "console", lambda said: problems.append(said.text) if said.type in ("error", "warning") else None
    )
    context.on("weberror", lambda error: problems.append(str(error.error)))
    slack = context.new_page()
    slack.goto(stand.slack.url)
    with context.expect_page() as opened:
        slack.get_by_role("link", name="The plant (opens a new tab)").click()
    yield opened.value
    context.close()
    assert problems == []


def becomes(page: Page, person: str) -> None:
    page.get_by_role("button", name="You are:").click()
    page.get_by_role("menuitemradio", name=person).click()
    expect(page.get_by_role("button", name=f"You are: {person}")).to_be_visible()


def test_people_watch_the_plant_and_act_there(page: Page, stand: Stand) -> None:
    canary = page.get_by_role("listitem", name="line-1-cam-1")
    expect(canary).to_contain_text("Caps v1")
    canary.get_by_role("button", name="Picture of line-1-cam-1").click()
    expect(page.get_by_role("dialog", name="line-1-cam-1: what Caps v1 sees")).to_contain_text("bright")
    page.keyboard.press("Escape")

    stand.train("caps-1")
    jobs = page.get_by_role("region", name="Jobs")
    expect(jobs.get_by_role("button", name=re.compile(r"^Completed caps-1 .*mAP 0\.\d{3}"))).to_be_visible()
    expect(jobs.get_by_text("AutoML sweep, 2 of 2 trials")).to_be_visible()
    jobs.get_by_role("button", name="Log of caps-1 · trial 1").click()
    expect(page.get_by_label("Log", exact=True)).to_contain_text("epoch 3")
    page.keyboard.press("Escape")
    expect(page.get_by_role("article", name="gpu-cluster")).to_contain_text("2 idle · 0 to 2")

    page.get_by_role("button", name="Run ship").focus()
    page.keyboard.press("Enter")
    form = page.get_by_role("dialog", name="Run ship")
    form.get_by_label("note").fill("by hand")
    stand.devops.portal.create_pipeline("later", "later.yml")
    expect(page.get_by_role("button", name="Run later", include_hidden=True)).to_be_attached()
    form.get_by_label("target").select_option("line-2")
    form.get_by_role("button", name="Run", exact=True).click()
    run = page.get_by_role("listitem", name=re.compile("^ship "))
    expect(run).to_contain_text("Trainer, by hand")
    run.get_by_role("button", name="Permit").click()
    run.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status")).to_contain_text("Trainer does not have permission to approve")
    becomes(page, "Second approver")
    run.get_by_label("Comment").fill("looks good")
    run.get_by_role("button", name="Approve").click()
    expect(run.get_by_role("img", name="Succeeded")).to_have_count(3)
    run.get_by_role("button", name="Build the image").click()
    run.get_by_role("button", name="Build and push").click()
    expect(page.get_by_label("Log", exact=True)).to_contain_text("built for line-2, by hand")
    page.keyboard.press("Escape")

    trouble = page.get_by_role("button", name="Slack: Too many requests")
    trouble.click()
    expect(trouble).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("link", name="Slack: too many requests")).to_be_visible()
    trouble.click()
    expect(trouble).to_have_attribute("aria-pressed", "false")

    page.get_by_role("button", name="Let time run faster").click()
    expect(page.get_by_role("status").filter(has_text="Waiting is 10 times shorter.")).to_be_visible()
    assert barriers(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    page.get_by_role("button", name="Let time run faster").click()
    expect(page.get_by_role("status").filter(has_text="Time runs as usual again.")).to_be_visible()
    assert barriers(page) == []
