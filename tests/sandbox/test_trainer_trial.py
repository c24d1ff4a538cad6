"""A trial as Azure ML would run it: a process that learns, reports each epoch and leaves a model to be checked.

jax is imported by the tests that run: it takes a second, and every process of the suite reads all tests.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import trustme
import yaml

from sandbox.line.exports import ExportOnDisk, write_all
from sandbox.trainer.dataset import hold_out, load
from sandbox.trainer.scoring import Detector

WORKSPACE = (
    "/mlflow/v2.0/subscriptions/s/resourceGroups/r/providers/Microsoft.MachineLearningServices/workspaces/w"
)
PARAMS = {
    "model_name": "yolov5",
    "model_size": "small",
    "img_size": 64,
    "learning_rate": "0.02",
    "number_of_epochs": 6,
    "training_batch_size": 4,
    "box_score_threshold": 0.3,
    "optimizer": "sgd",
}
MEANS = ("mean_average_precision", "precision", "recall")


class TrackingServer:
    """MLflow's log-batch over TLS; the first call is throttled, and the second answered with a server's fault."""

    def __init__(self, ca: trustme.CA) -> None:
        self.batches: list[dict[str, Any]] = []
        self.faults = [429, 503]
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = outer.answer(self.path, self.headers["Authorization"], body)
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: Any) -> None:
                """Keeps the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        ca.issue_cert("localhost").configure_cert(context)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.uri = f"https://localhost:{self.server.server_address[1]}{WORKSPACE}"

    def answer(self, path: str, authorization: str, body: dict[str, Any]) -> int:
        if path != f"{WORKSPACE}/api/2.0/mlflow/runs/log-batch":
            return 404
        if authorization != "Bearer the-token" or body["run_id"] != "cap-run_HD_3":
            return 401
        if self.faults:
            return self.faults.pop(0)
        self.batches.append(body)
        return 200

    def history(self, key: str) -> dict[int, float]:
        """A metric's values by epoch."""
        rows = [metric for batch in self.batches for metric in batch["metrics"] if metric["key"] == key]
        return {row["step"]: row["value"] for row in rows}


@dataclass
class Trial:
    """A trial that has ended well."""

    export: ExportOnDisk
    run: Path
    log: str
    server: TrackingServer

    @property
    def metrics(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.run / "outputs/metrics.json").read_text(encoding="utf-8"))
        return found


def start(module: str, *arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *([] if module == "-c" else ["-m"]), module, *arguments],
        cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> list[ExportOnDisk]:
    return write_all(tmp_path_factory.mktemp("line"))


@pytest.fixture(scope="module")
def trial(
    exports: list[ExportOnDisk], tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Trial]:
    run = tmp_path_factory.mktemp("trial")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(run / "ca.pem"))
    server = TrackingServer(ca)
    threading.Thread(target=server.server.serve_forever, daemon=True).start()
    small = exports[0]
    ended = start(
        "sandbox.trainer.trial",
        *("--data", str(small.folder), "--datastores", str(small.datastores)),
        *("--params", json.dumps(PARAMS), "--seed", "5"),
        cwd=run,
        MLFLOW_TRACKING_URI=server.uri,
        MLFLOW_RUN_ID="cap-run_HD_3",
        MLFLOW_TRACKING_TOKEN="the-token",
        REQUESTS_CA_BUNDLE=str(run / "ca.pem"),
        JAX_COMPILATION_CACHE_DIR=str(pytestconfig.cache.mkdir("compiled")),
    )
    assert ended.returncode == 0, ended.stderr
    yield Trial(small, run, ended.stdout, server)
    server.server.shutdown()
    server.server.server_close()


