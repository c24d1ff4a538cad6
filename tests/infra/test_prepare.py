"""COCO exports become MLTables: by the published step as a job of the workspace, and by its rules one by one."""

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.azureml.connection import WorkspaceId
from infra.azureml.contents import count_jsonl
from infra.azureml.errors import NameTaken
from infra.azureml.preparations import Preparation
from infra.azureml.workspace import Workspace
from infra.failures.explain import explain_fault
from infra.training.component import prepare_component_name
from infra.training.prepare.prepare import main
from infra.training.publish import publish
from sandbox.azure.twin import AzureTwin
from tests.infra.conftest import CLUSTER, DEFINITION
from tests.infra.test_exports import EXPORTS
from tests.infra.test_training import ended

COCO_EXPORT = "lids_20261121_080000"
TARGET = "lids_prepared_20261121_080000"
IN_SHARES: dict[str, Any] = {
    "images": [
        {"id": 1, "width": 800.0, "height": 400.0, "file_name": "line/1.jpg", "coco_url": "AmlDatastore://cam/line/1.jpg"},
        {"id": 2, "width": 800.0, "height": 400.0, "file_name": "line/2.png", "coco_url": "AmlDatastore://cam/line/2.png"},
    ],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "area": 0.0, "bbox": [0.25, 0.5, 0.5, 0.5]},
        {"id": 2, "image_id": 1, "category_id": 2, "area": 0.0, "bbox": [0.3, 0.3, 0.7000001, 0.1], "iscrowd": 1},
    ],
    "categories": [{"id": 1, "name": "lid"}, {"id": 2, "name": "cork/wet"}],
}  # fmt: skip
ENVIRONMENT = {
    "AZUREML_ARM_SUBSCRIPTION": "s",
    "AZUREML_ARM_RESOURCEGROUP": "g",
    "AZUREML_ARM_WORKSPACE_NAME": "w",
}
CAM = "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/cam/paths/line"
ADDRESS = "azureml://datastores/store/paths/export"


def in_pixels() -> dict[str, Any]:
    document = copy.deepcopy(IN_SHARES)
    for annotation in document["annotations"]:
        left, top, width, height = annotation["bbox"]
        annotation["bbox"] = [left * 800, top * 400, width * 800, height * 400]
    return document


