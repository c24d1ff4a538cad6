"""The published pipeline on the twin: published, submitted, followed, registered."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.azureml.connection import WorkspaceId
from infra.azureml.errors import NameTaken, NotFound, Refused
from infra.azureml.jobs import Training
from infra.azureml.workspace import Workspace
from infra.failures.explain import explain_fault
from infra.training.component import graph, register_component_name
from infra.training.publish import PublishedDifferentlyError, publish
from sandbox.azure.twin import AzureTwin
from tests.infra.conftest import CLUSTER, DEFINITION, EXPORT, write_export

PATIENCE = 60.0
LONG, LONG_EXPORT = 3000, "caps_20261121_093011"


def training(line: Workspace, name: str = "caps-1") -> Training:
    return Training(
        name=name,
        request_id=f"request-{name}",
        model_name="Caps",
        export_name=EXPORT,
        export_version="1",
        cluster=CLUSTER,
        experiment="spotter",
        requested_by="U1",
        component=line.published(DEFINITION.component),
    )


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def ended(line: Workspace, name: str = "caps-1") -> str:
    until(lambda: line.job(name).has_ended)
    return line.job(name).status


def test_a_training_from_publishing_to_the_model(
    twin: AzureTwin, twin_id: WorkspaceId, line: Workspace
) -> None:
    assert line.published(DEFINITION.component) is None
    published = publish(twin_id, DEFINITION, "7")
    assert published.created
    assert not publish(twin_id, DEFINITION, "7").created
    with pytest.raises(PublishedDifferentlyError, match="take another number"):
        publish(twin_id, DEFINITION.model_copy(update={"max_trials": 3}), "7")

    wanted = training(line)
    assert wanted.component and wanted.component.version == "7"
    line.submit(wanted)
    assert line.submit(wanted).name == wanted.name
    assert line.submit(replace(wanted, display_name="Changed since")).request_id == wanted.request_id
    with pytest.raises(NameTaken):
        line.submit(replace(wanted, request_id="of-somebody-else"))
    assert [job.request_id for job in line.training_jobs()] == [wanted.request_id]
    assert ended(line) == "Completed", explain_fault(line.fault("caps-1"))

    progress = line.progress("caps-1")
    assert [(step.name, step.status) for step in progress.steps] == [
        ("split", "Completed"),
        ("train", "Completed"),
        ("register", "Completed"),
        ("evaluate", "Completed"),
    ]
    assert (progress.planned, progress.trials_ended, progress.current_step) == (2, 2, None)
    assert progress.best and progress.best.figures
    assert progress.best.params["model_size"] == "medium"
    best = progress.best.figures
    assert (best.epoch, best.mean_average_precision, best.precision, best.recall) == (1, 0.8, 0.75, 0.85)

    (version,) = line.versions("Caps")
    assert (version.version, version.mean_average_precision, version.precision, version.recall) == (
        1,
        0.8,
        0.75,
        0.85,
    )
    assert version.tags == {
        "Mean Average Precision": "0.8",
        "Precision": "0.75",
        "Recall": "0.85",
        "Epoch": "1",
        "Dataset": EXPORT,
        "Dataset Version": "1",
        "Best Trial": progress.best.run_id,
        "Pipeline Run": "caps-1",
        "Request": "request-caps-1",
        "Framework": DEFINITION.framework,
        "Held Out": "sha256 of datastore/path, first 20%",
        "data": "synthetic",
    }
    assert [(model.name, model.latest) for model in line.models({})] == [("Caps", "1")]
    assert line.models({"Caps": "1"}) == []


def test_what_azure_refuses_to_publish_is_refused(twin: AzureTwin, twin_id: WorkspaceId) -> None:
    wrong = DEFINITION.model_copy(update={"register_environment": "azureml:nowhere:1"})
    with pytest.raises((NotFound, Refused)):
        publish(twin_id, wrong, "1")


def test_the_same_graph_inline(twin: AzureTwin, twin_id: WorkspaceId, line: Workspace) -> None:
    publish(twin_id, DEFINITION, "1")
    register = line.published(register_component_name(DEFINITION))
    assert register
    inline = replace(training(line), component=None, graph=graph(DEFINITION, register.id))
    line.submit(inline)
    assert ended(line) == "Completed", explain_fault(line.fault("caps-1"))
    assert [version.version for version in line.versions("Caps")] == [1]


def test_one_failed_trial_still_gives_a_model(twin: AzureTwin, twin_id: WorkspaceId, line: Workspace) -> None:
    publish(twin_id, DEFINITION, "1")
    twin.studio.fail_next_trial("CUDA out of memory")
    line.submit(training(line))
    assert ended(line) == "Completed"
    assert [trial.status for trial in line.progress("caps-1").trials].count("Failed") == 1
    assert len(line.versions("Caps")) == 1


def test_when_all_trials_fail_the_trials_own_reason_is_told(
    twin: AzureTwin, twin_id: WorkspaceId, line: Workspace
) -> None:
    publish(twin_id, DEFINITION, "1")
    twin.studio.fail_next_trial("All annotations provided are ill-formed.")
    twin.studio.fail_next_trial("All annotations provided are ill-formed.")
    line.submit(training(line))
    assert ended(line) == "Failed"
    fault = line.fault("caps-1")
    assert (fault.failed_trials, fault.trials) == (2, 2)
    assert re.fullmatch(r".+_HD_\d", fault.run_id)
    assert explain_fault(fault).reason == "boxes-ill-formed"
    assert any("ill-formed" in text for text in fault.last_lines)
    assert line.versions("Caps") == []


def test_cancel_reaches_the_trials(
    twin: AzureTwin, twin_id: WorkspaceId, line: Workspace, tmp_path: Path
) -> None:
    publish(twin_id, DEFINITION, "1")
    epochs = {name: [0.5] * LONG for name in ("mean_average_precision", "precision", "recall")}
    write_export(tmp_path / "long", {"small": epochs, "medium": epochs})
    twin.studio.add_export(LONG_EXPORT, "1", tmp_path / "long", datetime(2026, 11, 21, tzinfo=UTC))
    line.submit(replace(training(line), export_name=LONG_EXPORT))
    until(lambda: line.progress("caps-1").trials)
    line.cancel("caps-1")
    assert ended(line) == "Canceled"
    assert {trial.status for trial in line.progress("caps-1").trials} == {"Canceled"}


def test_finished_trials_are_not_read_again(twin: AzureTwin, twin_id: WorkspaceId, line: Workspace) -> None:
    publish(twin_id, DEFINITION, "1")
    line.submit(training(line))
    ended(line)
    progress = line.progress("caps-1")
    before = len(twin.faults.log("GET", "get-history|children"))
    assert line.progress("caps-1", progress) == progress
    assert len(twin.faults.log("GET", "get-history|children")) - before == 2
