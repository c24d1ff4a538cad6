"""The rendered line's labeling exports have the shapes Azure writes, and lead to pictures that exist."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
import yaml
from PIL import Image

from sandbox.line.exports import ExportOnDisk, write_all
from sandbox.line.formats import Workspace
from sandbox.line.picture import camera

ADDRESS = re.compile(
    r"azureml://subscriptions/sub-1/resourcegroups/rg-1/workspaces/ws-1/datastores/edgevisionstorage/paths/(line3/.+\.jpg)"
)


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ExportOnDisk]:
    """All exports by their project, the two of `caps` apart by their size."""
    written = write_all(tmp_path_factory.mktemp("line"), Workspace("sub-1", "rg-1", "ws-1"))
    assert [export.created_at for export in written] == sorted(export.created_at for export in written)
    for export in written:
        assert export.name.endswith(f"{export.created_at:_%Y%m%d_%H%M%S}")
    names = ("small", "unlabelled", "rare", "coco", "bad", "large")
    return dict(zip(names, written, strict=True))


def rows(export: ExportOnDisk) -> list[dict[str, Any]]:
    lines = (export.folder / "train_annotations.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def boxes_per_class(export: ExportOnDisk) -> dict[str, int]:
    count: dict[str, int] = {}
    for row in rows(export):
        for box in row["label"]:
            count[box["label"]] = count.get(box["label"], 0) + 1
    return count


def test_mltable_reads_json_lines_and_makes_the_address_a_stream(exports: dict[str, ExportOnDisk]) -> None:
    table = yaml.safe_load((exports["large"].folder / "MLTable").read_text(encoding="utf-8"))
    assert table == {
        "paths": [{"file": "./train_annotations.jsonl"}],
        "transformations": [
            {
                "read_json_lines": {
                    "encoding": "utf8",
                    "invalid_lines": "error",
                    "include_path_column": False,
                }
            },
            {"convert_column_types": [{"columns": "image_url", "column_type": "stream_info"}]},
        ],
    }


@pytest.mark.parametrize("name", ["small", "rare", "large", "bad", "unlabelled"])
def test_every_row_has_a_picture_and_boxes_in_fractions(exports: dict[str, ExportOnDisk], name: str) -> None:
    export = exports[name]
    assert export.kind == "mltable"
    for row in rows(export):
        assert row.keys() == {"image_url", "image_details", "label"}
        assert row["image_details"] == {"format": "jpg", "width": 320, "height": 240}
        found = ADDRESS.fullmatch(row["image_url"])
        assert found and (export.datastores / "edgevisionstorage" / found[1]).is_file()
        for box in row["label"]:
            assert box.keys() == {"label", "topX", "topY", "bottomX", "bottomY", "isCrowd"}
            assert 0 <= box["topX"] < box["bottomX"] <= 1
            assert 0 <= box["topY"] < box["bottomY"] <= 1


def test_exports_differ_as_a_team_would_meet_them(exports: dict[str, ExportOnDisk]) -> None:
    small, large = rows(exports["small"]), rows(exports["large"])
    assert (len(small), len(large)) == (60, 240)
    assert small == large[:60]
    assert boxes_per_class(exports["large"]).keys() == {"cap_on", "cap_missing"}
    assert min(boxes_per_class(exports["large"]).values()) > 200
    assert boxes_per_class(exports["rare"])["cap_crooked"] == 3
    assert boxes_per_class(exports["unlabelled"]) == {}
    bad = rows(exports["bad"])
    assert all(
        wrong["label"] != right["label"] for wrong, right in zip(bad, large, strict=False) if right["label"]
    )


def test_coco_is_the_one_data_labeling_writes(exports: dict[str, ExportOnDisk]) -> None:
    export = exports["coco"]
    assert export.kind == "coco"
    [file] = export.folder.iterdir()
    coco = json.loads(file.read_text(encoding="utf-8"))
    assert coco.keys() == {"images", "annotations", "categories"}
    assert [image["id"] for image in coco["images"]] == list(range(1, len(coco["images"]) + 1))
    for image in coco["images"]:
        assert image.keys() == {
            "id", "width", "height", "file_name", "coco_url", "absolute_url", "date_captured",
        }  # fmt: skip
        assert image["coco_url"] == f"AmlDatastore://edgevisionstorage/{image['file_name']}"
        assert (export.datastores / "edgevisionstorage" / image["file_name"]).is_file()
        assert re.fullmatch(r"2026-11-\d\dT[\d:]{8}\.\d{7}Z", image["date_captured"])
    known = {category["id"] for category in coco["categories"]}
    assert known == {1, 2}
    for annotation in coco["annotations"]:
        assert annotation.keys() == {"id", "category_id", "image_id", "area", "bbox"}
        left, top, width, height = annotation["bbox"]
        assert 0 <= left < left + width <= 1.000001 and 0 <= top < top + height <= 1.000001
        assert annotation["area"] == 0.0 and annotation["category_id"] in known


def test_a_frame_is_the_same_for_the_same_seed_only() -> None:
    picture, boxes = camera(7)
    assert (picture, boxes) == camera(7)
    assert camera(8)[0] != picture
    assert boxes
    with Image.open(io.BytesIO(picture)) as image:
        assert (image.format, image.size) == ("JPEG", (320, 240))


def test_exports_are_the_same_on_every_machine_start(exports: dict[str, ExportOnDisk]) -> None:
    shown = sorted((exports["small"].datastores / "edgevisionstorage").rglob("*.jpg"))
    for frame in (0, 100, 239):
        assert shown[frame].read_bytes() == camera(frame)[0]
