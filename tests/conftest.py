"""Settings for the whole suite, a browser, and an ear for twins that break."""

import gc
import logging
import os
import shutil
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, expect, sync_playwright

from tests.forks import Forks
from tests.order import deal

gc.disable()  # until all tests are read, as looking for garbage among what stays takes a second of each process

settings.register_profile(
    "suite", max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")
expect.set_options(timeout=60_000)  # milliseconds

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# What draws suggestions below the address bar would cost each window a process of a second of CPU. Playwright turns off
# the others for quiet and steadiness; it has to be said again, as Chromium heeds only the last such flag.
FEATURES = """
    WebUIOmniboxPopup WebUIOmniboxAimPopup
    AimEnabled AvoidUnnecessaryBeforeUnloadCheckSync DestroyProfileOnBrowserClose HttpsFirstBalancedModeAutoEnable
    HttpsUpgrades LensOverlay MediaRouter NetworkTimeServiceQuerying OptimizationHints PaintHolding PreconnectToSearch
    ThirdPartyStoragePartitioning
"""
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    f"--disable-features={','.join(FEATURES.split())}",
]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
        items[:] = deal(items, workers)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of one module: while Playwright runs, its thread counts as an event loop, which no other test expects."""
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH: the page is not tested")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def suite(worker_id: str) -> int:
    """The process that all workers are of, which what they share ends with."""
    return os.getpid() if worker_id == "master" else os.getppid()


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory, worker_id: str, suite: int) -> Forks:
    """Runs `spotter` commands."""
    root = tmp_path_factory.getbasetemp()
    return Forks(root if worker_id == "master" else root.parent, suite)


class Ear(logging.Handler):
    """Hears what the twins log as an error, which they do where something of theirs broke, and then go on."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(self.format(record))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Whatever people saw: a test is not over well when a twin broke in it. Twins that are being stopped may."""
    ear, twins = Ear(), logging.getLogger("sandbox")
    twins.addHandler(ear)
    try:
        result = yield
    finally:
        twins.removeHandler(ear)
    if ear.heard:
        pytest.fail("\n".join(ear.heard), pytrace=False)
    return result
