"""Two versions beside each other, and a version's curves, from what the evaluate steps of their trainings found."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from sqlalchemy import Connection

from commands.exports.readiness import Counted
from commands.kit.blocks import Message
from commands.kit.errors import UserError
from commands.models import compare
from commands.models.curves import Curves, curves
from infra.azureml.evaluations import ClassFigures, Evaluation
from sandbox.people.plain import Reader
from storage import catalog, evaluations, migrate
from storage.catalog import ExportRow, ModelRow
from storage.database import Store
from storage.evaluations import EvaluationRow
from tests.commands.test_messages import accepted, models, names

share = st.floats(0, 1)
figure_arguments = {
    "average_precision": share,
    "precision": share,
    "recall": share,
    "boxes": st.integers(1, 10**6),
    "points": st.just(((0.5, 0.5, 0.5),)),
}
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
FEW, MANY = "caps_20261102_081530", "caps_20261116_143000"


def read(message: Message) -> str:
    accepted(message)
    return "\n".join(Reader({}).blocks(list(message.blocks)))


def model(tx: Connection, name: str, version: int, dataset: str = "", average: float | None = None) -> None:
    tags = {"Dataset": dataset, "Dataset Version": "1"} if dataset else {}
    row = ModelRow(name, version, AT, "", average, average, average, tags, None, "run", True, AT)
    catalog.add_model(tx, row)


def export(tx: Connection, name: str, **boxes: int) -> None:
    contents = {
        "images": sum(boxes.values()) // 3,
        "boxes": boxes,
        "images_without_boxes": 0,
        "blockers": [],
    }
    catalog.put_export(tx, ExportRow(name, "1", "mltable", AT, None, None, contents, None, AT, True))


def measured(
    name: str, version: int, average: float, held_out: bool = True, **classes: float
) -> dict[str, Any]:
    figures = {"mean_average_precision": average, "precision": average, "recall": average - 0.1}
    by_class = {
        label: {
            "average_precision": each,
            "precision": 0.5,
            "recall": 0.9,
            "boxes": 16,
            "points": [[0.9, 1.0, 0.3], [0.5, 0.8, 0.6], [0.1, 0.5, 0.9]],
        }
        for label, each in classes.items()
    }
    return {"name": name, "version": version, "held_out": held_out, "classes": by_class, **figures}


def evaluated(tx: Connection, dataset: str, digest: str, *models: dict[str, Any]) -> None:
    name, version = models[0]["name"], models[0]["version"]
    evaluations.want(tx, name, version, "run", AT)
    found = {
        "dataset": f"{dataset}:1",
        "set": {"digest": digest * 64, "pictures": 48, "boxes": 99},
        "models": list(models),
    }
    evaluations.put(tx, EvaluationRow(name, version, "run", AT), AT, found=found)


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Connection]:
    store = Store(f"sqlite:///{tmp_path / 'spotter.db'}")
    migrate.upgrade(store)
    with store.write() as tx:
        export(tx, FEW, cap_on=120, cap_missing=12, lid=30)
        export(tx, MANY, cap_on=180, cap_missing=40, cap_tilted=8)
        model(tx, "Caps", 3, FEW, 0.71)
        model(tx, "Caps", 4, MANY, 0.75)
        model(tx, "Lids", 1)
        yield tx
    store.close()


def test_versions_on_the_same_pictures_are_compared_class_by_class(tx: Connection) -> None:
    old = measured("Caps", 3, 0.68, False, cap_on=0.9, cap_missing=0.46)
    evaluated(tx, MANY, "a", measured("Caps", 4, 0.755, cap_on=0.88, cap_missing=0.63), old)
    assert read(compare.shown(compare.pair(tx, "Caps:4", "v3"))) == snapshot("""\
# Caps v4 against v3: mAP +0.075 better
Both on the same 48 held-out pictures of caps_20261116_143000:1. v3 may have learned from some of them.
Metric          | v4    | v3    | Change       \n\
mAP             | 0.755 | 0.680 | +0.075 better
Precision       | 0.755 | 0.680 | +0.075 better
Recall          | 0.655 | 0.580 | +0.075 better
cap_on, AP      | 0.880 | 0.900 | −0.020 worse \n\
cap_missing, AP | 0.630 | 0.460 | +0.170 better
A box counts as found where it covers the true one by half. AP is average precision.
Trained on
v4: caps_20261116_143000, 76 images, 228 boxes
v3: caps_20261102_081530, 54 images, 162 boxes
v4 against v3: +22 images; boxes: cap_missing +28, cap_on +60, cap_tilted new (8), lid gone
[Precision and recall of v4]\
""")


def test_what_was_measured_on_other_pictures_is_not_compared(tx: Connection) -> None:
    evaluated(tx, FEW, "a", measured("Caps", 3, 0.68, cap_on=0.9))
    evaluated(tx, MANY, "b", measured("Caps", 4, 0.755, cap_on=0.88))
    assert read(compare.shown(compare.pair(tx, "Caps:v4", "Caps:v3"))) == snapshot("""\
