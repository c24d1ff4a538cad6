"""Takes the pictures of the docs: starts the sandbox, trains a model as the trainer would, photographs what is seen.

Run with `.venv/bin/python docs/take_pictures.py` after `make test` has installed what it needs.
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
EXPORT = "caps_20261116_143000"
PORT = 8190
TRAINED_WITHIN = 300_000


def main() -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is needed: apt-get install chromium")
    PICTURES.mkdir(exist_ok=True)
    with sandbox() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        train(visitor(browser, url, 1280, 1000))
        look_around(browser, url)
        browser.close()


def train(page: Page) -> None:
    """The trainer trains twice, so that the second announcement has something to compare with."""
    write(page, "/exports")
    expect(page.get_by_text("labeling exports, newest first")).to_be_visible()
    take(page, "exports")
    write(page, "/train Cap_Detection_Model caps_20261102_081530 gpu-cluster")
    expect(page.get_by_role("heading", name="v1 registered")).to_be_visible(timeout=TRAINED_WITHIN)
    write(page, "/train Cap_Detection_Model")
    modal = page.get_by_role("dialog", name="Train a model")
    field = modal.get_by_role("combobox", name="Labeling export")
    field.click()
    field.press_sequentially("caps_2026")
    expect(page.get_by_role("option").first).to_be_visible()
    take(page, "train-form")
    page.get_by_role("option", name=EXPORT).click()
    modal.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("heading", name=re.compile("trials? 3"))).to_be_visible(timeout=TRAINED_WITHIN)
    take(page, "training")
    expect(page.get_by_role("heading", name="v2 registered")).to_be_visible(timeout=TRAINED_WITHIN)
    page.mouse.move(0, 0)
    take(page, "announcement")


def look_around(browser: Browser, url: str) -> None:
    dark = visitor(browser, url, 1280, 860, dark=True)
    expect(dark.get_by_role("heading", name="v2 registered")).to_be_visible()
    take(dark, "announcement-dark")
    phone = visitor(browser, url, 390, 844)
    expect(phone.get_by_role("heading", name="v2 registered")).to_be_visible()
    take(phone, "announcement-phone")
    with dark.context.expect_page() as opened:
        dark.get_by_role("link", name="The plant (opens a new tab)").click()
    plant = opened.value
    plant.set_viewport_size({"width": 1440, "height": 1000})
    plant.emulate_media(color_scheme="light")
    expect(plant.get_by_role("article", name="Cap_Detection_Model").get_by_text("v2")).to_be_visible()
    expect(plant.get_by_role("listitem", name="line-1-cam-1")).to_be_visible()
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


def take(page: Page, name: str) -> None:
    """A picture of the page with few colours, so that it stays small."""
    file = PICTURES / f"{name}.png"
    page.screenshot(path=file)
    with Image.open(file) as taken:
        taken.convert("RGB").quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
            file, optimize=True
        )


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
