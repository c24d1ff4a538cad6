"""What stands in front of the camera: drawn from a seed, before any pixel is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

WIDTH, HEIGHT = 320, 240
LABELS = ("cap_missing", "cap_on")
GLASS = {"amber": (112, 62, 24), "green": (38, 92, 52), "flint": (150, 170, 172)}
CAPS = {"blue": (32, 70, 158), "red": (172, 36, 34), "white": (222, 222, 216), "gold": (190, 150, 62)}

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Box:
    """An axis-aligned box in fractions of the picture's width and height, with its class."""

    label: str
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Bottle:
    """One bottle on the belt; lengths in pixels of the picture, `x` and `mouth` locate its mouth's centre."""

    x: float
    mouth: float
    scale: float
    glass: Colour
    cap: Colour | None
    tilt: float
    fill: float
    paper: Colour | None

    @property
    def neck_width(self) -> float:
        return 19 * self.scale

    @property
    def body_width(self) -> float:
        return 50 * self.scale

    @property
    def neck_height(self) -> float:
        return 34 * self.scale

    @property
    def cap_width(self) -> float:
        return 25 * self.scale

    @property
    def cap_height(self) -> float:
        return 15 * self.scale

    def box(self) -> Box:
        """The finish of the bottle, from the top of cap or mouth to the shoulder: what a person would draw."""
        half, top = self.neck_width / 2 + 2, self.mouth - 3 * self.scale
        if self.cap is not None:
            turn = math.radians(abs(self.tilt))
            half = max(half, (self.cap_width * math.cos(turn) + self.cap_height * math.sin(turn)) / 2)
            rise = self.cap_height * math.cos(turn) + self.cap_width * math.sin(turn)
            top = self.mouth + self.cap_height / 2 - 3 * self.scale - rise / 2
        label = "cap_missing" if self.cap is None else "cap_on"
        bottom = self.mouth + self.neck_height
        left, right = self.x - half, self.x + half
        return Box(label, left / WIDTH, top / HEIGHT, right / WIDTH, bottom / HEIGHT)


@dataclass(frozen=True)
class Scene:
    """Everything that decides a picture, apart from sensor noise."""

    bottles: tuple[Bottle, ...]
    belt: float
    light: float
    warmth: float
    glare: tuple[tuple[float, float, float], ...]
    lamps: tuple[tuple[float, float, float], ...]
    loose_caps: tuple[tuple[float, float, Colour], ...]
    post: float | None
    focus: float
    motion: int
    grain: float

    def boxes(self) -> list[Box]:
        """Boxes of all bottles of which at least 60 % of the finish is in the picture, cut at its edges."""
        found = []
        for box in (bottle.box() for bottle in self.bottles):
            left, right = max(0.0, box.left), min(1.0, box.right)
            if right - left >= 0.6 * (box.right - box.left):
                found.append(Box(box.label, left, box.top, right, box.bottom))
        return found


def _cap(random: np.random.Generator, glass: Colour) -> tuple[Colour | None, float]:
    """A cap's colour and tilt in degrees; about a third of the bottles have none, and some caps look like the glass."""
    if random.random() < 0.36:
        return None, 0.0
    names = list(CAPS)
    cap = glass if random.random() < 0.12 else CAPS[names[random.integers(len(names))]]
    tilt = random.uniform(6, 17) * random.choice((-1, 1)) if random.random() < 0.15 else random.uniform(-2, 2)
    return cap, float(tilt)


def _bottles(random: np.random.Generator, belt: float) -> tuple[Bottle, ...]:
    """A row of bottles at a nearly even pitch, some places empty."""
    pitch = random.uniform(66, 96)
    glasses = list(GLASS.values())
    batch = glasses[random.integers(len(glasses))]
    size = random.uniform(0.9, 1.14)
    row = []
    for place in np.arange(random.uniform(-20, 50), WIDTH + 20, pitch):
        if random.random() < 0.12:
            continue
        glass = batch if random.random() < 0.75 else glasses[random.integers(len(glasses))]
        scale = size * random.uniform(0.97, 1.03)
        cap, tilt = _cap(random, glass)
        paper = (226, 220, 202) if random.random() < 0.7 else None
        x, mouth = place + random.normal(0, 3), belt - 136 * scale + random.normal(0, 1)
        row.append(Bottle(float(x), float(mouth), scale, glass, cap, tilt, random.uniform(0.1, 0.9), paper))
    return tuple(row)


def _spots(
    random: np.random.Generator, most: int, top: float, bottom: float, size: float
) -> tuple[tuple[float, float, float], ...]:
    """Up to `most` round spots: x, y, radius."""
    return tuple(
        (random.uniform(0, WIDTH), random.uniform(top, bottom), random.uniform(0.5, 1.0) * size)
        for _ in range(random.integers(0, most + 1))
    )


def imagine(seed: int) -> Scene:
    """The scene that belongs to a seed."""
    random = np.random.default_rng((17, seed))
    belt = random.uniform(204, 220)
    colours = list(CAPS.values())
    loose = tuple(
        (random.uniform(0, WIDTH), belt + random.uniform(3, 12), colours[random.integers(len(colours))])
        for _ in range(random.integers(0, 3))
    )
    return Scene(
        bottles=_bottles(random, belt),
        belt=belt,
        light=random.uniform(0.72, 1.15),
        warmth=random.uniform(-0.06, 0.06),
        glare=_spots(random, 3, 30, 150, 22),
        lamps=_spots(random, 5, 4, 80, 15),
        loose_caps=loose,
        post=random.uniform(20, 300) if random.random() < 0.25 else None,
        focus=random.uniform(0.25, 1.0),
        motion=int(random.integers(0, 4)),
        grain=random.uniform(2.0, 7.5),
    )
