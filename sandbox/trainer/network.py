"""The detector: a small convolutional network that marks the centres of objects and says how far their edges are.

Written for jax; pictures are batch x height x width x channel, 0..1. At a quarter of the input's resolution it gives,
per cell, a logit for each class and the logarithm of four distances (left, top, right, bottom, in fractions).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

CELL = 4
EPSILON = 1e-5
FIRST_SCORE = 0.1  # what an untrained network answers everywhere
FIRST_REACH = 0.08
FAR = 4.0  # at most e^4 times FIRST_REACH, so that a stray early step cannot overflow
BOX_WEIGHT = 1.0

Tree = dict[str, Any]


@dataclass(frozen=True)
class Layer:
    """A convolution and its batch norm; channels count in widths of the network (0: the picture's three)."""

    name: str
    kernel: int
    stride: int
    takes: int
    gives: int
    relu: bool = True


LAYERS = (
    Layer("half", 3, 2, 0, 1),
    Layer("quarter", 3, 2, 1, 2),
    Layer("detail", 3, 1, 2, 2),
    Layer("eighth", 3, 2, 2, 4),
    Layer("context", 3, 1, 4, 4),
    Layer("wider", 3, 1, 4, 4),
    Layer("lateral", 1, 1, 4, 2, relu=False),
    Layer("head", 3, 1, 2, 2),
)


def first_weights(width: int, classes: int, random: np.random.Generator) -> tuple[Tree, Tree]:
    """Trainable weights and the batch norms' running means and variances, by layer name."""
    weights: Tree = {}
    running: Tree = {}
    for layer in LAYERS:
        taken, given = max(layer.takes * width, 3 * (layer.takes == 0)), layer.gives * width
        shape = (layer.kernel, layer.kernel, taken, given)
        spread = np.sqrt(2 / (layer.kernel**2 * taken))
        weights[layer.name] = {
            "kernel": (random.standard_normal(shape) * spread).astype(np.float32),
            "scale": np.ones(given, np.float32),
            "shift": np.zeros(given, np.float32),
        }
        running[layer.name] = {"mean": np.zeros(given, np.float32), "var": np.ones(given, np.float32)}
    bias = np.log([FIRST_SCORE / (1 - FIRST_SCORE)] * classes + [FIRST_REACH] * 4)
    weights["answer"] = {
        "kernel": (random.standard_normal((1, 1, 2 * width, classes + 4)) * 0.01).astype(np.float32),
        "bias": bias.astype(np.float32),
    }
    return weights, running


def forward(weights: Tree, pictures: Array) -> tuple[Array, Tree]:
    """Raw answers in training mode, and each batch norm's mean and variance over this batch."""
    seen: Tree = {}

    def apply(layer: Layer, x: Array) -> Array:
        own = weights[layer.name]
        x = _convolve(x, own["kernel"], layer.stride)
        mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
        seen[layer.name] = {"mean": mean, "var": var}
        x = (x - mean) * (lax.rsqrt(var + EPSILON) * own["scale"]) + own["shift"]
        return jax.nn.relu(x) if layer.relu else x

    half, quarter, detail, eighth, context, wider, lateral, head = LAYERS
    fine = apply(detail, apply(quarter, apply(half, pictures)))
    coarse = apply(lateral, apply(wider, apply(context, apply(eighth, fine))))
    coarse = jnp.repeat(jnp.repeat(coarse, 2, axis=1), 2, axis=2)
    x = apply(head, jax.nn.relu(fine + coarse))
    return _convolve(x, weights["answer"]["kernel"], 1) + weights["answer"]["bias"], seen


def loss(weights: Tree, pictures: Array, heat: Array, reach: Array, near: Array) -> tuple[Array, Tree]:
    """Focal loss of the centre maps plus the distances' error near centres, per object.

    `heat` is 1 at a centre and falls off around it (batch x rows x columns x classes), `reach` the log distances
    (... x 4), and `near` the weight that a cell's distances have (batch x rows x columns).
    """
    answer, seen = forward(weights, pictures)
    logits, distances = answer[..., :-4], answer[..., -4:]
    centre = heat >= 1.0
    found, missed = jax.nn.log_sigmoid(logits), jax.nn.log_sigmoid(-logits)
    score = jnp.exp(found)
    focal = jnp.where(centre, (1 - score) ** 2 * found, (1 - heat) ** 4 * score**2 * missed)
    objects = jnp.maximum(centre.sum(), 1)
    off = jnp.abs(jnp.clip(distances, np.log(FIRST_REACH) - FAR, np.log(FIRST_REACH) + FAR) - reach)
    box = (off.sum(-1) * near).sum() / jnp.maximum(near.sum(), 1)
    return -focal.sum() / objects + BOX_WEIGHT * box, seen


def _convolve(x: Array, kernel: Array, stride: int) -> Array:
    axes = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, kernel, (stride, stride), "SAME", dimension_numbers=axes)
