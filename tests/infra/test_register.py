"""The register step as a real process, with the environment that a job has, when things go wrong around it."""

import ast
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import infra
from infra.azureml.connection import WorkspaceId
from infra.azureml.workspace import Workspace
from infra.training.publish import _code, publish
from sandbox.azure.engine.environment import job_environment
from sandbox.azure.twin import AzureTwin
from sandbox.faults import Fault
from tests.infra.conftest import CLUSTER, DEFINITION, FIGURES, write_export
from tests.infra.test_training import ended, training

VERSIONS = r"/models/Caps/versions"
NOWHERE = Path("nowhere")
SOURCES = Path(infra.__path__[0]).parent


@pytest.fixture
def trained(twin: AzureTwin, twin_id: WorkspaceId, line: Workspace) -> AzureTwin:
    """A finished training whose model was registered as version 1."""
    publish(twin_id, DEFINITION, "1")
    line.submit(training(line))
    assert ended(line) == "Completed"
    return twin


def register(
    twin: AzureTwin, *, job: str = "caps-1", request: str = "request-caps-1", without: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    run = twin.studio.job(job)
    assert run
    network = {name: entry for name, entry in twin.env().items() if not name.startswith("IDENTITY")}
    environment = job_environment(twin.workspace, run, network, NOWHERE)
    given = {"model-name": "Caps", "dataset-name": "caps", "dataset-version": "1", "request-id": request}
    given["registered"] = str(twin.workspace.root / "registered")
    options = [option for name, entry in given.items() for option in (f"--{name}", entry)]
    return subprocess.run(
        [sys.executable, "-m", "infra.training.register.register", *options, "--framework", "a detector"],
        cwd=SOURCES,
        env={name: entry for name, entry in environment.items() if name not in without},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def numbers(line: Workspace) -> list[int]:
    return [version.version for version in line.versions("Caps")]


def test_one_version_for_a_trial_whatever_goes_wrong(
    trained: AzureTwin, line: Workspace, tmp_path: Path
) -> None:
    again = register(trained)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.endswith("Registered Caps version 1.\n")
    assert register(trained, request="another").returncode == 0, "the same trial under another request"
    assert numbers(line) == [1]

    nobody = register(trained, without=("MSI_ENDPOINT", "MSI_SECRET"))
    assert nobody.returncode == 1
    assert "ERROR: The cluster has no managed identity" in nobody.stdout

    trained.studio.delete_model_version("Caps", "1")
    (tmp_path / "by-hand").mkdir()
    (tmp_path / "by-hand" / "model.onnx").write_text("by hand")
    assert trained.studio.register_by_hand("Caps", tmp_path / "by-hand") == "1"
    trained.faults.arm(Fault("GET", VERSIONS, "answer", status=404, body="{}"))
    assert register(trained).returncode == 0
    assert numbers(line) == [2, 1], "a number that was taken meanwhile is passed over"

    trained.studio.delete_model_version("Caps", "2")
    # The refusal of the deleted number is lost too; azure-core sends four times before the script looks again.
    trained.faults.arm(Fault("PUT", VERSIONS, "drop_after", times=6))
    assert register(trained).returncode == 0
    assert numbers(line) == [3, 1], "once, though the answer was lost, and never under a deleted number"

    trained.studio.delete_model_version("Caps", "3")
    best = line.progress("caps-1").best
    assert best
    shutil.rmtree(next(trained.workspace.root.rglob(f"dcid.{best.run_id}/outputs")))
    before = len(trained.faults.log("PUT", VERSIONS))
    gone = register(trained)
    assert gone.returncode == 1
    assert "ERROR: The model could not be registered" in gone.stdout
    assert len(trained.faults.log("PUT", VERSIONS)) - before == 1, "refused at once"


def test_nothing_is_registered_when_all_trials_failed(
    twin: AzureTwin, twin_id: WorkspaceId, line: Workspace
) -> None:
    publish(twin_id, DEFINITION, "1")
    for _ in range(2):
        twin.studio.fail_next_trial("CUDA out of memory")
    line.submit(training(line))
    assert ended(line) == "Failed"
    done = register(twin)
    assert done.returncode == 1
    assert "ERROR: All 2 trials failed, so there is no model to register." in done.stdout
    assert numbers(line) == []


def test_nothing_is_registered_without_a_figure(
    twin: AzureTwin, twin_id: WorkspaceId, line: Workspace, tmp_path: Path
) -> None:
    publish(twin_id, DEFINITION, "1")
    silent: dict[str, dict[str, list[float]]] = {
        size: {name: [] for name in FIGURES[size]} for size in FIGURES
    }
    write_export(tmp_path / "silent", silent)
    twin.studio.add_export(
        "caps_20261121_093011", "1", tmp_path / "silent", datetime(2026, 11, 21, tzinfo=UTC)
    )
    quiet = {**vars(training(line)), "export_name": "caps_20261121_093011", "cluster": CLUSTER}
    line.submit(type(training(line))(**quiet))
    ended(line)
    done = register(twin)
    assert done.returncode == 1
    assert "ERROR: None of the 2 trials logged mean_average_precision" in done.stdout


def test_steps_need_only_what_curated_environments_have(tmp_path: Path) -> None:
    allowed = {*sys.stdlib_module_names, "azure.core", "azure.identity", "yaml"}
    code = _code(tmp_path)
    assert len(list(code.rglob("*.py"))) > 10
    for file in code.rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"), feature_version=(3, 10))
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        absolute = [alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names]
        absolute += [
            str(node.module) for node in imports if isinstance(node, ast.ImportFrom) and not node.level
        ]
        for name in absolute:
            parts = name.split(".")
            uploaded = code.joinpath(*parts)
            assert (
                uploaded.is_dir()
                or uploaded.with_suffix(".py").is_file()
                or {name, ".".join(parts[:2]), parts[0]} & allowed
            ), name
