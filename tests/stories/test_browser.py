"""The same path in a real browser: a first-time user follows the tour on the sandbox page."""

from collections.abc import Callable

from playwright.sync_api import Browser, Locator, Page, expect

from sandbox.claim import free_port
from sandbox.world import World
from tests.stories.deploying import POLICY, SECRET
from tests.stories.stage import PATIENCE, Stage

TRAINING = 300_000  # milliseconds; a real one, beside all that other stories do


def an_empty_line(port: int) -> Callable[[World], None]:
    """The team has its pipelines, the edge pipeline asks Spotter first, and no device has a model yet."""

    def prepare(world: World) -> None:
        world.connect(POLICY)
        world.guard(f"http://127.0.0.1:{port}", SECRET)

    return prepare


def visits(browser: Browser, stage: Stage, problems: list[str]) -> Page:
    """The page as the trainer opens it; what the browser's console complains of is added to `problems`.

    Without motion, for a light that pulses while a model is trained takes a third of a processor.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE * 1000)
    context.on(
        "console", lambda said: problems.append(said.text) if said.type in ("error", "warning") else None
    )
    context.on("weberror", lambda error: problems.append(str(error.error)))
    page = context.new_page()
    page.goto(stage.world.slack.url)
    return page


def test_a_first_time_user_follows_the_tour_from_labels_to_devices(
    browser: Browser, new_stage: Callable[..., Stage]
) -> None:
    port = free_port()
    stage = new_stage(
        lines={"line-1": 1},
        before=an_empty_line(port),
        policy={
            "approvals = 2": "approvals = 1",
            "mean_average_precision = 0.5": "mean_average_precision = 0",
        },
        PORT=str(port),
        HOOKS_SECRET=SECRET,
    )
    problems: list[str] = []
    page = visits(browser, stage, problems)
    page.get_by_role("region", name="Welcome").get_by_role("button", name="Take the tour").click()
    tour = page.get_by_role("complementary", name="Tour")
    trains(page, tour)
    assert len(stage.jobs()) == 1

    expect(tour).to_contain_text("4 of 5: Ask to deploy it.")
    lit(page, "Deploy …").click()
    form = page.get_by_role("dialog", name="Deploy")
    form.get_by_role("combobox", name="Target").click()
    page.get_by_role("option", name="line-1").click()
    form.get_by_label("Why").fill("the first one")
    lit(page, "Ask for approval").click()
    expect(tour).to_contain_text("5 of 5: Approve it as somebody else.")
    lit(page, "You are:").click()
    lit(page, "First approver").click()
    lit(page, "Approve v1").click()
    lit(page.get_by_role("dialog"), "Approve").click()
    expect(tour).to_contain_text("Your model runs on the line.")

    with page.context.expect_page() as opened:
        page.get_by_role("link", name="The plant (opens a new tab)").click()
    expect(opened.value.get_by_role("listitem", name="line-1-cam-1")).to_contain_text("Cap_Model v1")
    opened.value.close()
    looks_around(page)
    page.context.close()
    assert problems == []


def lit(within: Page | Locator, words: str) -> Locator:
    """What the tour lights up, once it has these words."""
    light = within.locator("[data-tour]")
    expect(light).to_contain_text(words)
    return light


def trains(page: Page, tour: Locator) -> None:
    """The first three steps of the tour, with a name that Azure does not take at first."""
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
    lit(page, "Start training").click()
    expect(form.get_by_role("alert")).to_contain_text("Model name cannot be “Cap Model”")
    form.get_by_label("Model name").fill("Cap_Model")
    form.get_by_role("button", name="Start training").click()
    expect(form).to_be_hidden()
    trained = page.get_by_role("heading", name="Cap_Model v1 trained")
    expect(trained).to_be_visible(timeout=TRAINING)
    expect(page.get_by_role("heading", name="Cap_Model v1 registered")).to_be_visible()
    expect(tour.get_by_text("(done)")).to_have_count(3)


def looks_around(page: Page) -> None:
    """Home and the preview of a digest tell of what happened."""
    box = page.get_by_role("textbox", name="Message #line-vision")
    box.fill("/digest set weekdays at 8:30")
    box.press("Enter")
    page.get_by_role("button", name="Preview", exact=True).click()
    preview = page.get_by_role("article").filter(has_text="A preview for your eyes.")
    expect(preview).to_contain_text("Cap_Model v1 on line-1: on all devices")
    page.get_by_role("navigation", name="Workspace").get_by_role("link", name="Spotter").click()
    home = page.get_by_role("region", name="Home", exact=True)
    expect(home.get_by_role("heading", name="Models on the line")).to_be_visible()
    expect(home).to_contain_text("line-1: Cap_Model v1")


def test_a_cancel_is_heard_though_the_message_was_updated_while_its_confirmation_was_open(
    browser: Browser, stage: Stage
) -> None:
    problems: list[str] = []
    page = visits(browser, stage, problems)
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
    page.context.close()
    assert problems == []
