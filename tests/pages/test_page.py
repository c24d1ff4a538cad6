"""What people do on the sandbox page, in a real browser."""

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from .conftest import Workspace
from .small_app import CHANNEL, card, charts


def post(workspace: Workspace, **message: Any) -> None:
    workspace.client.chat_postMessage(channel=CHANNEL, **message)


def composer(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message #line-vision")


def types(page: Page, text: str) -> None:
    composer(page).fill(text)
    composer(page).press("Enter")


def becomes(page: Page, person: str) -> None:
    page.get_by_role("button", name="You are:").click()
    page.get_by_role("menuitemradio", name=person).click()
    expect(page.get_by_role("button", name=f"You are: {person}")).to_be_visible()


def timeline(page: Page) -> Locator:
    return page.get_by_role("log", name="Messages in line-vision")


def test_messages_arrive_and_markup_from_outside_stays_text(page: Page, workspace: Workspace) -> None:
    post(workspace, text="Caps trains", blocks=card())
    arrived = timeline(page).get_by_role("article").last
    expect(arrived.get_by_role("heading")).to_have_text("Caps training: trial 2 of 4")
    expect(arrived).to_contain_text("<b>not markup</b>")
    expect(arrived.get_by_role("img", name="white check mark emoji")).to_be_visible()


def test_commands_complete_by_keyboard(page: Page) -> None:
    composer(page).press_sequentially("/")
    expect(page.get_by_role("option")).to_have_count(3)
    composer(page).press("ArrowDown")
    composer(page).press("Enter")
    expect(composer(page)).to_have_value("/runs ")
    composer(page).press("Enter")
    expect(timeline(page)).to_contain_text("Nothing runs.")
    expect(timeline(page)).to_contain_text("Only visible to you")


def test_an_unknown_command_is_answered_privately(page: Page) -> None:
    types(page, "/fly")
    expect(timeline(page)).to_contain_text("/fly is not a valid command.")


def test_the_modal_asks_for_what_is_missing_and_shows_the_apps_errors(page: Page) -> None:
    types(page, "/train")
    modal = page.get_by_role("dialog", name="Train a model")
    modal.get_by_role("button", name="Start training").click()
    expect(modal.get_by_text("Please complete this required field.")).to_have_count(2)

    modal.get_by_label("Model name").fill("my caps")
    modal.get_by_role("combobox", name="Labeling export").press_sequentially("1113")
    expect(page.get_by_role("option")).to_have_text(["caps_20261113_101500"])
    modal.get_by_role("combobox").press("Enter")
    modal.get_by_role("button", name="Start training").click()
    expect(modal.get_by_role("alert")).to_have_text("Azure ML refuses names with spaces.")
    expect(modal.get_by_label("Model name")).to_be_focused()

    modal.get_by_label("Model name").fill("my_caps")
    modal.get_by_label("Model name").press("Enter")
    expect(modal).to_be_hidden()
    expect(timeline(page)).to_contain_text("my_caps trains on caps_20261113_101500 for @Trainer")


def test_an_updated_view_keeps_what_was_entered(page: Page) -> None:
    types(page, "/train")
    modal = page.get_by_role("dialog", name="Train a model")
    modal.get_by_label("Model name").fill("again")
    modal.get_by_role("combobox").click()
    page.get_by_role("option", name="labels_20261101_080000").click()
    modal.get_by_role("button", name="Start training").click()
    expect(modal).to_contain_text("The export has changed.")
    expect(modal.get_by_label("Model name")).to_have_value("again")
    expect(modal.get_by_role("combobox")).to_have_value("labels_20261101_080000")
    page.keyboard.press("Escape")
    expect(modal).to_be_hidden()


def test_a_pushed_view_leads_back_to_what_was_entered(page: Page) -> None:
    types(page, "/train")
    modal = page.get_by_role("dialog", name="Train a model")
    modal.get_by_label("Model name").fill("my_caps")
    modal.get_by_role("button", name="About exports").click()
    pushed = page.get_by_role("dialog", name="Exports")
    expect(pushed).to_contain_text("They come from a labeling project.")
    pushed.get_by_role("button", name="Back").click()
    expect(modal.get_by_label("Model name")).to_have_value("my_caps")
    modal.get_by_role("button", name="Cancel").click()
    expect(modal).to_be_hidden()


def test_escape_closes_the_list_before_the_modal(page: Page) -> None:
    types(page, "/train")
    modal = page.get_by_role("dialog", name="Train a model")
    modal.get_by_role("combobox").click()
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("option")).to_have_count(0)
    expect(modal).to_be_visible()
    page.keyboard.press("Escape")
    expect(modal).to_be_hidden()


def test_a_button_asks_first_and_the_card_changes_in_place(page: Page, workspace: Workspace) -> None:
    post(workspace, text="Caps trains", blocks=card())
    stop = timeline(page).get_by_role("article").last.get_by_role("button", name="Stop run")
    stop.click()
    page.get_by_role("dialog").get_by_role("button", name="Keep running").click()
    expect(stop).to_be_visible()
    stop.click()
    page.get_by_role("dialog").get_by_role("button", name="Stop it").click()
    changed = timeline(page).get_by_role("article").last
    expect(changed.get_by_role("heading")).to_have_text("Stopped by trainer")
    expect(changed.get_by_role("button", name="Stop run")).to_have_count(0)