def test_it_learns_and_every_epoch_is_reported(trial: Trial) -> None:
    assert trial.server.faults == []
    for name in (*MEANS, "loss", "per_label_metrics/cap_missing/recall"):
        assert list(trial.server.history(name)) == [1, 2, 3, 4, 5, 6]
    loss = trial.server.history("loss")
    assert loss[6] < loss[1] / 2
    assert max(trial.server.history("mean_average_precision").values()) > 0.2
    assert "img_size 64 is trained as 96" in trial.log
    assert "parameter optimizer has no effect" in trial.log
    assert "epoch 6/6" in trial.log


def test_the_best_epoch_is_kept(trial: Trial) -> None:
    history = trial.server.history("mean_average_precision")
    best = max(history, key=lambda epoch: history[epoch])
    assert trial.metrics["best_epoch"] == best
    for name in MEANS:
        assert trial.metrics[name] == trial.server.history(name)[best]


def test_the_saved_model_measures_what_was_logged(trial: Trial) -> None:
    data = ("--data", str(trial.export.folder), "--datastores", str(trial.export.datastores))
    again = start("sandbox.trainer.evaluate", "--model", "outputs", *data, cwd=trial.run)
    assert again.returncode == 0, again.stderr
    figures = json.loads(again.stdout)
    for name in MEANS:
        assert figures[name] == pytest.approx(trial.metrics[name], abs=1e-3)
    assert figures["labels"].keys() == {"cap_on", "cap_missing"}


def test_a_model_is_not_measured_on_other_pictures(trial: Trial, tmp_path: Path) -> None:
    relabelled = tmp_path / "relabelled"
    shutil.copytree(trial.export.folder, relabelled)
    for rows in relabelled.glob("*.jsonl"):
        rows.write_text(rows.read_text().replace("cap_missing", "cap_on"))
    data = ("--data", str(relabelled), "--datastores", str(trial.export.datastores))
    refused = start("sandbox.trainer.evaluate", "--model", "outputs", *data, cwd=trial.run)
    assert refused.returncode == 1
    assert refused.stderr == "ERROR: These are not the held-out pictures that the model was measured on.\n"


def test_an_untrained_network_finds_nothing(trial: Trial, tmp_path: Path) -> None:
    from sandbox.trainer.network import first_weights
    from sandbox.trainer.onnx_file import write_onnx
    from sandbox.trainer.training import judge

    weights, running = first_weights(12, 2, np.random.default_rng(5))
    about = {"labels": '["cap_missing", "cap_on"]', "box_score_threshold": "0.3"}
    write_onnx(tmp_path / "model.onnx", weights, running, (96, 72), about)
    _, held_out = hold_out(load(trial.export.folder, trial.export.datastores))
    assert judge(Detector(tmp_path / "model.onnx"), held_out).mean_average_precision < 0.02


def test_onnx_answers_what_the_network_answers(tmp_path: Path) -> None:
    import jax

    from sandbox.trainer.network import first_weights, forward
    from sandbox.trainer.onnx_file import write_onnx

    random = np.random.default_rng(2)
    weights, _ = first_weights(12, 2, random)
    picture = random.random((1, 72, 96, 3), np.float32)
    answer, seen = jax.jit(forward)(weights, picture)
    running = {layer: {name: np.asarray(v) for name, v in figures.items()} for layer, figures in seen.items()}
    write_onnx(tmp_path / "model.onnx", weights, running, (96, 72), {})
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    heat, reach = session.run(["heat", "reach"], {"image": picture.transpose(0, 3, 1, 2)})
    logits, distances = np.split(np.asarray(answer).transpose(0, 3, 1, 2), [2], axis=1)
    np.testing.assert_allclose(heat, 1 / (1 + np.exp(-logits)), atol=1e-5)
    np.testing.assert_allclose(reach, np.exp(distances), atol=1e-5)


