"""Charts as pictures: whatever is drawn and however it is called, they are of one size and opaque."""

import io

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from commands.kit.plots import COLOURS, HEIGHT, PAPER, WIDTH, Axis, Line, around, line_chart, shares
from tests.commands.test_messages import names

share = st.floats(0, 1)
lines = st.lists(
    st.builds(Line, names, st.lists(st.tuples(share, share), min_size=1, max_size=40), names), max_size=12
)


@settings(max_examples=8, deadline=None)
@given(names, lines)
def test_any_lines_are_drawn(title: str, lines: list[Line]) -> None:
    drawn = Image.open(io.BytesIO(line_chart(title, shares("Recall"), shares("Precision"), lines)))
    assert (drawn.size, drawn.format, drawn.has_transparency_data) == ((WIDTH, HEIGHT), "PNG", False)


def test_every_line_is_seen_on_paper_of_its_own() -> None:
    flat = [Line(f"class {number}", [(0, 0.1 + number / 10), (1, 0.1 + number / 10)]) for number in range(7)]
    drawn = Image.open(io.BytesIO(line_chart("Seven", shares("Recall"), shares("Precision"), flat))).convert(
        "RGB"
    )
    colours = [colour for _, colour in drawn.getcolors(WIDTH * HEIGHT) or [] if isinstance(colour, tuple)]
    for wanted in (PAPER, *COLOURS):
        exact = bytes.fromhex(wanted[1:])
        nearest = min(max(abs(a - b) for a, b in zip(exact, seen, strict=True)) for seen in colours)
        assert nearest < 12, wanted


@given(st.lists(share, min_size=1, max_size=12))
def test_an_axis_just_around_its_values_holds_them_all(values: list[float]) -> None:
    axis = around("mAP", values)
    assert axis.low <= min(values) <= max(values) <= axis.high + 1e-9
    assert 0 <= axis.low < axis.high <= 1
    assert 2 <= len(axis.ticks) <= 8


def test_versions_with_their_figures_are_drawn() -> None:
    across = Axis("Version", 0.5, 2.5, [(1, "v1"), (2, "v2")])
    line = Line("mAP", [(1, 0.5), (2, 0.5)], labels=["0.500", "0.500"])
    assert line_chart("v1 is still the best", across, around("mAP", [0.5, 0.5]), [line])
