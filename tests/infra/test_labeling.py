"""Labeling projects on the twin: their progress, and exports that are asked for once, whatever the answer."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.azureml.errors import Denied, NotFound, Refused, Throttled, Unclear
from infra.azureml.labeling import LabelExport, LabelingProject
from infra.azureml.workspace import Workspace
from sandbox.azure.twin import AzureTwin
from sandbox.faults import Action, Fault
from sandbox.line.formats import Picture
from sandbox.line.scene import Box
from tests.infra.answers import Answers
from tests.infra.test_training import until

EXPORTS = re.compile(r"lids_\d{8}_\d{6}")
TAKEN = datetime(2026, 11, 22, tzinfo=UTC)
LID = Box("lid", 0.1, 0.1, 0.3, 0.3)


def at_work(twin: AzureTwin, *, labelled: int = 3) -> None:
    """A project `lids` of five pictures."""
    pictures = [Picture(f"line/{number}.jpg", TAKEN, (LID, LID)) for number in range(5)]
    twin.studio.add_labeling_project("lids", "workspaceblobstore", pictures, labelled)


def exported(line: Workspace, begun: LabelExport) -> LabelExport:
    if not begun.done:
        until(lambda: line.label_export(begun.operation).done)
        return line.label_export(begun.operation)
    return begun


def test_progress_moves_with_the_people_who_label(twin: AzureTwin, line: Workspace) -> None:
    assert line.labeling_projects() == []
    at_work(twin, labelled=0)
    twin.studio.label("lids", 2)
    twin.studio.skip("lids", 1)
    assert line.labeling_projects() == [LabelingProject("lids", "lids", labelled=2, skipped=1, total=5)]


def test_what_was_labelled_becomes_a_data_asset(twin: AzureTwin, line: Workspace) -> None:
    at_work(twin, labelled=0)
    with pytest.raises(Refused, match="no labeled data"):
        line.start_label_export("lids")
    twin.studio.label("lids", 2)
    twin.studio.label("lids", 1, boxes=())
    done = exported(line, line.start_label_export("lids"))
    [export] = line.exports(EXPORTS)
    assert (done.asset, export.kind) == (export.name, "mltable")
    contents = line.read_export(export)
    assert (contents.images, contents.boxes, contents.images_without_boxes) == (3, {"lid": 4}, 1)
    assert not contents.blockers
    with pytest.raises(NotFound):
        line.start_label_export("corks")


@pytest.mark.parametrize("action", ["drop_after", "answer"])
def test_an_unclear_answer_is_told_and_never_sent_again(
    twin: AzureTwin, line: Workspace, action: Action
) -> None:
    at_work(twin)
    twin.faults.arm(Fault("POST", "exportLabels", action, times=9, status=503))
    with pytest.raises(Unclear, match="may have begun"):
        line.start_label_export("lids")
    assert len(twin.faults.log("POST", "exportLabels")) == 1
    if action == "drop_after":
        until(lambda: line.exports(EXPORTS))


def test_an_export_that_azure_has_no_time_for_has_not_begun(twin: AzureTwin, line: Workspace) -> None:
    at_work(twin)
    twin.faults.arm(Fault("POST", "exportLabels", "answer", status=429, headers={"Retry-After": "7"}))
    with pytest.raises(Throttled) as told:
        line.start_label_export("lids")
    assert told.value.retry_after == 7


def test_a_coco_export_is_a_file_and_no_asset(twin: AzureTwin, line: Workspace) -> None:
    at_work(twin)
    summary = twin.studio.export_labels("lids", "Coco")
    file = twin.workspace.storage.stores["workspaceblobstore"].path_of(summary["snapshotPath"])
    coco = json.loads(file.read_text())
    assert (len(coco["images"]), len(coco["annotations"]), summary["exportedRowCount"]) == (3, 6, 3)
    assert line.exports(EXPORTS) == []


@pytest.mark.parametrize(("status", "shown"), [(404, None), (403, None), (400, None)])
def test_a_workspace_that_does_not_show_its_projects(
    azure: Answers, workspace: Workspace, status: int, shown: None
) -> None:
    azure.says("GET", "./labelingJobs", {"error": {"code": "No", "message": "no"}}, status)
    assert workspace.labeling_projects() is shown


def test_an_expired_sign_in_is_no_workspace_without_projects(azure: Answers, workspace: Workspace) -> None:
    azure.says("GET", "./labelingJobs", {"error": {"code": "Expired", "message": "token"}}, 401)
    with pytest.raises(Denied):
        workspace.labeling_projects()


def test_shapes_that_the_twin_does_not_show(azure: Answers, workspace: Workspace) -> None:
    texts = {"labelingJobMediaProperties": {"mediaType": "Text", "annotationType": "Classification"}}
    classes = {"labelingJobMediaProperties": {"mediaType": "Image", "annotationType": "Classification"}}
    bare = {"name": "lids", "properties": {"progressMetrics": None}}
    listed = [{"name": "a", "properties": texts}, {"name": "b", "properties": classes}, bare]
    azure.says("GET", "./labelingJobs", {"value": listed})
    assert workspace.labeling_projects() == [LabelingProject("lids", "lids", 0, 0, 0)]

    summary = {"format": "Dataset", "labelingJobId": "lids", "exportedRowCount": 0}
    azure.says("POST", "./labelingJobs/lids/exportLabels", summary)
    assert workspace.start_label_export("lids") == LabelExport(done=True)


def test_other_versions_of_the_api_do_not_know_projects(twin: AzureTwin, line: Workspace) -> None:
    url = line.connection.arm("labelingJobs")
    with pytest.raises(Refused, match="could not be found in the namespace"):
        line.connection.get(url, api="2024-10-01-preview")


def test_a_project_is_made_over_the_pictures_of_a_folder(twin: AzureTwin, line: Workspace) -> None:
    folder = twin.workspace.storage.stores["workspaceblobstore"].folder / "capture"
    folder.mkdir()
    for name in ("1.jpg", "2.png", "notes.txt"):
        (folder / name).write_bytes(b"x")
    data = {"dataType": "uri_folder", "dataUri": "azureml://datastores/workspaceblobstore/paths/capture"}
    at = line.connection.arm
    line.connection.change(
        "PUT", at("data", "capture", "versions", "1"), {"properties": data}, api="2023-04-01-preview"
    )
    project = {
        "jobType": "Labeling",
        "labelCategories": {"all": {"displayName": "All", "classes": {"lid": {"displayName": "lid"}}}},
        "labelingJobMediaProperties": {"mediaType": "Image", "annotationType": "BoundingBox"},
        "dataConfiguration": {"dataId": f"{line.connection.workspace.path}/data/capture/versions/1"},
    }
    made = line.connection.change(
        "PUT", at("labelingJobs", "lids"), {"properties": project}, api="2024-01-01-preview"
    )
    assert made["properties"]["status"] == "NotStarted"
    twin.studio.label("lids", 1, boxes=(LID,))
    assert line.labeling_projects() == [LabelingProject("lids", "lids", labelled=1, skipped=0, total=2)]


def test_coco_files_that_are_no_assets_are_exports_too(
    twin: AzureTwin, line: Workspace, tmp_path: Path
) -> None:
    at_work(twin)
    summary = twin.studio.export_labels("lids", "Coco")
    store = twin.workspace.storage.stores["workspaceblobstore"]
    store.put("Labeling/export/coco/0a1b/7f.json", b'{"images": []}', {})
    store.put("Labeling/export/coco/notes.txt", b"", {})
    (tmp_path / "coco").mkdir()
    (tmp_path / "coco" / "lids.json").write_text("{}")
    twin.studio.add_export("lids_20261121_080000", "1", tmp_path / "coco", TAKEN, "coco")

    asset, *files = line.exports_and_files(EXPORTS)
    assert asset.name == "lids_20261121_080000"
    named, other = sorted(files, key=lambda export: export.name, reverse=True)
    assert (named.kind, f"{named.name}.json") == ("coco", summary["snapshotPath"].rpartition("/")[2])
    assert line.read_export(named).boxes == {"lid": 6}
    assert (re.fullmatch(r"coco_\d{8}_\d{6}", other.name) is not None, other.version) == (True, "7f")
    assert named.created_at and abs(datetime.now(UTC) - named.created_at) < timedelta(minutes=1)

    twin.faults.arm(Fault("GET", "comp=list", "answer", status=403))
    assert line.exports_and_files(EXPORTS) == [asset]
