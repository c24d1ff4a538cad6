"""Draws a scene as a factory camera would see it: 320x240 JPEG."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from sandbox.line.scene import HEIGHT, WIDTH, Bottle, Box, Colour, Scene, imagine

FINE = 2  # drawn larger, then reduced, for smooth edges
JPEG_QUALITY = 82
PLACE = "LINE 3  CAM 2"


def camera(seed: int, place: str = PLACE) -> tuple[bytes, list[Box]]:
    """One frame: its JPEG bytes and the true boxes, the same for the same seed and place."""
    scene = imagine(seed)
    return jpeg(scene, seed, place), scene.boxes()


def jpeg(scene: Scene, frame: int, place: str = PLACE) -> bytes:
    """The scene as JPEG bytes; `frame` seeds the sensor's noise and stands in the corner after the camera's place."""
    canvas = _hall(scene)
    draw = ImageDraw.Draw(canvas)
    for bottle in scene.bottles:
        _draw_bottle(canvas, draw, bottle, scene.belt)
    _draw_foreground(draw, scene)
    blur = ImageFilter.BoxBlur((scene.focus + scene.motion / 2, scene.focus))
    small = canvas.reduce(FINE).filter(blur)
    exposed = _expose(np.asarray(small, np.float32), scene, np.random.default_rng((29, frame)))
    shown = Image.fromarray(exposed)
    stamp = f"{place}  #{frame % 1_000_000:06d}"
    ImageDraw.Draw(shown).text((6, HEIGHT - 14), stamp, fill=(214, 222, 208), font=_font())
    out = io.BytesIO()
    shown.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()


@cache
def _font() -> Any:
    return ImageFont.load_default(9)


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (int(min(255, channel * factor)) for channel in colour)
    return red, green, blue


def _box(*corners: float) -> tuple[float, float, float, float]:
    left, top, right, bottom = (corner * FINE for corner in corners)
    return left, top, right, bottom


def _hall(scene: Scene) -> Image.Image:
    """The blurred hall behind the belt: wall, window lights, machine frames, guide rails, then the belt."""
    small = Image.new("RGB", (WIDTH // 4, HEIGHT // 4), (72, 80, 86))
    draw = ImageDraw.Draw(small)
    shift = (scene.belt * 7) % 23
    for column in range(-1, 5):
        x = column * 24 + shift
        draw.rectangle((x, 0, x + 9, 60), fill=(58, 64, 72))
        draw.rectangle((x + 11, 12, x + 20, 34), fill=(88, 98, 100))
    draw.rectangle((0, 7, 80, 9), fill=(118, 122, 120))
    draw.rectangle((0, 36, 80, 40), fill=(50, 56, 60))
    for x, y, radius in scene.lamps:
        draw.ellipse(tuple(v / 4 for v in (x - radius, y - radius, x + radius, y + radius)), (236, 226, 196))
    blurred = small.filter(ImageFilter.GaussianBlur(1.2)).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)
    canvas = blurred.resize((WIDTH * FINE, HEIGHT * FINE), Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(canvas)
    for height in (58, 22):
        y = scene.belt - height
        draw.rectangle(_box(0, y, WIDTH, y + 4), fill=(142, 148, 150))
        draw.line(_box(0, y + 1, WIDTH, y + 1), fill=(196, 200, 200), width=FINE)
    draw.rectangle(_box(0, scene.belt - 3, WIDTH, HEIGHT), fill=(44, 47, 50))
    draw.rectangle(_box(0, scene.belt + 14, WIDTH, HEIGHT), fill=(98, 104, 108))
    for x in range(int(shift), WIDTH, 16):
        draw.line(_box(x, scene.belt - 2, x - 5, scene.belt + 13), fill=(32, 34, 37), width=FINE)
    return canvas


@cache
def _cylinder(width: int) -> NDArray[np.float32]:
    """Brightness across a lit round thing: dark rims, one bright stripe left of the middle."""
    x = np.linspace(-1, 1, max(width, 2), dtype=np.float32)
    shine = 0.9 * np.exp(-(((x + 0.45) / 0.13) ** 2)) + 0.3 * np.exp(-(((x - 0.62) / 0.1) ** 2))
    lit: NDArray[np.float32] = (0.45 + 0.6 * np.sqrt(np.clip(1 - x**2, 0, 1)) + shine).astype(np.float32)
    return lit


def _round_fill(canvas: Image.Image, mask: Image.Image, at: tuple[int, int], colour: Colour) -> None:
    """Paint a colour through a mask, shaded as a cylinder over the mask's width."""
    row = np.clip(_cylinder(mask.width)[:, None] * np.array(colour, np.float32), 0, 255).astype(np.uint8)
    strip = Image.fromarray(row[None]).resize(mask.size, Image.Resampling.NEAREST)
    canvas.paste(strip, at, mask)


