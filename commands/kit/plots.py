"""Line charts as pictures, for what Slack has no chart of or refuses one.

On paper of their own, so that they read the same in light and dark; lines are told apart by colour (the set of Okabe
and Ito, without its yellow), by dashes and by the mark at their end, and each is named beside the plot.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, hypot

from PIL import Image, ImageDraw, ImageFont

from commands.kit.words import shorten

WIDTH, HEIGHT, FINER = 800, 500, 2
LEFT, TOP, BOTTOM = 78, 104, 76
RIGHT, NAMES = 40, 268
PAPER, INK, FAINT, GRID, EDGE = "#ffffff", "#1d1c1d", "#616061", "#e4e4e4", "#c8c8c8"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
DASHES = ((), (18, 8), (4, 7), (18, 7, 4, 7), (30, 8), (10, 6), (4, 4))
MARKS = ("circle", "square", "triangle", "diamond", "cross", "down", "plus")
CORNERS: dict[str, list[tuple[float, float]]] = {
    "square": [(-1, -1), (1, -1), (1, 1), (-1, 1)],
    "triangle": [(0, -1), (1, 1), (-1, 1)],
    "down": [(0, 1), (1, -1), (-1, -1)],
    "diamond": [(0, -1.3), (1.1, 0), (0, 1.3), (-1.1, 0)],
}
STROKES = {"cross": [(-1, -1, 1, 1), (-1, 1, 1, -1)], "plus": [(-1, 0, 1, 0), (0, -1, 0, 1)]}
MOST_LINES = len(COLOURS)
LONGEST_NAME, LONGEST_NOTE, LONGEST_TITLE = 16, 24, 58

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """Points in the units of the axes, in order; `note` stands below the name, `labels` above the points."""

    name: str
    points: Sequence[Point]
    note: str = ""
    labels: Sequence[str] = ()


@dataclass(frozen=True)
class Axis:
    """What it measures, from where to where, and its ticks with their labels."""

    name: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]


def shares(name: str) -> Axis:
    """From 0 to 1."""
    return Axis(name, 0.0, 1.0, [(tick / 5, f"{tick / 5:.1f}") for tick in range(6)])


def around(name: str, values: Sequence[float]) -> Axis:
    """A share's axis just around some values, so that small moves are seen; its ends are labelled."""
    step = next(
        step
        for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
        if max(values) - min(values) <= 4 * step or step == 0.5
    )
    low = max(0, floor(min(values) / step - 0.25))
    high = min(ceil(max(values) / step + 0.25), round(1 / step))
    return Axis(
        name, low * step, high * step, [(tick * step, f"{tick * step:.2f}") for tick in range(low, high + 1)]
    )


