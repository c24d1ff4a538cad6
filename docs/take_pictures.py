"""Takes the pictures of the docs: starts the sandbox, goes from labels to devices, photographs what is seen.

Run with `.venv/bin/python docs/take_pictures.py` after `make test` has installed what it needs; it takes some minutes.
"""

import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

PICTURES = Path(__file__).parent / "pictures"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
FIRST, SECOND = "caps_20261102_081530", "caps_20261116_143000"
MODEL = "Cap_Detection_Model"
PORT = 8190
PATIENCE = 600_000
LARGEST = 150_000
COUNTED_AGAIN = 15_000  # milliseconds until Spotter has asked every device again


def main() -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is needed: apt-get install chromium")
    PICTURES.mkdir(exist_ok=True)
    expect.set_options(timeout=PATIENCE)
    with sandbox() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = visitor(browser, url, 1280, 1000)
        page.get_by_role("button", name="Let time run faster").click()
        page.keyboard.press("Escape")
        train(page)
        deploy(page)
        look_around(page)
        look_again(browser, url)
        browser.close()


def train(page: Page) -> None:
    """Twice, so that the second announcement has something to compare with."""
    write(page, "/exports")
    expect(page.get_by_text("labeling exports, newest first")).to_be_visible()
    take(page, "exports")
    page.get_by_role("button", name="Take the tour").last.click()
    write(page, f"/train {MODEL} {FIRST} gpu-cluster")
    heading(page, "v1 registered")
    take(page, "tour")
    page.get_by_role("button", name="Close the tour").click()
    write(page, f"/train {MODEL}")
    modal = page.get_by_role("dialog", name="Train a model")
    field = modal.get_by_role("combobox", name="Labeling export")
    field.click()
    field.press_sequentially("caps_2026")
    expect(page.get_by_role("option", name=SECOND)).to_be_visible()
    take(page, "train-form")
    page.get_by_role("option", name=SECOND).click()
    cluster = modal.get_by_role("combobox", name="GPU cluster")
    if not cluster.input_value():
        cluster.click()
        page.get_by_role("option", name="gpu-cluster").click()
    modal.get_by_role("button", name="Start training").click()
    heading(page, "trials? 3")
    take(page, "training")
    expect(page.get_by_role("button", name="Precision and recall")).to_have_count(2)
    open_thread(page, "v2 registered")
    take(page, "announcement")
    page.get_by_role("button", name="Close thread").click()


def deploy(page: Page) -> None:
    write(page, f'/deploy {MODEL}:2 line-2 "finds more missing caps at night"')
    show(page, "on line-2\\?")
    take(page, "request")
    page.get_by_role("button", name="You are:").click()
    page.get_by_role("menuitemradio", name="First approver").click()
    page.get_by_role("button", name="Approve v2").click()
    page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    show(page, "on line-2: on all devices")
    take(page, "rollout")


def look_around(page: Page) -> None:
    """A request that waits for line 1, and so something for a digest, for Home and for the plant to tell of."""
    write(page, f'/deploy {MODEL}:2 line-1 "as on line 2"')
    heading(page, "on line-1\\?")
    page.wait_for_timeout(COUNTED_AGAIN)
    write(page, "/digest now")
    expect(page.get_by_role("article").filter(has_text="Only visible to you").last).to_contain_text(
        "On the lines"
    )
    take(page, "digest")
    page.get_by_role("button", name="You are:").click()
    page.get_by_role("menuitemradio", name="Second approver").click()
    page.get_by_role("navigation", name="Workspace").get_by_role("link", name="Spotter").click()
    expect(page.get_by_role("region", name="Home", exact=True)).to_contain_text("line-1")
    take(page, "home")


def look_again(browser: Browser, url: str) -> None:
    """In the dark, on a phone, and at the plant."""
    dark = visitor(browser, url, 1280, 1000, dark=True)
    dark.get_by_role("button", name="Dismiss the welcome").click()
    open_thread(dark, "v2 registered")
    take(dark, "announcement-dark")
    dark.get_by_role("button", name="Close thread").click()
    phone = visitor(browser, url, 390, 844)
    phone.get_by_role("button", name="Dismiss the welcome").click()
    show(phone, "on line-1\\?")
    take(phone, "request-phone")
    with dark.context.expect_page() as opened:
        dark.get_by_role("link", name="The plant (opens a new tab)").click()
    plant = opened.value
    plant.set_viewport_size({"width": 1440, "height": 1000})
    plant.emulate_media(color_scheme="light")
    expect(plant.get_by_role("article", name=MODEL).get_by_text("v2")).to_be_visible()
    expect(plant.get_by_role("button", name="Picture of line-2-cam-1")).to_be_visible()
    take(plant, "plant")


def visitor(browser: Browser, url: str, width: int, height: int, *, dark: bool = False) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", locale="en-GB"
    )
    page = context.new_page()
    page.goto(url)
    expect(page.get_by_role("textbox", name="Message #line-vision")).to_be_visible()
    return page


def write(page: Page, text: str) -> None:
    box = page.get_by_role("textbox", name="Message #line-vision")
    box.fill(text)
    box.press("Enter")


def heading(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", name=re.compile(words)).last).to_be_visible()


def show(page: Page, words: str) -> None:
    """Puts the newest message of that heading at the top, once it is there."""
    heading(page, words)
    found = page.get_by_role("heading", name=re.compile(words)).last
    found.evaluate("element => element.closest('article').scrollIntoView({block: 'start'})")


def open_thread(page: Page, words: str) -> None:
    """Puts the newest message of that heading at the top, and beside it what stands in its thread."""
    heading(page, words)
    message = page.get_by_role("article").filter(has=page.get_by_role("heading", name=re.compile(words))).last
    message.get_by_role("button", name=re.compile("repl")).click()
    reply = page.get_by_role("complementary", name="Thread").get_by_role("article").last
    expect(reply.get_by_role("img").last).to_be_visible()
    first = page.get_by_role("heading", name=re.compile(words)).first  # in the thread it stands again
    first.evaluate("element => element.closest('article').scrollIntoView({block: 'start'})")
    reply.evaluate("element => element.scrollIntoView({block: 'start'})")


def take(page: Page, name: str) -> None:
    """A picture of the page with few colours, so that it stays small; fewer still where it does not."""
    file = PICTURES / f"{name}.png"
    page.mouse.move(0, 0)
    page.screenshot(path=file, animations="disabled")
    with Image.open(file) as taken:
        picture = taken.convert("RGB")
    for colours in (256, 96, 48):
        picture.quantize(colours, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
            file, optimize=True
        )
        if file.stat().st_size < LARGEST:
            return


@contextmanager
def sandbox() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "sandbox.cli", "--port", str(PORT), "--root", folder]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            next(line for line in process.stdout or () if "ready" in line)
            yield f"http://127.0.0.1:{PORT}"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)


if __name__ == "__main__":
    main()
