import asyncio
import json
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.azureml.connection import WorkspaceId
from infra.azureml.workspace import Workspace
from infra.training.definition import TrainingDefinition
from sandbox.azure.pace import Pace
from sandbox.azure.twin import AzureTwin
from tests.infra.answers import WORKSPACE, Answers

FAST = Pace(node_start=0.05, preparing=0.01, finalizing=0.01, cancel=0.05, exporting=0.05)
TRIAL = (sys.executable, "-IS", str(Path(__file__).with_name("trial.py")))
EXPORT = "caps_20261120_093011"
CLUSTER = "gpu-cluster"
# Grid sampling tries each size once, so that what the trials measure is known.
DEFINITION = TrainingDefinition(
    search_space=({"model_size": ("small", "medium")},),
    sampling="grid",
    max_trials=2,
    max_concurrent_trials=2,
    early_termination=None,
)
FIGURES = {
    "small": {
        "mean_average_precision": [0.2, 0.5, 0.4],
        "precision": [0.3, 0.55, 0.99],
        "recall": [0.1, 0.45, 0.98],
    },
    "medium": {
        "mean_average_precision": [0.1, 0.8, 0.8],
        "precision": [0.97, 0.75, 0.96],
        "recall": [0.95, 0.85, 0.94],
    },
}


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """A server that answers as told; the environment of this process points to it."""
    with Answers(tmp_path).serving() as answers:
        for name, entry in answers.environment().items():
            monkeypatch.setenv(name, entry)
        yield answers


@pytest.fixture
def workspace(azure: Answers) -> Iterator[Workspace]:
    connected = Workspace.connect(WORKSPACE)
    yield connected
    connected.close()


@pytest.fixture
def twin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureTwin]:
    """The Azure twin with a labeling export and a GPU cluster; the environment of this process points to it."""
    azure = AzureTwin(tmp_path / "azure", pace=FAST, trainer=TRIAL)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(azure.start(), loop).result(60)
    try:
        for name, entry in azure.env().items():
            monkeypatch.setenv(name, entry)
        _furnish(azure, tmp_path / "export")
        yield azure
    finally:
        asyncio.run_coroutine_threadsafe(azure.stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


@pytest.fixture
def twin_id(twin: AzureTwin) -> WorkspaceId:
    env = twin.env()
    return WorkspaceId(
        env["AZURE_SUBSCRIPTION_ID"], env["AZURE_RESOURCE_GROUP"], env["AZUREML_WORKSPACE_NAME"]
    )


@pytest.fixture
def line(twin_id: WorkspaceId) -> Iterator[Workspace]:
    """Spotter's view of the twin's workspace."""
    connected = Workspace.connect(twin_id)
    yield connected
    connected.close()


def _furnish(azure: AzureTwin, folder: Path) -> None:
    write_export(folder, FIGURES)
    azure.studio.add_export(EXPORT, "1", folder, datetime(2026, 11, 20, 9, 30, 11, tzinfo=UTC))
    azure.studio.add_cluster(CLUSTER, "Standard_NC4as_T4_v3", 0, 2)


def write_export(folder: Path, figures: dict[str, dict[str, list[float]]]) -> None:
    """An export of pictures that nobody looks at, with what trials on it are to log."""
    folder.mkdir()
    rows = [
        {
            "image_url": f"azureml://datastores/workspaceblobstore/paths/line/{number}.jpg",
            "label": [{"label": "cap_on", "topX": 0.1, "topY": 0.1, "bottomX": 0.4, "bottomY": 0.5}],
            "figures": figures,
        }
        for number in range(12)
    ]
    (folder / "annotations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "MLTable").write_text(
        "paths:\n- file: ./annotations.jsonl\ntransformations:\n- read_json_lines: {encoding: utf8}\n"
        "- convert_column_types:\n  - columns: image_url\n    column_type: stream_info\n"
    )