def test_outputs_lie_where_automl_leaves_them(trial: Trial) -> None:
    outputs = trial.run / "outputs"
    assert {path.name for path in outputs.iterdir()} == {
        "model.onnx", "mlflow-model", "scoring_file_v_1_0_0.py", "conda_env_v_1_0_0.yml",
        "run_id.txt", "labels.json", "metrics.json",
    }  # fmt: skip
    assert (outputs / "run_id.txt").read_text(encoding="utf-8") == "cap-run_HD_3"
    mlmodel = yaml.safe_load((outputs / "mlflow-model" / "MLmodel").read_text(encoding="utf-8"))
    for flavour in mlmodel["flavors"].values():
        assert (outputs / "mlflow-model" / flavour["data"]).read_bytes() == (
            outputs / "model.onnx"
        ).read_bytes()
    conda = yaml.safe_load((outputs / "conda_env_v_1_0_0.yml").read_text(encoding="utf-8"))
    assert any(line.startswith("onnxruntime==") for line in conda["dependencies"][-1]["pip"])
    assert {path.name for path in (trial.run / "train_artifacts").iterdir()} == {
        "epochs.json", "settings.json", "weights.npz",
    }  # fmt: skip


def test_it_says_what_it_is(trial: Trial) -> None:
    first = trial.server.batches[0]
    tags = {tag["key"]: tag["value"] for tag in first["tags"]}
    params = {param["key"]: param["value"] for param in first["params"]}
    assert (tags["data"], tags["trainer"], tags["seed"]) == ("synthetic", "sandbox", "5")
    assert len(tags["data_sha256"]) == 64
    assert params["model_name"] == "yolov5"
    assert params["sandbox_model"] == tags["model"] == "sandbox-centrenet"
    session = onnxruntime.InferenceSession(
        str(trial.run / "outputs/model.onnx"), providers=["CPUExecutionProvider"]
    )
    about = session.get_modelmeta().custom_metadata_map
    assert about.items() >= tags.items()


def test_the_scoring_file_stands_alone(trial: Trial, tmp_path: Path) -> None:
    held_out = trial.metrics["held_out"]["files"]
    picture = base64.b64encode((trial.export.datastores / held_out[0]).read_bytes()).decode()
    request = {"input_data": {"columns": ["image"], "data": [picture, picture]}}
    (tmp_path / "request.json").write_text(json.dumps(request), encoding="utf-8")
    code = "import json, runpy, sys; s = runpy.run_path(sys.argv[1]); s['init']();"
    code += "print(json.dumps(s['run'](open('request.json').read()))); assert 'sandbox' not in sys.modules"
    model = str(trial.run / "outputs" / "mlflow-model")
    scoring = str(trial.run / "outputs" / "scoring_file_v_1_0_0.py")
    ended = start("-c", code, scoring, cwd=tmp_path, AZUREML_MODEL_DIR=model)
    assert ended.returncode == 0, ended.stderr
    first, second = json.loads(ended.stdout)
    assert first == second
    assert first["boxes"]
    for box in first["boxes"]:
        assert box.keys() == {"box", "label", "score"}
        assert box["box"].keys() == {"topX", "topY", "bottomX", "bottomY"}
        assert box["label"] in {"cap_on", "cap_missing"} and 0.3 < box["score"] <= 1


def test_unusable_data_ends_with_one_sentence(exports: list[ExportOnDisk], tmp_path: Path) -> None:
    unlabelled = next(each for each in exports if "unlabelled" in each.name)
    data = ("--data", str(unlabelled.folder), "--datastores", str(unlabelled.datastores))
    ended = start("sandbox.trainer.trial", *data, cwd=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == (
        "ERROR: No objects in dataset. Please ensure that at least one image has one or more objects."
    )
    assert not (tmp_path / "outputs").exists()


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['jax'] = None; from sandbox.trainer.trial import main;"
    code += "sys.exit(main(['--data', '.', '--datastores', '.']))"
    ended = start("-c", code, cwd=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == (
        "ERROR: The sandbox's trainer needs the extra 'sandbox', of which jax is not installed:"
        " pip install 'spotter[sandbox]'."
    )
