"""Training: batches with flips and changes of light, a warm-up and a cosine decay, one epoch at a time."""

from __future__ import annotations

import fcntl
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from sandbox.trainer.dataset import Example, Labelled
from sandbox.trainer.network import CELL, Tree, first_weights, loss
from sandbox.trainer.scoring import read_picture
from sandbox.trainer.settings import Settings

SPREAD = 0.14  # of a box's side: how fast a centre's heat falls off
NEAR = 0.3  # cells at least this hot learn the distances to the box's edges
WARM_UP = 0.1
LAST_RATE = 0.01
WEIGHT_DECAY = 1e-4
MEMORY = 0.9  # of the running batch-norm figures, once there are enough steps

OPTIMIZER = optax.chain(
    optax.clip_by_global_norm(5.0), optax.scale_by_adam(), optax.add_decayed_weights(WEIGHT_DECAY)
)


@dataclass(frozen=True)
class Epoch:
    """What one pass over the pictures left: `weights` and batch-norm figures `running` as numpy trees."""

    number: int
    loss: float
    weights: Tree
    running: Tree


class TrainingSet:
    """Pictures in memory as bytes, batch by batch, all batches of one shape."""

    def __init__(self, examples: list[Example], labels: list[str], settings: Settings) -> None:
        self.labels = labels
        self.boxes = [example.boxes for example in examples]
        self.pictures = np.stack([_read(example.file, settings.image) for example in examples])
        self.batch = settings.batch
        self.steps = math.ceil(len(examples) / settings.batch)

    def batches(self, random: np.random.Generator) -> Iterator[tuple[NDArray[np.float32], ...]]:
        """Every picture once in random order; the last batch is filled up from the front."""
        order = np.resize(random.permutation(len(self.pictures)), self.steps * self.batch)
        for chosen in order.reshape(self.steps, self.batch):
            pictures = self.pictures[chosen].astype(np.float32) / np.float32(255)
            boxes = [self.boxes[index] for index in chosen]
            for place in np.flatnonzero(random.random(self.batch) < 0.5):
                pictures[place] = pictures[place, :, ::-1]
                boxes[place] = tuple(_mirrored(box) for box in boxes[place])
            pictures *= random.uniform(0.8, 1.25, (self.batch, 1, 1, 1)).astype(np.float32)
            yield pictures, *targets(boxes, self.labels, pictures.shape[1:3])


def train(data: TrainingSet, settings: Settings) -> Iterator[Epoch]:
    """Epochs as they end. The same seed, machine and thread count give the same weights."""
    random = np.random.default_rng(settings.seed)
    weights, running = first_weights(settings.width, len(data.labels), random)
    moments = jax.jit(OPTIMIZER.init)(weights)
    total = settings.epochs * data.steps
    done = 0
    step: Any = None
    for number in range(1, settings.epochs + 1):
        losses = []
        for batch in data.batches(random):
            rate = np.float32(settings.learning_rate * _schedule(done / total))
            memory = np.float32(min(MEMORY, (1 + done) / (10 + done)))
            now = (weights, running, moments, rate, memory, *batch)
            step = step or _compiled(_step.lower(*now))
            weights, running, moments, value = step(*now)
            losses.append(value)
            done += 1
        kept = jax.tree.map(np.asarray, (weights, running))
        yield Epoch(number, float(np.mean([float(value) for value in losses])), *kept)


def targets(
    pictures: list[tuple[Labelled, ...]], labels: list[str], shape: tuple[int, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """What the network should answer: heat, log distances and their weight, as `network.loss` takes them."""
    rows, columns = shape[0] // CELL, shape[1] // CELL
    heat = np.zeros((len(pictures), rows, columns, len(labels)), np.float32)
    reach = np.zeros((len(pictures), rows, columns, 4), np.float32)
    near = np.zeros((len(pictures), rows, columns), np.float32)
    x = (np.arange(columns, dtype=np.float32) + 0.5) / columns
    y = ((np.arange(rows, dtype=np.float32) + 0.5) / rows)[:, None]
    for place, boxes in enumerate(pictures):
        for box in boxes:
            left, top, right, bottom = box.corners
            column = min(columns - 1, int((left + right) / 2 * columns))
            row = min(rows - 1, int((top + bottom) / 2 * rows))
            wide, high = max(right - left, 2 / columns) * SPREAD, max(bottom - top, 2 / rows) * SPREAD
            spot = np.exp(-(((x - x[column]) / wide) ** 2 + ((y - y[row]) / high) ** 2) / 2)
            layer = heat[place, :, :, labels.index(box.label)]
            np.maximum(layer, np.where(spot > 0.999, 0.999, spot), out=layer)
            layer[row, column] = 1
            edges = np.broadcast_arrays(x - left, y - top, right - x, bottom - y)
            mine = (spot > NEAR) & (spot > near[place])
            reach[place][mine] = np.log(np.maximum(np.stack(edges, -1)[mine], 0.25 / columns))
            near[place][mine] = spot[mine]
    return heat, reach, near


@jax.jit
def _step(
    weights: Tree, running: Tree, moments: Any, rate: Any, memory: Any, *batch: Any
) -> tuple[Tree, Tree, Any, Any]:
    (value, seen), slopes = jax.value_and_grad(loss, has_aux=True)(weights, *batch)
    moves, moments = OPTIMIZER.update(slopes, moments, weights)
    weights = jax.tree.map(lambda weight, move: weight - rate * move, weights, moves)
    running = jax.tree.map(lambda old, new: memory * old + (1 - memory) * new, running, seen)
    return weights, running, moments, jnp.asarray(value)


def _compiled(lowered: Any) -> Any:
    """Takes seconds of CPU for the first trial; those that run beside it with the same cache wait for it."""
    cache: str | None = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]  # made by jax as it starts
    if cache is None:
        return lowered.compile()
    Path(cache).mkdir(parents=True, exist_ok=True)
    with Path(cache, "turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        return lowered.compile()


def _schedule(share: float) -> float:
    """The learning rate at a share of all steps, relative to its peak."""
    if share < WARM_UP:
        return (share + 0.01) / (WARM_UP + 0.01)
    turn = (share - WARM_UP) / (1 - WARM_UP)
    return LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * turn)) / 2


def _mirrored(box: Labelled) -> Labelled:
    left, top, right, bottom = box.corners
    return Labelled(box.label, (1 - right, top, 1 - left, bottom))


def _read(file: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    return read_picture(file.read_bytes(), size)
