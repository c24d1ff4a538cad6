"""Held-out pictures as models see them, side by side: what people drew, what was found, missed and got wrong.

Colours are told apart also by those who see red and green alike, and every kind has its own line and word besides.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from commands.kit.words import shorten
from infra.training.evaluate.metrics import Box, Corners, matches

GAP = 12
MOST_PIXELS = 50_000_000
PAPER, INK = "#ffffff", "#1d1c1d"
RIGHT, WRONG, DRAWN = "#56b4e9", "#d55e00", "#f0e442"
LONGEST_LABEL, LONGEST_TITLE = 24, 48
QUALITY = 88
LEGENDS = (
    ("drawn", DRAWN, "drawn, thick if missed"),
    ("found", RIGHT, "found"),
    ("wrong", WRONG, "wrong"),
)

Rectangle = tuple[int, int, int, int]


@dataclass(frozen=True)
class _Size:
    """In pixels: a picture's width, letters above it, in its tags and in the legend. `in_full`: tags name the class,
    and what was found is tagged as well."""

    panel: int
    title: int
    tag: int
    legend: int
    in_full: bool = True

    @property
    def tag_height(self) -> int:
        return self.tag + 5


LARGE = _Size(640, 22, 15, 16)
SMALL = _Size(360, 28, 26, 26, in_full=False)  # read also where a phone shows a third of each pixel


@dataclass(frozen=True)
class Seen:
    """One model's answers to the picture, under what people call it."""

    title: str
    boxes: Sequence[Box]


class UndrawableError(Exception):
    """The picture cannot be read."""


def side_by_side(picture: bytes, truth: Sequence[Box], left: Seen, right: Seen) -> bytes:
    """A JPEG. Raises UndrawableError."""
    shown = _opened(picture, LARGE.panel)
    return _sheet([(shown, truth, seen) for seen in (left, right)], LARGE)


def alone(picture: bytes, truth: Sequence[Box], seen: Seen) -> bytes:
    """One picture with its true boxes and what a model answers, as a JPEG. Raises UndrawableError."""
    return _sheet([(_opened(picture, LARGE.panel), truth, seen)], LARGE)


def strip(pictures: Sequence[tuple[bytes, Sequence[Box], Seen]]) -> bytes:
    """Several small pictures with their true boxes and what one model answers, as a JPEG. Raises UndrawableError."""
    panels = [(_opened(picture, SMALL.panel), truth, seen) for picture, truth, seen in pictures]
    return _sheet(panels, SMALL)


def _sheet(panels: Sequence[tuple[Image.Image, Sequence[Box], Seen]], size: _Size) -> bytes:
    wide = sum(shown.width for shown, *_ in panels) + GAP * (len(panels) - 1)
    high = max(shown.height for shown, *_ in panels)
    legend, top = _legend(wide, size), 2 * size.title
    sheet = Image.new("RGB", (wide, top + high + legend[-1].top + 2 * size.legend), PAPER)
    draw = ImageDraw.Draw(sheet)
    at = 0
    for shown, truth, seen in panels:
        sheet.paste(shown, (at, top))
        draw.text((at + 4, size.title), _line(seen.title, LONGEST_TITLE), INK, _font(size.title), anchor="lm")
        _draw_boxes(draw, _Panel(at, top, shown.width, shown.height, size, []), truth, seen.boxes)
        at += shown.width + GAP
    _draw_legend(draw, legend, top + high, size)
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _opened(picture: bytes, wide: int) -> Image.Image:
    try:
        with Image.open(io.BytesIO(picture)) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise UndrawableError(f"It has {opened.width} x {opened.height} pixels.")
            opened.draft("RGB", (wide, wide))
            shown = opened.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as fault:
        raise UndrawableError(f"It cannot be read: {fault}") from fault
    ratio = wide / max(shown.width, 1)
    return shown.resize((wide, max(1, min(2 * wide, round(shown.height * ratio)))), Image.Resampling.LANCZOS)


@dataclass
class _Panel:
    """Where one model's picture lies on the sheet, and which places its tags have taken."""

    left: int
    top: int
    width: int
    height: int
    size: _Size
    tags: list[Rectangle]

    def pixels(self, corners: Corners) -> Rectangle:
        x = sorted(self.left + round(edge * (self.width - 1)) for edge in (corners[0], corners[2]))
        y = sorted(self.top + round(edge * (self.height - 1)) for edge in (corners[1], corners[3]))
        return x[0], y[0], max(x[1], x[0] + 6), max(y[1], y[0] + 6)

    def place(self, box: Rectangle, wide: int, *, below: bool) -> Rectangle:
        """Room for a tag above or below its box, as near as other tags leave it, and never outside the picture."""
        high = self.size.tag_height
        left = max(self.left, min(box[0], self.left + self.width - wide))
        lowest = self.top + self.height - high
        start, step = (box[3], high) if below else (box[1] - high, -high)
        tops = [start + step * number for number in range(4)] + [
            start - step * number for number in range(1, 4)
        ]
        places = [(left, max(self.top, min(top, lowest)), left + wide, 0) for top in tops]
        rooms = [(room[0], room[1], room[2], room[1] + high) for room in places]
        free = next((room for room in rooms if not any(_meet(room, tag) for tag in self.tags)), rooms[0])
        self.tags.append(free)
        return free


