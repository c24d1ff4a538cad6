"""What a training will take and cost, from those like it: honest where they are few, and found by an index."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot
from sqlalchemy import Connection

from commands.kit.policy import Policy
from commands.train.estimate import Estimate, Size, beside_actual, due, expect, words
from storage import migrate, runs
from storage.database import Store
from storage.runs import TrainingRun

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
NUMBERS = count()
SIZE = Size("standard_nc4as_t4_v3", 4, 240)
RUN = TrainingRun(
    id="run",
    request_id="run",
    state="registered",
    model_name="Caps",
    dataset="caps",
    dataset_version="1",
    cluster="gpu",
    experiment="spotter",
    requested_by="U0TRAINER1",
    requested_by_name="trainer",
    channel="C0LINEVIS1",
    requested_at=AT,
    vm_size=SIZE.vm_size,
    max_trials=SIZE.max_trials,
    images=SIZE.images,
)


POLICY = Policy.model_validate({"prices": {"currency": "EUR", "Standard_NC4as_T4_v3": 0.53}})


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Connection]:
    store = Store(f"sqlite:///{tmp_path / 'spotter.db'}")
    migrate.upgrade(store)
    with store.write() as tx:
        yield tx
    store.close()


def took(tx: Connection, *minutes: int, **changed: Any) -> None:
    for each in minutes:
        name = f"run-{next(NUMBERS)}"
        about = {"ended_at": AT + timedelta(minutes=each), "node_seconds": each * 90}
        runs.add(tx, replace(RUN, id=name, request_id=name, **{**about, **changed}))


def test_what_is_said_grows_with_what_is_known(tx: Connection) -> None:
    said = [words(expect(tx, SIZE, POLICY))]
    for more in ((42,), (48, 35), (44, 38, 41, 70, 43, 40, 39)):
        took(tx, *more)
        said.append(words(expect(tx, SIZE, POLICY)))
    assert said == snapshot(
        [
            "No earlier run to compare with, so how long it takes is not known yet.",
            "The only run like it took 42 min; about €0.56.",
            "The 3 runs like it took 35 min to 48 min; about €0.56.",
            "Usually 42 min, 9 of 10 within 50 min; about €0.55. From 10 runs like it.",
        ]
    )


def test_only_runs_like_it_count(tx: Connection) -> None:
    for other in (
        {"vm_size": "standard_nd96"},
        {"max_trials": 5},
        {"state": "failed"},
        {"images": 481},
        {"images": 119},
    ):
        took(tx, 42, **other)
    took(tx, 42, images=None)
    assert expect(tx, SIZE, POLICY) is None
    took(tx, 50, images=480, node_seconds=None)
    found = expect(tx, SIZE, POLICY)
    assert found
    assert (found.runs, found.usual, found.cost) == (1, 3000, None)
    assert expect(tx, replace(SIZE, images=None), POLICY) is None
    query = "SELECT * FROM training_runs WHERE vm_size = ? AND max_trials = ? AND state = ? ORDER BY ended_at DESC LIMIT 60"
    plan = tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", ("a", 4, "registered")).all()
    assert "ix_training_runs_like" in str(plan) and "TEMP B-TREE" not in str(plan)


def test_what_came_of_it_is_told_beside_what_was_expected() -> None:
    known = Estimate(7, 2400, 2520, 4200, 4300, 1.9, "EUR")
    minutes = timedelta(minutes=40)
    assert [
        beside_actual(known, minutes, 1.75, "EUR"),
        beside_actual(known, minutes, 1.75, "USD"),
        beside_actual(None, minutes, 160.2, "CHF"),
        beside_actual(None, minutes, None, "EUR"),
    ] == snapshot(
        [
            "40 min (42 min expected), about €1.75 (€1.90 expected)",
            "40 min (42 min expected), about $1.75",
            "40 min, about 160 CHF",
            "40 min",
        ]
    )
    assert [due(known, AT, AT + timedelta(minutes=late)) for late in (1, 50, 80)] == snapshot(
        [
            "Usually done <!date^1795351320^{date_short_pretty} at {time}|2026-11-22 12:42 UTC>.",
            "It takes longer than usual.",
            "It takes longer than 9 of 10 runs like it.",
        ]
    )
    assert due(replace(known, runs=2), AT, AT) == due(None, AT, AT) == ""