def _draw_bottle(canvas: Image.Image, draw: ImageDraw.ImageDraw, bottle: Bottle, belt: float) -> None:
    size = bottle.scale
    neck, body, top = bottle.neck_width, bottle.body_width, bottle.mouth
    width, height = round(body * FINE), round((belt + 2 - top) * FINE)
    mid, half = width / 2, neck * FINE / 2
    shoulder, full = bottle.neck_height * FINE, (bottle.neck_height + 26 * size) * FINE
    mask = Image.new("L", (width, height))
    outline = [(mid - half, 0), (mid - half, shoulder), (mid - half - 5 * size, shoulder + 8 * size * FINE)]
    outline += [(0, full), (0, height), (width, height), (width, full)]
    outline += [(mid + half + 5 * size, shoulder + 8 * size * FINE), (mid + half, shoulder), (mid + half, 0)]
    ImageDraw.Draw(mask).polygon(outline, fill=215)
    at = (round(bottle.x * FINE - mid), round(top * FINE))
    _round_fill(canvas, mask, at, bottle.glass)
    level = round((bottle.neck_height + 26 * size * bottle.fill) * FINE)
    liquid = Image.new("L", (width, height))
    liquid.paste(120, (0, level, width, height))
    _round_fill(canvas, ImageChops.multiply(mask, liquid), at, _shade(bottle.glass, 0.45))
    if bottle.paper:
        paper = Image.new("L", (width, round(34 * size * FINE)), 235)
        _round_fill(canvas, paper, (at[0], at[1] + round((full / FINE + 14 * size) * FINE)), bottle.paper)
    _draw_mouth(draw, bottle)
    if bottle.cap is not None:
        _draw_cap(canvas, bottle, bottle.cap)


def _draw_mouth(draw: ImageDraw.ImageDraw, bottle: Bottle) -> None:
    """The bare finish: dark opening, lip and the thread below it."""
    x, top, size, half = bottle.x, bottle.mouth, bottle.scale, bottle.neck_width / 2
    draw.ellipse(_box(x - half, top - 3 * size, x + half, top + 3 * size), fill=_shade(bottle.glass, 1.5))
    draw.ellipse(
        _box(x - half + 2, top - 2 * size, x + half - 2, top + 2 * size), fill=_shade(bottle.glass, 0.3)
    )
    for ring in (5, 9):
        y = top + ring * size
        draw.line(_box(x - half - 1, y, x + half + 1, y + 1), fill=_shade(bottle.glass, 1.35), width=FINE)
    y = top + 14 * size
    draw.rectangle(_box(x - half - 2, y, x + half + 2, y + 2.5 * size), fill=_shade(bottle.glass, 1.2))


def _draw_cap(canvas: Image.Image, bottle: Bottle, colour: Colour) -> None:
    """A screw cap with ribs, turned by the bottle's tilt about its own centre."""
    width, height = round(bottle.cap_width * FINE), round(bottle.cap_height * FINE)
    cap = Image.new("RGB", (width, height))
    mask = Image.new("L", (width, height))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, width - 1, height - 1), radius=3 * FINE, fill=255)
    _round_fill(cap, Image.new("L", (width, height), 255), (0, 0), colour)
    draw = ImageDraw.Draw(cap)
    for rib in range(2, width, 5):
        draw.line((rib, height * 0.3, rib, height), fill=_shade(colour, 0.6))
    draw.line((0, height * 0.24, width, height * 0.24), fill=_shade(colour, 1.3))
    draw.line((0, height * 0.86, width, height * 0.86), fill=_shade(colour, 0.4))
    turned = cap.rotate(bottle.tilt, Image.Resampling.BILINEAR, expand=True)
    shape = mask.rotate(bottle.tilt, Image.Resampling.BILINEAR, expand=True)
    x = bottle.x * FINE - turned.width / 2
    y = (bottle.mouth + bottle.cap_height / 2 - 3 * bottle.scale) * FINE - turned.height / 2
    canvas.paste(turned, (round(x), round(y)), shape)


def _draw_foreground(draw: ImageDraw.ImageDraw, scene: Scene) -> None:
    """Near rail, loose caps lying on the belt and a sensor post: none of them is labelled."""
    for x, y, colour in scene.loose_caps:
        draw.ellipse(_box(x - 9, y - 4, x + 9, y + 4), fill=_shade(colour, 0.85))
        draw.ellipse(_box(x - 7, y - 3, x + 6, y + 1), fill=colour)
    if scene.post is not None:
        x = scene.post
        draw.rectangle(_box(x - 3, scene.belt - 40, x + 3, HEIGHT), fill=(64, 68, 72))
        draw.rectangle(_box(x - 9, scene.belt - 58, x + 9, scene.belt - 38), fill=(38, 40, 44))
        draw.ellipse(_box(x - 3, scene.belt - 51, x + 3, scene.belt - 45), fill=(206, 44, 34))


@cache
def _vignette() -> NDArray[np.float32]:
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    fall: NDArray[np.float32] = (1 - 0.22 * (x**2 + y**2) / 2).astype(np.float32)
    return fall[..., None]


def _expose(image: NDArray[np.float32], scene: Scene, random: np.random.Generator) -> NDArray[np.uint8]:
    """Light, colour cast, vignetting, glare and sensor noise."""
    tint = np.array([1 + scene.warmth, 1, 1 - scene.warmth], np.float32)
    image = image * (_vignette() * (tint * np.float32(scene.light)))
    for x, y, radius in scene.glare:
        _add_glare(image, x, y, radius)
    image += random.standard_normal((HEIGHT, WIDTH, 1), np.float32) * np.float32(scene.grain)
    return np.clip(image, 0, 255, out=image).astype(np.uint8)


def _add_glare(image: NDArray[np.float32], x: float, y: float, radius: float) -> None:
    """A soft white spot, only where it is visible."""
    reach = 2.5 * radius
    top, bottom = max(0, int(y - reach)), min(HEIGHT, int(y + reach))
    left, right = max(0, int(x - reach)), min(WIDTH, int(x + reach))
    rows = np.arange(top, bottom, dtype=np.float32)[:, None] - y
    columns = np.arange(left, right, dtype=np.float32)[None] - x
    spot = 150 * np.exp(-(rows**2 + columns**2) / radius**2)
    image[top:bottom, left:right] += spot[..., None]
