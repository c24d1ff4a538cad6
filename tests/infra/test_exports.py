"""Labeling exports: found by name, counted as the trainer counts."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.azureml.contents import count_coco, count_jsonl
from infra.azureml.errors import Unreadable
from infra.azureml.exports import Export
from infra.azureml.workspace import Workspace
from sandbox.azure.twin import AzureTwin
from sandbox.faults import Fault
from tests.infra.answers import WORKSPACE, Answers
from tests.infra.conftest import EXPORT

EXPORTS = re.compile(r".+_\d{8}_\d{6}")


def add(
    twin: AzureTwin, folder: Path, name: str, files: dict[str, str], kind: str = "mltable", day: int = 21
) -> None:
    folder.mkdir()
    for path, content in files.items():
        (folder / path).write_text(content)
    twin.studio.add_export(name, "1", folder, datetime(2026, 11, day, tzinfo=UTC), kind)


def test_exports_are_found_newest_first_and_read_once(
    twin: AzureTwin, line: Workspace, tmp_path: Path
) -> None:
    add(twin, tmp_path / "coco", "caps_20261121_080000", {"caps.json": "{}"}, kind="coco")
    add(twin, tmp_path / "other", "notes", {"a.json": "{}"}, kind="coco")
    found = line.exports(EXPORTS)
    assert [(export.name, export.version, export.kind) for export in found] == [
        ("caps_20261121_080000", "1", "coco"),
        (EXPORT, "1", "mltable"),
    ]
    assert found[1].created_at == datetime(2026, 11, 20, 9, 30, 11, tzinfo=UTC)
    assert found[1].created_by
    before = len(twin.faults.log("GET", "/data"))
    assert line.exports(EXPORTS) == found
    assert len(twin.faults.log("GET", "/data")) - before == 1


def test_an_mltable_is_counted_from_its_files(line: Workspace) -> None:
    contents = line.read_export(line.exports(EXPORTS)[0])
    assert (contents.images, contents.boxes, contents.problems, contents.blockers) == (
        12,
        {"cap_on": 12},
        (),
        (),
    )


def test_a_coco_folder_is_counted_with_its_empty_classes(
    twin: AzureTwin, line: Workspace, tmp_path: Path
) -> None:
    coco = {
        "images": [{"id": 1, "width": 800.0, "height": 600.0, "file_name": "line/1.jpg"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "area": 0.0, "bbox": [0.5, 0.5, 0.5, 0.5]}
        ],
        "categories": [{"id": 1, "name": "cap_on"}, {"id": 2, "name": "cap_missing"}],
    }
    add(twin, tmp_path / "coco", "caps_20261121_080000", {"caps.json": json.dumps(coco)}, kind="coco")
    assert line.read_export(line.exports(EXPORTS)[0]).boxes == {"cap_on": 1, "cap_missing": 0}


def test_pictures_have_one_name_in_both_forms() -> None:
    coco = {"images": [{"id": 1, "file_name": "line/1.jpg", "coco_url": "AmlDatastore://cam/line/1.jpg"}]}
    long = "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/cam/paths/line/1.jpg"
    urls = ["azureml://datastores/cam/paths/line/1.jpg", long]
    rows = [json.dumps({"image_url": url, "label": []}) for url in urls]
    assert count_coco(coco).pictures == count_jsonl(rows).pictures == {"cam/line/1.jpg"}


def test_what_cannot_be_read_says_why(twin: AzureTwin, line: Workspace, tmp_path: Path) -> None:
    export = line.exports(EXPORTS)[0]
    twin.faults.arm(Fault("GET", "MLTable", "answer", status=403, times=9))
    with pytest.raises(Unreadable, match="Storage Blob Data Reader"):
        line.read_export(export)
    twin.faults.clear()
    for uri in (
        "azureml://datastores/none/paths/x",
        "azureml://datastores/workspaceblobstore/paths/none",
        "https://evil.example/x/y",
        "wasbs://x@y/z",
        "",
    ):
        with pytest.raises(Unreadable, match=r".+\."):
            line.read_export(Export("x", "1", None, "", "mltable", uri))
    add(twin, tmp_path / "two", "caps_20261121_080000", {"a.json": "{}", "b.json": "{}"}, kind="coco")
    with pytest.raises(Unreadable, match="holds 2 COCO files"):
        line.read_export(line.exports(EXPORTS)[0])


def box(**changes: Any) -> dict[str, Any]:
    return {"label": "cap", "topX": 0.1, "topY": 0.1, "bottomX": 0.2, "bottomY": 0.2, **changes}


def row(*boxes: Any, url: str = "azureml://x/1.jpg") -> str:
    return json.dumps({"image_url": url, "label": list(boxes)})


def test_images_are_counted_as_the_trainer_takes_them() -> None:
    counted = count_jsonl(
        [
            row(box(), box(label="missing")),
            row(),
            row(box(bottomX=0.1)),
            row(box(), box(bottomX=340), url="azureml://x/4.jpg"),
            "",
        ]
    )
    assert (counted.images, counted.images_without_boxes, counted.images_left_out) == (4, 1, 1)
    assert (counted.boxes, counted.ill_formed_boxes) == ({"cap": 2, "missing": 1}, 2)
    assert (
        counted.problems[1]
        == "4.jpg: a box of cap reaches beyond the picture (edges must lie within 0 and 1)"
    )
    assert counted.blockers == ()


@pytest.mark.parametrize(
    ("line_", "blocker"),
    [
        ("{", "Line 1 is not JSON."),
        ("[]", "Line 1 has no image_url."),
        (json.dumps({"image_url": "x", "label": box()}), "Line 1: the label is not a list of objects."),
        (json.dumps({"image_url": "x", "label": ["cap"]}), "Line 1: the label is not a list of objects."),
        (
            row(box(), box(label=3)),
            "Some class names are text and some are numbers; the trainer wants one kind.",
        ),
    ],
)
def test_what_stops_the_trainer_is_a_blocker(line_: str, blocker: str) -> None:
    assert count_jsonl([line_]).blockers == (blocker,)


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": ""},
        {"label": None},
        {"topX": "0.1"},
        {"topX": None},
        {"topX": -0.1},
        {"topY": 0.3},
        {"topX": True},
    ],
)
def test_ill_formed_boxes(wrong: dict[str, Any]) -> None:
    assert count_jsonl([row(box(**wrong))]).ill_formed_boxes == 1


@pytest.mark.parametrize(
    ("bbox", "good"),
    [
        ([0.1, 0.1, 0.2, 0.2], True),
        ([0.5, 0.5, 0.5000001, 0.5], True),
        ([80, 60, 80, 60], True),
        ([80, 60, 0, 60], False),
        ([700, 60, 300, 60], False),
        ([0.1, 0.1, 0.2], False),
        (["a", 1, 2, 3], False),
    ],
)
def test_coco_boxes_in_pixels_or_shares(bbox: list[Any], good: bool) -> None:
    counted = count_coco(
        {
            "images": [{"id": 7, "width": 800, "height": 600.0}],
            "annotations": [{"image_id": 7, "category_id": 1, "bbox": bbox}],
            "categories": [{"id": 1, "name": "cap"}],
        }
    )
    assert counted.boxes == {"cap": int(good)}
    assert counted.ill_formed_boxes == int(not good)


@pytest.mark.parametrize(
    ("places", "key"),
    [("images", "id"), ("annotations", "image_id"), ("annotations", "category_id"), ("categories", "id")],
)
@pytest.mark.parametrize("strange", [[], {}, None, [[1]], float("nan")], ids=str)
def test_coco_ids_that_name_nothing(places: str, key: str, strange: Any) -> None:
    document: dict[str, list[dict[str, Any]]] = {
        "images": [{"id": 7}, {"id": 8}],
        "annotations": [
            {"image_id": number, "category_id": 1, "bbox": [0.1, 0.1, 0.2, 0.2]} for number in (7, 8)
        ],
        "categories": [{"id": 1, "name": "cap"}, {"id": 2, "name": "lid"}],
    }
    document[places][0][key] = strange
    counted = count_coco(document)
    assert counted.images == 2
    assert sum(counted.boxes.values()) == (1 if key in ("id", "image_id") and places != "categories" else 2)


def test_an_mltable_without_streams_blocks(azure: Answers, workspace: Workspace) -> None:
    assert count_jsonl([row(box())], "no streams").blockers == ("no streams",)


def test_assets_of_strange_shape_are_left_out(azure: Answers, workspace: Workspace) -> None:
    strange: list[Any] = [None, {}, {"name": 3}, {"name": "a_20260101_000000"}]
    gone = {"name": "b_20260101_000000", "properties": {"latestVersion": "4"}}
    bare = {"name": "c_20260101_000000", "properties": {"latestVersion": "1"}}
    azure.says("GET", "./data", {"value": [*strange, gone, bare], "nextLink": None})
    azure.says("GET", "./data/c_20260101_000000/versions/1", {})
    (found,) = workspace.exports(EXPORTS)
    assert (found.name, found.version, found.kind, found.created_at) == (
        "c_20260101_000000",
        "1",
        "other",
        None,
    )


def test_no_token_goes_to_a_foreign_host(azure: Answers, workspace: Workspace) -> None:
    host = f"https://localhost:{azure.port}/container/MLTable"
    with pytest.raises(Unreadable):
        workspace.read_export(Export("x", "1", None, "", "mltable", host))
    assert azure.asked("GET", "container") == []
    assert WORKSPACE.name