def prepared(tmp_path: Path, document: Any, pictures: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The rows that the step writes for this document."""
    folder = tmp_path / "export"
    folder.mkdir()
    for picture in pictures:
        (folder / picture).write_bytes(b"x")
    (folder / "labels.json").write_text(document if isinstance(document, str) else json.dumps(document))
    given = ["--export", str(folder), "--address", ADDRESS, "--prepared", str(tmp_path / "out")]
    if main(given, ENVIRONMENT) != 0:
        return []
    return [
        json.loads(line) for line in (tmp_path / "out" / "train_annotations.jsonl").read_text().splitlines()
    ]


@pytest.mark.parametrize("document", [IN_SHARES, in_pixels()], ids=["shares", "pixels"])
def test_boxes_in_shares_and_in_pixels_become_the_same_rows(tmp_path: Path, document: Any) -> None:
    first, second = prepared(tmp_path, document)
    assert (first["image_url"], second["image_url"]) == (f"{CAM}/1.jpg", f"{CAM}/2.png")
    assert first["image_details"] == {"format": "jpg", "width": 800, "height": 400}
    lid, cork = first["label"]
    assert lid == {"label": "lid", "topX": 0.25, "topY": 0.5, "bottomX": 0.75, "bottomY": 1.0, "isCrowd": 0}
    assert (cork["label"], cork["bottomX"], cork["isCrowd"]) == ("cork/wet", 1.0, 1)
    assert second["label"] == []
    counted = count_jsonl(map(json.dumps, (first, second)))
    assert (counted.images, counted.boxes, counted.problems) == (2, {"lid": 1, "cork/wet": 1}, ())


def test_pictures_that_lie_beside_the_file_are_found_there(tmp_path: Path) -> None:
    document = in_pixels()
    for image in document["images"]:
        image |= {"file_name": f"{image['id']}.jpg", "coco_url": "http://elsewhere.example/1.jpg"}
    rows = prepared(tmp_path, document, ("1.jpg", "2.jpg"))
    assert [row["image_url"] for row in rows] == [f"{ADDRESS}/1.jpg", f"{ADDRESS}/2.jpg"]


def changed(place: str, at: int, **entries: Any) -> dict[str, Any]:
    document = copy.deepcopy(IN_SHARES)
    document[place][at] |= entries
    return document


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("{", "labels.json is not JSON"),
        ([], "the list “images” is missing"),
        ({**IN_SHARES, "categories": None}, "the list “categories” is missing"),
        ({**IN_SHARES, "annotations": []}, "2 images and no annotation"),
        (changed("annotations", 0, image_id=9), "Box 1 belongs to image 9, which is not listed."),
        (changed("annotations", 0, category_id=9), "Box 1 has category 9, which is not listed."),
        (changed("annotations", 0, bbox=[0.1, 0.1, 0.0, 0.2]), "Box 1 on line/1.jpg is empty or reaches beyond"),
        (changed("annotations", 0, bbox=[0.8, 0.1, 0.3, 0.2]), "Box 1 on line/1.jpg is empty or reaches beyond"),
        (changed("annotations", 0, bbox=[0.8, "0.1", 0.3, 0.2]), "Box 1 on line/1.jpg has no bbox of four numbers."),
        (changed("annotations", 0, bbox=[80, 10, 30, 20]), "Box 1 seems to be in pixels, though most boxes are"),
        (changed("images", 1, id=1), "Two entries of image have the id 1."),
        (changed("images", 1, coco_url="https://x.example/2.png"), "line/2.png is in no datastore"),
        (changed("categories", 0, name=""), "Category 1 has no name."),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_what_is_wrong_in_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, document: Any, reason: str
) -> None:
    assert prepared(tmp_path, document) == []
    assert "ERROR: This export cannot be prepared. " in caplog.text
    assert reason in caplog.text
    assert not (tmp_path / "out").exists()


def test_pixels_need_the_size_of_the_picture(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    document = in_pixels()
    del document["images"][0]["width"]
    assert prepared(tmp_path, document) == []
    assert "line/1.jpg has no width and height, which its boxes in pixels need." in caplog.text


def test_the_published_step_makes_a_data_asset_once(
    twin: AzureTwin, twin_id: WorkspaceId, line: Workspace, tmp_path: Path
) -> None:
    publish(twin_id, DEFINITION, "1")
    component = line.published(prepare_component_name(DEFINITION))
    assert component
    (tmp_path / "coco").mkdir()
    (tmp_path / "coco" / "labels.json").write_text(json.dumps(IN_SHARES))
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "labels.json").write_text(json.dumps(changed("annotations", 0, image_id=9)))
    made = datetime(2026, 11, 21, 8, tzinfo=UTC)
    twin.studio.add_export(COCO_EXPORT, "1", tmp_path / "coco", made, "coco")
    twin.studio.add_export("bad_20261121_080001", "1", tmp_path / "bad", made, "coco")
    exports = {export.name: export for export in line.exports(EXPORTS)}

    wanted = Preparation(
        "prepare-lids", COCO_EXPORT, "1", exports[COCO_EXPORT].uri, TARGET, CLUSTER, component
    )
    line.prepare(wanted)
    assert line.prepare(wanted).name == "prepare-lids"
    bad_uri = exports["bad_20261121_080001"].uri
    with pytest.raises(NameTaken):
        line.prepare(replace(wanted, export_name="bad_20261121_080001", export_uri=bad_uri))
    assert ended(line, "prepare-lids") == "Completed", explain_fault(line.fault("prepare-lids"))
    [asset] = [export for export in line.exports(EXPORTS) if export.name == TARGET]
    contents = line.read_export(asset)
    assert (asset.kind, contents.images, contents.boxes) == ("mltable", 2, {"lid": 1, "cork/wet": 1})
    assert list(line.training_jobs()) == []

    bad = replace(
        wanted,
        name="prepare-bad",
        export_name="bad_20261121_080001",
        export_uri=bad_uri,
        target="bad_prepared_20261121_080001",
    )
    line.prepare(bad)
    assert ended(line, "prepare-bad") == "Failed"
    assert any("Box 1 belongs to image 9" in text for text in line.fault("prepare-bad").last_lines)
    assert len([export for export in line.exports(EXPORTS) if "prepared" in export.name]) == 1
