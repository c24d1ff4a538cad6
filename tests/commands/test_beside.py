"""Two models beside each other, in tables and drawn: whatever they are called and wherever their boxes lie."""

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from commands.deploy.beside import beside
from commands.deploy.evidence import collect, fingerprint
from commands.deploy.facts import comparison, in_the_thread
from commands.kit.blocks import Message, context
from commands.kit.drawing import Seen, UndrawableError, side_by_side
from commands.kit.policy import Gates, Target
from infra.training.evaluate.metrics import Box
from tests.commands.test_messages import accepted, names

shares = st.floats(0, 1)
classes = st.dictionaries(
    names,
    st.fixed_dictionaries(
        {
            "average_precision": shares,
            "precision": shares,
            "recall": shares,
            "boxes": st.integers(1, 10**6),
        }
    ),
    max_size=60,
)
corners = st.tuples(shares, shares, shares, shares).map(
    lambda edges: (min(edges[:2]), min(edges[2:]), max(edges[:2]), max(edges[2:]))
)
boxes = st.lists(st.builds(Box, names, corners, shares), max_size=12)
TARGET = Target(channel="C0LINEVIS1", gates=Gates(mean_average_precision=0.5, worse_by=0.01))


def figures(version: int, name: str = "Caps", **changed: Any) -> dict[str, Any]:
    """As a version was registered."""
    told = {"mean_average_precision": 0.9, "precision": 0.9, "recall": 0.9, "evaluated_on": f"caps:{version}"}
    return {"name": name, "version": version, "digest": "d", **told, **changed}


def measured(average: float, found: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    """On held-out pictures."""
    told = {"mean_average_precision": average, "precision": 0.8, "recall": 0.7, "evaluated_on": "a" * 64}
    told |= {"classes": found or {}, "held_out": True, "dataset": "caps:3", "pictures": 96}
    return {**told, **changed}


@given(names, classes, classes, names, st.integers(0, 3))
def test_any_classes_are_shown(
    name: str, ours: dict[str, Any], theirs: dict[str, Any], words: str, number: int
) -> None:
    both = {"candidate": measured(0.8, ours), "incumbent": measured(0.7, theirs)}
    found = collect(figures(3, name), figures(2), TARGET, {"all": ["cam-1"]}, both)
    found["pictures"] = [{"digest": str(each) * 64, "words": words} for each in range(number)]
    below = beside(found)
    assert (below is None) == (not ours)
    accepted(Message("Card", [comparison(found), context("Below", in_the_thread(found))]))
    if below:
        pictures = [block for block in below.blocks if block["type"] == "image"]
        assert len(pictures) == number
        for block in pictures:
            block["slack_file"]["id"] = "F0SLACKFILE"  # as the courier does
        accepted(below)


def verdicts(candidate: dict[str, Any], incumbent: dict[str, Any] | None) -> list[tuple[str, str]]:
    found = collect(figures(3), figures(2), TARGET, {}, {"candidate": candidate, "incumbent": incumbent})
    return [(gate["verdict"], gate["seen"]) for gate in found["gates"]]


def test_gates_judge_what_was_measured_on_the_same_pictures() -> None:
    assert verdicts(measured(0.8), measured(0.7)) == [("passed", "0.800"), ("passed", "0.100 better")]
    assert verdicts(measured(0.4), measured(0.7)) == [("failed", "0.400"), ("failed", "0.300 worse")]
    others = measured(0.7, evaluated_on="b" * 64)
    assert verdicts(measured(0.8), others)[1] == ("unknown", "not comparable: measured on other pictures")
    learned = measured(0.8, held_out=False)
    assert verdicts(learned, measured(0.7))[1] == (
        "unknown",
        "not comparable: v3 may have learned from these pictures",
    )
    assert verdicts(measured(0.8), measured(0.7, held_out=False))[1] == ("passed", "0.100 better")
    assert verdicts(measured(0.8), None)[1][0] == "unknown"


def test_the_decision_is_bound_to_what_was_measured_and_drawn() -> None:
    def of(*pictures: dict[str, str], **changed: Any) -> str:
        both = {"candidate": measured(0.8, **changed), "incumbent": measured(0.7)}
        found = collect(figures(3), figures(2), TARGET, {}, both)
        return fingerprint("line-1", {**found, "pictures": list(pictures)})

    assert of() == of() != of(recall=0.71)
    one, words = {"digest": "a" * 64, "words": "v3 finds all"}, {"digest": "a" * 64, "words": "v3 finds none"}
    assert len({of(), of(one), of(words), of(one, {**one, "digest": "b" * 64})}) == 4


def test_the_card_names_its_thread_for_what_stands_there() -> None:
    def of(number: int, classes: dict[str, Any]) -> str:
        both = {"candidate": measured(0.8, classes), "incumbent": measured(0.7)}
        drawn = [{"digest": str(each) * 64, "words": "v3 finds all"} for each in range(number)]
        return in_the_thread({**collect(figures(3), figures(2), TARGET, {}, both), "pictures": drawn})

    classes = {"lid": {"average_precision": 0.8, "precision": 0.8, "recall": 0.7, "boxes": 9}}
    assert of(1, {}) == ""
    assert of(0, classes) == of(1, classes) == "Figures class by class are in this card's thread"
    assert of(3, classes) == "Figures class by class and 2 more pictures are in this card's thread"


@settings(max_examples=15, deadline=None)
@given(boxes, boxes, boxes, names, st.integers(1, 300), st.integers(1, 300))
def test_any_boxes_are_drawn_on_any_picture(
    truth: list[Box], ours: list[Box], theirs: list[Box], title: str, width: int, height: int
) -> None:
    picture = io.BytesIO()
    Image.new("L", (width, height), 90).save(picture, "PNG")
    drawn = side_by_side(picture.getvalue(), truth, Seen(title, ours), Seen(title, theirs))
    with Image.open(io.BytesIO(drawn)) as sheet:
        sheet.load()
        assert sheet.format == "JPEG"
        assert sheet.height <= 1400


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0 cut off", b"<svg/>"])
def test_what_is_no_picture_is_said(content: bytes) -> None:
    with pytest.raises(UndrawableError, match="cannot be read"):
        side_by_side(content, [], Seen("v2", []), Seen("v1", []))