def test_another_person_does_not_see_private_answers(page: Page) -> None:
    types(page, "/runs")
    expect(timeline(page)).to_contain_text("Nothing runs.")
    becomes(page, "Outsider")
    expect(timeline(page)).not_to_contain_text("Nothing runs.")
    expect(page.get_by_role("link", name="quality")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("button", name="You are: Outsider")).to_be_visible()


def test_people_answer_each_other_in_threads(page: Page) -> None:
    types(page, "Who labels the caps?")
    question = timeline(page).get_by_role("article").filter(has_text="Who labels the caps?").last
    question.hover()
    question.get_by_role("button", name="Reply in thread").click()
    reply = page.get_by_role("textbox", name="Reply…")
    reply.fill("I do, @first_approver")
    reply.press("Enter")
    expect(page.get_by_role("log", name="Replies")).to_contain_text("I do, @First approver")
    expect(question.get_by_role("button", name=re.compile("1 reply"))).to_be_visible()
    becomes(page, "First approver")
    expect(question.get_by_role("button", name=re.compile("1 reply"))).to_be_visible()


def test_tables_page_and_sort_and_charts_have_words(page: Page, workspace: Workspace) -> None:
    post(workspace, text="Figures", blocks=charts())
    message = timeline(page).get_by_role("article").last
    expect(message.get_by_role("img", name=re.compile("mAP from 0.7 to 0.78"))).to_be_visible()
    expect(message.get_by_text("1–5 of 7")).to_be_visible()
    message.get_by_role("button", name="Boxes").click()
    message.get_by_role("button", name="Boxes").click()
    expect(message.get_by_role("rowheader").first).to_have_text("class 6")
    message.get_by_role("button", name="Next page").click()
    expect(message.get_by_role("rowheader")).to_have_text(["class 1", "class 0"])


def test_who_reads_the_end_stays_there_when_what_is_there_grows(page: Page, workspace: Workspace) -> None:
    for _ in range(8):
        post(workspace, text="Caps trains", blocks=card())
    expect(timeline(page).get_by_role("article").nth(7)).to_be_attached()
    timeline(page).evaluate(
        "box => { [...box.querySelectorAll('article')].at(-1).style.minHeight = '900px';"
        " box.dispatchEvent(new Event('scroll')); }"
    )
    page.wait_for_function(
        "[...document.querySelectorAll('.timeline')]"
        ".every((box) => box.scrollHeight - box.scrollTop - box.clientHeight < 2)"
    )
    expect(page.get_by_role("button", name="Jump to latest")).to_be_hidden()


def test_the_home_tab_shows_what_the_app_publishes(page: Page) -> None:
    page.get_by_role("link", name="Spotter").click()
    expect(page.get_by_role("heading", name="Nothing needs you")).to_be_visible()


def test_a_reader_of_old_messages_is_not_moved(page: Page, workspace: Workspace) -> None:
    for number in range(40):
        post(workspace, text=f"line {number}\nand more")
    expect(timeline(page)).to_contain_text("line 39")
    timeline(page).evaluate("box => box.scrollTo(0, 0)")
    jump = page.get_by_role("button", name="Jump to latest")
    expect(jump).to_be_visible()
    post(workspace, text="fresh news")
    fresh = page.get_by_role("button", name="1 new message")
    expect(fresh).to_be_visible()
    assert timeline(page).evaluate("box => box.scrollTop") == 0
    fresh.click()
    expect(timeline(page).get_by_text("fresh news")).to_be_in_viewport()
    expect(fresh).to_be_hidden()


def test_the_answer_to_what_i_type_comes_into_view(page: Page, workspace: Workspace) -> None:
    for number in range(40):
        post(workspace, text=f"picture {number}\nand more")
    expect(timeline(page)).to_contain_text("picture 39")
    timeline(page).evaluate("box => box.scrollTo(0, 0)")
    expect(page.get_by_role("button", name="Jump to latest")).to_be_visible()
    types(page, "/runs")
    expect(timeline(page).get_by_text("Nothing runs.").last).to_be_in_viewport()


def test_a_user_group_goes_by_its_handle(page: Page, workspace: Workspace) -> None:
    post(workspace, text="Ask <!subteam^S0APPROVERS> first")
    expect(timeline(page)).to_contain_text("Ask @edge-approvers first")


def test_on_a_phone_charts_can_be_read_and_the_newest_message_is_seen(
    page: Page, workspace: Workspace
) -> None:
    page.set_viewport_size({"width": 390, "height": 780})
    post(workspace, text="Figures", blocks=charts())
    message = timeline(page).get_by_role("article").last
    tick = message.locator(".axes text").last
    expect(tick).to_be_in_viewport()
    assert tick.evaluate("tick => tick.getBoundingClientRect().height") >= 12
    welcome = page.get_by_role("region", name="Welcome").bounding_box()
    assert welcome is not None and welcome["height"] < 0.31 * 780


def test_on_a_phone_the_channels_are_in_a_drawer(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 780})
    drawer = page.get_by_role("navigation", name="Workspace")
    expect(drawer).to_be_hidden()
    page.get_by_role("button", name="Channels").click()
    drawer.get_by_role("link", name="line-3").click()
    expect(page.get_by_role("textbox", name="Message #line-3")).to_be_visible()
    expect(drawer).to_be_hidden()