# Caps v4 against v3: not comparable
They were not measured on the same pictures, so no change is shown. A training measures its model beside the version before and those that devices run.
v4: 48 held-out pictures of caps_20261116_143000:1.
v3: 48 held-out pictures of caps_20261102_081530:1.
Metric     | v4    | v3    | Change
mAP        | 0.755 | 0.680 | –     \n\
Precision  | 0.755 | 0.680 | –     \n\
Recall     | 0.655 | 0.580 | –     \n\
cap_on, AP | 0.880 | 0.900 | –     \n\
A box counts as found where it covers the true one by half. AP is average precision.
Trained on
v4: caps_20261116_143000, 76 images, 228 boxes
v3: caps_20261102_081530, 54 images, 162 boxes
v4 against v3: +22 images; boxes: cap_missing +28, cap_on +60, cap_tilted new (8), lid gone
[Precision and recall of v4]\
""")
    told = read(compare.shown(compare.pair(tx, "Lids:1", "Caps:4")))
    assert told == snapshot("""\
# Lids v1 against Caps v4: not comparable
They were not measured on the same pictures, so no change is shown. A training measures its model beside the version before and those that devices run.
Lids v1: not measured; its tags carry no figures.
Caps v4: 48 held-out pictures of caps_20261116_143000:1.
Metric     | Lids v1 | Caps v4 | Change
mAP        | –       | 0.755   | –     \n\
Precision  | –       | 0.755   | –     \n\
Recall     | –       | 0.655   | –     \n\
cap_on, AP | –       | 0.880   | –     \n\
A box counts as found where it covers the true one by half. AP is average precision.
Trained on
The tags of Lids v1 do not say on which export.
[Precision and recall of Caps v4]\
""")
    for wrong in ("Caps:9", "Caps", "v4", "Caps:٤"):
        with pytest.raises(UserError, match="No registered version"):
            compare.pair(tx, wrong, "Caps:3")
    with pytest.raises(UserError, match="the same as itself"):
        compare.pair(tx, "Caps:3", "v3")


def test_versions_of_one_export_are_compared_by_their_tags(tx: Connection) -> None:
    model(tx, "Caps", 5, MANY, 0.8)
    evaluated(tx, MANY, "a", measured("Caps", 5, 0.7, True, cap_on=0.9))
    assert read(compare.shown(compare.pair(tx, "Caps:5", "v4"))) == snapshot("""\
# Caps v5 against v4: mAP +0.050 better
Both as their trainings measured them, on held-out pictures of caps_20261116_143000.
Metric    | v5    | v4    | Change       \n\
mAP       | 0.800 | 0.750 | +0.050 better
Precision | 0.800 | 0.750 | +0.050 better
Recall    | 0.800 | 0.750 | +0.050 better
Trained on
The same export, caps_20261116_143000.
[Precision and recall of v5]\
""")


def test_curves_tell_their_figures_to_those_who_do_not_see_them(tx: Connection) -> None:
    many = {f"class_{number}": 0.9 - number / 20 for number in range(12)}
    evaluated(tx, MANY, "a", measured("Caps", 4, 0.755, True, **many))
    row = catalog.get_model(tx, "Caps", 4)
    assert row
    found = curves(tx, row)
    assert found
    assert found.drawn().startswith(b"\x89PNG")
    assert read(found.message("d" * 64)) == snapshot("""\
# Caps v4, precision against recall: class_11 is found worst
(image: Caps v4, precision against recall: class_11 is found worst. class_11: average precision 0.350, ends at precision 0.500 and recall 0.900; class_10: average precision 0.400, ends at precision 0.500 and recall 0.900; class_9: average precision 0.450, ends at precision 0.500 and recall 0.900; class_8: average precision 0.500, ends at precision 0.500 and recall 0.900; class_7: average precision 0.550, ends at precision 0.500 and recall 0.900; class_6: average precision 0.600, ends at precision 0.500 and recall 0.900; class_5: average precision 0.650, ends at precision 0.500 and recall 0.900.)
On 48 held-out pictures of caps_20261116_143000:1. The 7 of 12 classes that are found worst. Each curve goes from the surest box to all that the model answers with, as a device gets them; that end is marked.\
""")


figures_of_a_class = st.fixed_dictionaries(
    {"average_precision": share, "precision": share, "recall": share, "boxes": st.integers(1, 10**6)}
)
figures_of_a_side = st.fixed_dictionaries(
    {
        "mean_average_precision": share,
        "precision": share,
        "recall": share,
        "classes": st.dictionaries(names, figures_of_a_class, max_size=60),
        "held_out": st.booleans(),
        "dataset": names,
        "pictures": st.integers(1, 10**6),
        "evaluated_on": st.just("a" * 64),
    }
)
contents = st.builds(
    Counted,
    st.integers(0, 10**6),
    st.dictionaries(names, st.integers(0, 10**6), max_size=60),
    st.just(0),
    st.just(()),
)
sides = st.builds(
    compare.Side,
    models(),
    st.none() | figures_of_a_side,
    st.just("") | names,
    st.none() | contents,
    st.booleans(),
)


@given(sides, sides, st.booleans())
def test_any_two_versions_are_compared_within_what_slack_takes(
    left: compare.Side, right: compare.Side, comparable: bool
) -> None:
    accepted(compare.shown(compare.Pair(left, right, comparable)))


@given(models(), st.dictionaries(names, st.builds(ClassFigures, **figure_arguments), min_size=1, max_size=9))
def test_the_curves_of_any_classes_are_shown(model: ModelRow, classes: dict[str, ClassFigures]) -> None:
    shown = Curves(model, Evaluation(dataset="caps:1"), sorted(classes.items()), len(classes))
    accepted(shown.message("d" * 64))
