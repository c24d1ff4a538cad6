"""What approvers see of a freshly trained model: beside the one on the line, on the same held-out pictures."""

import re
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

from inline_snapshot import snapshot
from PIL import Image
from playwright.sync_api import Browser
from sqlalchemy import select

from bot.commandline.audit_page import html
from commands.deploy.prepare import PICTURE_FILE
from commands.models.lineage import lineage, record
from storage import devices
from storage.tables import pictures
from tests.stories.deploying import MODEL, asks, sees, shipping
from tests.stories.stage import Stage, steady

__all__ = ["shipping"]
SMALL = "caps_20261102_081530"


def runs_there(stage: Stage) -> dict[str, int]:
    with stage.store().read() as tx:
        return {f"{share.model}:{share.version}": share.devices for share in devices.shares(tx)}


def test_a_new_model_is_shown_beside_the_one_that_it_would_replace(
    shipping: Callable[..., Stage], browser: Browser
) -> None:
    stage = shipping()
    stage.until(lambda: sees(stage, "line-1-cam-2") == f"{MODEL}:1 ['old']", "the old model runs")
    stage.until(lambda: runs_there(stage) == {f"{MODEL}:1": 2}, "it is known what runs where")
    stage.trainer.types(f"/train {MODEL} {SMALL} gpu-cluster")
    stage.line.shows(f"{MODEL} v3 registered")
    card = asks(stage, 3)
    text = steady(card.text)
    assert (
        "Metric    | v3    | v1, now there | Change\nmAP       | 0.xxx | 0.xxx         | +0.xxx better"
        in text
    )
    assert "Against Cap_Detection_Model v1: 0.xxx better" in text
    assert re.search(rf"Both measured on 16 held-out pictures of {SMALL}:1 \(set [0-9a-f]{{8}}\)\. ", text)
    assert "v1 may have learned from some of them" in text
    assert f"Trained on {SMALL}: 60 images, 215 boxes" in text

    assert "Figures class by class and 2 more pictures are in this card's thread" in text
    shown = [line for line in text.splitlines() if line.startswith("(image: ")]
    below = steady(card.thread_shows("class by class").text).splitlines()
    assert below[:2] == snapshot(
        [
            "# Cap_Detection_Model v3 beside v1, class by class",
            "Class       | Boxes | AP v3 | AP v1 | Change        | Precision     | Recall",
        ]
    )
    assert sorted(line.split(" |")[0].strip() for line in below[2:4]) == ["cap_missing", "cap_on"]
    disputed = [line for line in below if line.startswith("(image: ")]
    assert len(disputed) == 3 and shown == disputed[:1]
    seen = r"(all|none|\d+)( and has \d+ wrong)?"
    words = re.compile(rf"\(image: \S+\.jpg has \d+ true box(es)?\. v3 finds {seen}, v1 finds {seen}\.\)")
    assert all(map(words.fullmatch, disputed))
    with stage.store().read() as tx:
        beside = select(pictures).where(pictures.c.name == PICTURE_FILE)
        kept = [row.content for row in tx.execute(beside)]
    for content in kept:
        with Image.open(BytesIO(content)) as picture:
            assert picture.width > 2 * picture.height, "two pictures side by side"
    assert len(kept) == 3

    with stage.store().read() as tx:
        found = lineage(tx, MODEL, 3)
    assert found
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    told = record(found)
    assert told["contradictions"] == []
    page.set_content(html({"trail": "whole", "trail_end": "1:" + "a" * 64, **told}, found.pictures))
    drawn = page.get_by_role("figure").get_by_role("img")
    assert drawn.evaluate_all("all => all.map(one => one.complete && one.naturalWidth > 600)") == [True] * 3
    changed = {digest: content[:-1] for digest, content in [*found.pictures.items()][1:]}
    assert [
        each.partition(": ")[2] for each in record(replace(found, pictures=changed))["contradictions"]
    ] == [
        "a picture that approvers saw is not kept any more",
        *["a picture is not the one that approvers saw"] * 2,
    ]
    assert page.locator("h2").first.text_content() == "Requests, decisions and rollouts"
    assert page.get_by_role("columnheader", name="epochs").count() == 1, "the trials"
    assert not re.search("announced|seen at|tries", page.inner_text("body"))
    for width in (1280, 700):  # a screen, and a sheet of paper
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(media="print" if width == 700 else "screen")
        assert page.evaluate("document.documentElement.scrollWidth") == width
    page.close()