def line_chart(title: str, across: Axis, up: Axis, lines: Sequence[Line]) -> bytes:
    """A PNG of at most MOST_LINES lines; a line that is alone is named by its axis."""
    sheet = Image.new("RGB", (WIDTH * FINER, HEIGHT * FINER), PAPER)
    right = WIDTH - (NAMES if len(lines) > 1 else RIGHT)
    _Plot(ImageDraw.Draw(sheet), across, up, right).draw(title, lines[:MOST_LINES])
    small = sheet.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.quantize(128, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


@dataclass
class _Plot:
    sheet: ImageDraw.ImageDraw
    across: Axis
    up: Axis
    right: int

    def draw(self, title: str, lines: Sequence[Line]) -> None:
        self.sheet.rectangle((0, 0, WIDTH * FINER - 1, HEIGHT * FINER - 1), outline=EDGE, width=FINER)
        self._write((22, 30), _printable(title, LONGEST_TITLE), 24, anchor="lm")
        self._axes()
        for number, line in enumerate(lines):
            self._line(number, line)
        for number, line in enumerate(lines if len(lines) > 1 else ()):
            self._legend(number, line)

    def _axes(self) -> None:
        right, bottom = self.right, HEIGHT - BOTTOM
        for value, label in self.up.ticks:
            y = self._at((self.across.low, value))[1]
            self._stroke((LEFT, y), (right, y), GRID, 1.5)
            self._write((LEFT - 10, y), label, 20, FAINT, anchor="rm")
        for value, label in self.across.ticks:
            x = self._at((value, self.up.low))[0]
            self._stroke((x, bottom), (x, bottom + 8), FAINT, 1.5)
            self._write((x, bottom + 14), label, 20, FAINT, anchor="ma")
        self._stroke((LEFT, bottom), (right, bottom), FAINT, 2)
        self._write(((LEFT + right) / 2, HEIGHT - 18), self.across.name, 20, INK, anchor="mm")
        self._write((22, TOP - 30), self.up.name, 20, INK, anchor="lm")

    def _line(self, number: int, line: Line) -> None:
        places = [self._at(point) for point in line.points]
        self._dashed(places, COLOURS[number], DASHES[number])
        marked = places if line.labels else places[-1:]
        for place in marked:
            self._mark(place, number)
        for place, label in zip(places, line.labels, strict=False):
            self._write((place[0], place[1] - 16), label, 20, anchor="mb")

    def _legend(self, number: int, line: Line) -> None:
        x, y = self.right + 24, TOP + 4 + number * 54
        self._dashed([(x, y), (x + 40, y)], COLOURS[number], DASHES[number])
        self._mark((x + 40, y), number)
        self._write((x + 56, y), _printable(line.name, LONGEST_NAME), 20, anchor="lm")
        self._write((x + 56, y + 23), _printable(line.note, LONGEST_NOTE), 17, FAINT, anchor="lm")

    def _at(self, point: Point) -> Point:
        x = (point[0] - self.across.low) / (self.across.high - self.across.low)
        y = (point[1] - self.up.low) / (self.up.high - self.up.low)
        return LEFT + x * (self.right - LEFT), HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM)

    def _dashed(self, places: Sequence[Point], colour: str, dashes: Sequence[int]) -> None:
        """The pattern of strokes and gaps goes on around corners."""
        if not dashes:
            for start, end in pairwise(places):
                self._stroke(start, end, colour, 4, round_ends=True)
            return
        turn, left = 0, float(dashes[0])
        for start, end in pairwise(places):
            length, gone = hypot(end[0] - start[0], end[1] - start[1]), 0.0
            while gone < length:
                step = min(left, length - gone)
                if turn % 2 == 0:
                    begin = _between(start, end, gone / length)
                    self._stroke(begin, _between(start, end, (gone + step) / length), colour, 4)
                gone, left = gone + step, left - step
                if left <= 0:
                    turn += 1
                    left = float(dashes[turn % len(dashes)])

    def _mark(self, place: Point, number: int) -> None:
        x, y = (value * FINER for value in place)
        r, colour = 10 * FINER, COLOURS[number]
        kind = MARKS[number]
        if kind == "circle":
            self.sheet.ellipse((x - r, y - r, x + r, y + r), colour, PAPER, FINER * 2)
        elif kind in STROKES:
            for a, b, c, d in STROKES[kind]:
                self.sheet.line((x + a * r, y + b * r, x + c * r, y + d * r), colour, 6 * FINER)
        else:
            corners = [(x + a * r, y + b * r) for a, b in CORNERS[kind]]
            self.sheet.polygon(corners, colour, PAPER, FINER * 2)

    def _stroke(
        self, start: Point, end: Point, colour: str, width: float, *, round_ends: bool = False
    ) -> None:
        (x1, y1), (x2, y2) = ((x * FINER, y * FINER) for x, y in (start, end))
        self.sheet.line((x1, y1, x2, y2), colour, round(width * FINER))
        if round_ends:
            r = width * FINER / 2
            self.sheet.ellipse((x2 - r, y2 - r, x2 + r, y2 + r), colour)

    def _write(self, place: Point, text: str, size: int, colour: str = INK, *, anchor: str) -> None:
        font = ImageFont.load_default(size * FINER)
        at = (place[0] * FINER, place[1] * FINER)
        self.sheet.text(at, text, colour, font, anchor=anchor, stroke_width=2 * FINER, stroke_fill=PAPER)


def _between(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _printable(text: str, longest: int) -> str:
    return shorten("".join(letter if letter.isprintable() else " " for letter in text), longest)
