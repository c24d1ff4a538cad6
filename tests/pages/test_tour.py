"""The tour: five steps that move on by what the bot says in the channel, and a light on what to press next."""

import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import Workspace
from .small_app import CHANNEL, Json, plain

MODEL = "Tour_Model"


def says(workspace: Workspace, text: str, *buttons: Json, ts: str | None = None) -> str:
    """Posts a card of the bot with that heading, or puts it in the place of another; its time."""
    blocks: list[Json] = [{"type": "header", "text": plain(text)}]
    if buttons:
        blocks.append({"type": "actions", "elements": list(buttons)})
    client = workspace.client
    if ts is None:
        return str(client.chat_postMessage(channel=CHANNEL, text=f"{text}.", blocks=blocks)["ts"])
    return str(client.chat_update(channel=CHANNEL, ts=ts, text=f"{text}.", blocks=blocks)["ts"])


def button(words: str, action: str) -> Json:
    return {"type": "button", "text": plain(words), "action_id": action}


def lit(page: Page, words: str) -> None:
    """What is lit has these words, is the only one, and nothing lies over it."""
    light = page.locator("[data-tour]")
    expect(light).to_have_count(1)
    expect(light).to_contain_text(words)
    light.scroll_into_view_if_needed()
    light.click(trial=True)


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_tour_follows_what_happens_in_the_channel(
    browser: Browser, workspace: Workspace, width: int, height: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(workspace.url)
    page.get_by_role("button", name="Take the tour").last.click()
    tour = page.get_by_role("complementary", name="Tour")
    now = tour.locator("[aria-current=step]")
    expect(page.get_by_role("region", name="Welcome")).to_be_hidden()

    expect(now).to_have_text("1Train a model")
    tour.get_by_role("button", name="Type it for me").click()
    box = page.get_by_role("textbox", name="Message #line-vision")
    expect(box).to_have_value("/train Cap_Detection_Model")
    expect(box).to_be_focused()
    box.press("Enter")
    modal = page.get_by_role("dialog", name="Train a model")
    expect(modal.locator(".field[data-tour]")).to_be_visible()
    modal.get_by_label("Model name").fill("caps")
    expect(modal.locator(".select[data-tour]")).to_be_visible()
    page.keyboard.press("Escape")

    training = says(workspace, f"{MODEL} training: waiting for a GPU node")
    expect(now).to_have_text("2Watch it learn")
    lit(page, MODEL)
    says(workspace, f"{MODEL} training: trials 1 and 2 of 4, best mAP 0.7 so far", ts=training)
    expect(now).to_have_text("3Read the announcement")
    registered = says(workspace, f"{MODEL} v1 registered: mAP 0.9", button("Deploy …", "deploy.ask"))
    expect(now).to_have_text("4Ask to deploy it")
    lit(page, "Deploy …")

    asked = says(workspace, f"Put {MODEL} v1 on line-2?", button("Approve v1", "deploy.approve"))
    expect(now).to_have_text("5Approve it as somebody else")
    lit(page, "You are:")
    page.get_by_role("button", name="You are:").click()
    lit(page, "First approver")
    page.get_by_role("menuitemradio", name="First approver").click()
    lit(page, "Approve v1")
    says(workspace, f"{MODEL} v1 on line-2: canary is rolling out", ts=asked)
    expect(tour).to_contain_text("It goes to one device first")

    tour.get_by_role("button", name="Close the tour").click()
    expect(tour).to_be_hidden()
    expect(page.locator("[data-tour]")).to_have_count(0)
    if width < 700:
        page.get_by_role("button", name="Channels").click()
    page.get_by_role("button", name="Take the tour").click()
    says(workspace, f"{MODEL} v1 on line-2: on all devices", ts=asked)
    expect(tour).to_contain_text("Your model runs on the line.")
    context.close()
    for said in (training, registered, asked):
        workspace.client.chat_delete(channel=CHANNEL, ts=said)
