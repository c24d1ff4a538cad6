"""Writes the detector as an ONNX file, batch norms folded into the convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from sandbox.trainer.network import CELL, EPSILON, LAYERS, Layer, Tree

OPSET = 17
IR_VERSION = 8


def write_onnx(
    file: Path, weights: Tree, running: Tree, size: tuple[int, int], metadata: Mapping[str, str]
) -> None:
    """Input `image` 1x3xHxW, 0..1; outputs `heat` (scores, class x row x column) and `reach` (distances, 4 x ...)."""
    graph = _Graph()
    half, quarter, detail, eighth, context, wider, lateral, head = LAYERS
    x = "image"
    for layer in (half, quarter, detail):
        x = graph.layer(layer, x, weights, running)
    fine = x
    for layer in (eighth, context, wider, lateral):
        x = graph.layer(layer, x, weights, running)
    scales = graph.constant("scales", np.array([1, 1, 2, 2], np.float32))
    how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    x = graph.node("Resize", [x, "", scales], "doubled", **how)
    x = graph.node("Relu", [graph.node("Add", [fine, x], "joined")], "joined_relu")
    x = graph.layer(head, x, weights, running)
    own = weights["answer"]
    answer = graph.convolution("answer", x, own["kernel"], own["bias"], 1)
    classes = own["bias"].size - 4
    split = graph.constant("split", np.array([classes, 4], np.int64))
    graph.nodes.append(helper.make_node("Split", [answer, split], ["logits", "distances"], axis=1))
    graph.node("Sigmoid", ["logits"], "heat")
    graph.node("Exp", ["distances"], "reach")
    onnx.save(_model(graph, size, classes, metadata), str(file))


class _Graph:
    """Nodes and constants as they are added; every method returns the name of what it gives."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **how: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **how))
        return output

    def convolution(
        self, name: str, x: str, kernel: NDArray[np.float32], bias: NDArray[np.float32], stride: int
    ) -> str:
        """`kernel` is rows x columns x in x out. The padding is jax's "SAME" for even inputs."""
        side = kernel.shape[0]
        before, after = (0, side - 2) if stride == 2 else (side // 2, side // 2)
        inputs = [
            x,
            self.constant(f"{name}_kernel", kernel.transpose(3, 2, 0, 1)),
            self.constant(f"{name}_bias", bias),
        ]
        pads = [before, before, after, after]
        return self.node("Conv", inputs, name, pads=pads, strides=[stride, stride])

    def layer(self, layer: Layer, x: str, weights: Tree, running: Tree) -> str:
        own, seen = weights[layer.name], running[layer.name]
        gain = own["scale"] / np.sqrt(seen["var"] + np.float32(EPSILON))
        x = self.convolution(
            layer.name, x, own["kernel"] * gain, own["shift"] - seen["mean"] * gain, layer.stride
        )
        return self.node("Relu", [x], f"{layer.name}_relu") if layer.relu else x


def _model(graph: _Graph, size: tuple[int, int], classes: int, metadata: Mapping[str, str]) -> Any:
    width, height = size
    cells = [height // CELL, width // CELL]

    def tensor(name: str, *shape: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    body = helper.make_graph(
        graph.nodes,
        "detector",
        [tensor("image", 1, 3, height, width)],
        [tensor("heat", 1, classes, *cells), tensor("reach", 1, 4, *cells)],
        graph.constants,
    )
    model = helper.make_model(
        body,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="sandbox.trainer",
    )
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    return model
