"""A camera over a line: takes pictures, has the device's module look at them, and keeps the last."""

import contextlib
import itertools
import time
from asyncio import to_thread
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from sandbox.line.picture import camera

NEVER_LABELLED = 1_000_000
"""Frames from here on are in no labeling export."""
ANSWERS_WITHIN = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True)
class Seen:
    """A picture (JPEG) at a time (epoch seconds), with the module's answer: boxes as `{box, label, score}`.

    `model` is `name:version`, as the answer says.
    """

    frame: int
    at: float
    picture: bytes = field(repr=False)
    boxes: list[dict[str, Any]]
    model: str


class Camera:
    """`number` keeps its pictures apart from those of every other camera; `place` stands on them."""

    def __init__(self, number: int, place: str) -> None:
        self._place = place
        self._frames = itertools.count(NEVER_LABELLED * number)
        self.last: Seen | None = None
        self.health: dict[str, str] = {}
        """What the module says of itself; empty where none answers."""

    async def look(self, session: aiohttp.ClientSession, port: int | None) -> None:
        """Takes a picture where a module is there to see it."""
        self.health = await _health(session, port) if port else {}
        if self.health.get("health") != "ok":
            return
        frame = next(self._frames)
        picture, _ = await to_thread(camera, frame, self._place)
        url, kind = f"http://127.0.0.1:{port}/score", {"Content-Type": "image/jpeg"}
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.post(url, data=picture, headers=kind, timeout=ANSWERS_WITHIN) as answer:
                if answer.status == 200:
                    (found,) = await answer.json()
                    model = answer.headers.get("X-Model", "")
                    self.last = Seen(frame, time.time(), picture, found["boxes"], model)


async def _health(session: aiohttp.ClientSession, port: int) -> dict[str, str]:
    try:
        async with session.get(f"http://127.0.0.1:{port}/healthz", timeout=ANSWERS_WITHIN) as answer:
            told: dict[str, str] = await answer.json()
            return told
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return {}
