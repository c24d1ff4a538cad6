"""A small real detector: it finds the bright places of a picture, and calls them whatever it is told to."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sandbox.trainer import scoring

SIZE, CELL = 64, 16


def write_model(folder: Path, label: str) -> Path:
    """The files of a registered model: network, scoring file, environment."""
    folder.mkdir(parents=True)
    cells = SIZE // CELL
    reach = numpy_helper.from_array(np.full((1, 4, cells, cells), 0.1, np.float32), "reach_value")
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("MaxPool", ["grey"], ["heat"], kernel_shape=[CELL, CELL], strides=[CELL, CELL]),
        helper.make_node("Identity", ["reach_value"], ["reach"]),
    ]

    def tensor(name: str, *shape: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes,
        "brightness",
        [tensor("image", 1, 3, SIZE, SIZE)],
        [tensor("heat", 1, 1, cells, cells), tensor("reach", 1, 4, cells, cells)],
        [reach],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"labels": json.dumps([label]), "box_score_threshold": "0.3"})
    onnx.save(model, str(folder / "model.onnx"))
    shutil.copyfile(scoring.__file__, folder / "scoring_file_v_1_0_0.py")
    (folder / "conda_env_v_1_0_0.yml").write_text("dependencies: [python]\n")
    return folder