def _draw_boxes(
    draw: ImageDraw.ImageDraw, panel: _Panel, truth: Sequence[Box], answers: Sequence[Box]
) -> None:
    """Found boxes first, so that what is missed or wrong lies on top of them."""
    paired = matches(truth, answers)
    found = {place for _, place in paired if place is not None}
    for place, true in enumerate(truth):
        _dashed(draw, panel.pixels(true.corners), DRAWN, 2 if place in found else 5)
    for box, found_place in sorted(paired, key=lambda each: each[1] is None):
        at = panel.pixels(box.corners)
        colour, word = (WRONG, "wrong: ") if found_place is None else (RIGHT, "")
        _solid(draw, at, colour)
        if panel.size.in_full:
            _tag(draw, panel, at, f"{word}{_line(box.label)} {box.score:.2f}", colour)
        elif found_place is None:
            _tag(draw, panel, at, "wrong", colour)
    for place, true in enumerate(truth):
        if place not in found:
            missed = f"missed: {_line(true.label)}" if panel.size.in_full else "missed"
            _tag(draw, panel, panel.pixels(true.corners), missed, DRAWN, below=True)


def _tag(
    draw: ImageDraw.ImageDraw,
    panel: _Panel,
    at: Rectangle,
    words: str,
    colour: str,
    *,
    below: bool = False,
) -> None:
    font = _font(panel.size.tag)
    room = panel.place(at, int(draw.textlength(words, font)) + 8, below=below)
    draw.rectangle(room, fill=colour, outline=INK)
    draw.text((room[0] + 4, (room[1] + room[3]) // 2), words, "#000000", font, anchor="lm")


def _solid(draw: ImageDraw.ImageDraw, at: Rectangle, colour: str) -> None:
    draw.rectangle(at, outline=INK, width=5)
    draw.rectangle((at[0] + 1, at[1] + 1, at[2] - 1, at[3] - 1), outline=colour, width=3)


def _dashed(draw: ImageDraw.ImageDraw, at: Rectangle, colour: str, width: int) -> None:
    left, top, right, bottom = at
    dash, pause = 10, 7
    for start in range(left, right, dash + pause):
        for y in (top, bottom):
            draw.line((start, y, min(start + dash, right), y), fill=INK, width=width + 2)
            draw.line((start, y, min(start + dash, right), y), fill=colour, width=width)
    for start in range(top, bottom, dash + pause):
        for x in (left, right):
            draw.line((x, start, x, min(start + dash, bottom)), fill=INK, width=width + 2)
            draw.line((x, start, x, min(start + dash, bottom)), fill=colour, width=width)


@dataclass(frozen=True)
class _Entry:
    """Where a kind of box is explained, from the top left of the legend."""

    kind: str
    colour: str
    words: str
    left: int
    top: int


def _legend(wide: int, size: _Size) -> list[_Entry]:
    """In as many lines as it needs."""
    entries: list[_Entry] = []
    left, top = 4, 0
    for kind, colour, words in LEGENDS:
        needed = _swatch(size) + 8 + int(_font(size.legend).getlength(words))
        if entries and left + needed > wide:
            left, top = 4, top + 2 * size.legend
        entries.append(_Entry(kind, colour, words, left, top))
        left += needed + size.legend
    return entries


def _draw_legend(draw: ImageDraw.ImageDraw, entries: Sequence[_Entry], top: int, size: _Size) -> None:
    for entry in entries:
        middle = top + entry.top + size.legend
        right, half = entry.left + _swatch(size), size.legend // 2
        box = (entry.left, middle - half, right, middle + half)
        if entry.kind == "drawn":
            _dashed(draw, box, entry.colour, 2)
        else:
            _solid(draw, box, entry.colour)
        draw.text((right + 8, middle), entry.words, INK, _font(size.legend), anchor="lm")


def _swatch(size: _Size) -> int:
    return 2 * size.legend


def _meet(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _line(name: str, longest: int = LONGEST_LABEL) -> str:
    """On one line, and not too long."""
    return shorten("".join(letter if letter.isprintable() else " " for letter in name), longest)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
