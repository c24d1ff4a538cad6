"""What the edge module answers, and what it says of itself."""

import ast
import base64
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.infra_edge.conftest import ROOT, Start

MODULE = ROOT / "infra" / "edge" / "module"


def picture(dark: bool = False) -> bytes:
    pixels = np.random.default_rng(1).integers(0, 256, (72, 96, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels * (0 if dark else 1)).save(file, "PNG")
    return file.getvalue()


def as_json(*pictures: bytes) -> bytes:
    data = [base64.b64encode(each).decode() for each in pictures]
    return json.dumps({"input_data": {"columns": ["image"], "data": data}}).encode()


def test_it_answers_pictures_with_what_the_model_finds(model: Path, start: Start) -> None:
    module = start(model)
    assert module.settled() == (
        200,
        {"modelName": "Cap_Detection_Model", "modelVersion": "3", "health": "ok", "reason": ""},
    )
    status, (found,), headers = module.ask("/score", picture())
    assert status == 200 and headers["X-Model"] == "Cap_Detection_Model:3"
    best = found["boxes"][0]
    assert best["label"] in ("cap_missing", "cap_on") and best["score"] > 0.3
    assert best["box"].keys() == {"topX", "topY", "bottomX", "bottomY"}
    # As Azure ML's endpoints are asked, several at once; a dark picture has nothing on it, which is no error.
    status, answers, _ = module.ask("/score", as_json(picture(dark=True), picture()), "application/json")
    assert (status, answers) == (200, [{"boxes": []}, found])
    refusals = [
        (b"", "image/jpeg", 400, "EmptyPicture", "0 bytes"),
        (picture()[:200], "image/png", 400, "UnreadablePicture", "cut off"),
        (b"no picture at all", "image/jpeg", 400, "UnreadablePicture", "no JPEG or PNG"),
        (as_json(picture(), picture()[:99]), "application/json", 400, "UnreadablePicture", "Picture 2"),
        (b"{}", "application/json", 400, "BadRequest", "input_data"),
        (as_json(), "application/json", 400, "BadRequest", "1 to 32"),
    ]
    for body, kind, expected, code, words in refusals:
        status, told, _ = module.ask("/score", body, kind)
        assert (status, told["error"]["code"]) == (expected, code)
        assert words in told["error"]["message"]
    assert module.ask("/elsewhere")[0] == 404
    assert module.ask("/healthz")[0] == 200, "a bad picture is not the model's fault"


def test_without_a_model_it_stays_and_says_why(tmp_path: Path, model: Path, start: Start) -> None:
    nothing = start(tmp_path)
    status, told = nothing.settled()
    assert (status, told["health"]) == (503, "failed") and "no model was built in" in told["reason"]
    status, told, _ = nothing.ask("/score", picture())
    assert (status, told["error"]["code"]) == (503, "ModelNotLoaded")
    assert "no model was built in" in told["error"]["message"]
    broken = tmp_path / "broken"
    shutil.copytree(model, broken)
    (broken / "outputs" / "model.onnx").write_bytes(b"half a file")
    status, told = start(broken).settled()
    assert status == 503 and "scoring_file_v_1_0_0.py could not load the model" in told["reason"]


AUTOML = '''
"""As AutoML for images writes it: raw requests in, JSON text out, the model beside the scoring file."""
import json, os
from azureml.contrib.services.aml_request import rawhttp
from azureml.contrib.services.aml_response import AMLResponse

def init():
    global model
    with open(os.path.join(os.getenv("AZUREML_MODEL_DIR"), "model.pt")) as file:
        model = file.read()

@rawhttp
def run(request):
    if request.method != "POST":
        return AMLResponse("bad request", 500)
    data = request.get_data()
    if data.endswith(b"cannot score"):
        raise RuntimeError("out of memory")
    box = {"box": {"topX": 0.1, "topY": 0.2, "bottomX": 0.3, "bottomY": 0.4}, "label": model, "score": 0.9}
    return AMLResponse(json.dumps({"filename": "/tmp/x", "boxes": [box]}), 200)
'''
# What of azureml-contrib-services a scoring file sees.
SERVICES = {
    "aml_request": "_rawHttpRequested = False\ndef rawhttp(run):\n    global _rawHttpRequested\n"
    "    _rawHttpRequested = True\n    return run\n",
    "aml_response": "class AMLResponse:\n    def __init__(self, text, status):\n        self.text = text\n"
    "        self.status_code = status\n    def get_data(self):\n        return self.text.encode()\n",
}


def test_a_model_of_automl_answers_alike(tmp_path: Path, start: Start) -> None:
    services = tmp_path / "packages" / "azureml" / "contrib" / "services"
    services.mkdir(parents=True)
    for name, content in SERVICES.items():
        (services / f"{name}.py").write_text(content)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "scoring_file_v_1_0_0.py").write_text(AUTOML)
    (folder / "model.pt").write_text("cap_on")
    module = start(folder, PYTHONPATH=str(tmp_path / "packages"))
    assert module.settled()[0] == 200
    box = {"topX": 0.1, "topY": 0.2, "bottomX": 0.3, "bottomY": 0.4}
    found = {"boxes": [{"box": box, "label": "cap_on", "score": 0.9}]}
    assert module.ask("/score", picture())[1] == [found]
    assert module.ask("/score", as_json(picture(), picture()), "application/json")[1] == [found, found]
    # A picture that it breaks on is told; when it breaks on all, the module calls itself ill, until it works again.
    for health in ("ok", "ok", "failed"):
        status, told, _ = module.ask("/score", picture() + b"cannot score")
        assert (status, told["error"]["code"]) == (500, "ScoringFailed")
        assert module.ask("/healthz")[1]["health"] == health
    assert "out of memory" in module.ask("/healthz")[1]["reason"]
    assert module.ask("/score", picture())[0] == module.ask("/healthz")[0] == 200


@pytest.mark.parametrize("file", sorted(MODULE.glob("*.py")), ids=lambda file: file.stem)
def test_it_stays_readable_for_the_python_of_older_models(file: Path) -> None:
    tree = ast.parse(file.read_text(), feature_version=(3, 9))
    imported = {
        node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level
    }
    assert not any(name.startswith(("infra", "azure")) for name in imported), "the image has this folder only"
    assert (
        any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
        or len(tree.body) == 1
    )
