"""A store of many years, made by the database itself: runs, versions, messages, decisions and the audit trail.

Rows follow from their number, so SQLite and PostgreSQL get the same. 300 trainings a day, the last ones a moment ago.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from commands.deploy import evidence
from commands.kit.policy import Target
from commands.models.messages import announcement
from commands.train.estimate import Estimate
from commands.train.messages import Spent, live
from storage.catalog import ModelRow
from storage.runs import TrainingRun
from storage.tables import metadata

APART = 288  # seconds between two trainings: 300 a day
MODELS, OPEN, TARGETS, DEVICES, PEOPLE = 1000, 40, 50, 5000, 500
CHANNEL = "C0LINEVIS1"
AUDITED = 10  # rows of the trail for each training, with what belongs to it
SOME = 20_000


@dataclass(frozen=True)
class Size:
    """How many trainings; `audit` rows are ten times as many."""

    runs: int

    @property
    def audit(self) -> int:
        return self.runs * AUDITED


def fill(tx: Connection, size: Size, now: datetime, tell: Callable[[str], None]) -> None:
    """Everything that Spotter would have written in all the time that these trainings took."""
    for table, statement, count in _statements(tx, size):
        tell(f"{count:,} rows of {table}")
        first = int((now - timedelta(seconds=APART * size.runs)).timestamp())
        tx.execute(text(statement), {"count": count, "first": first, **_texts(now)})


def analyze(tx: Connection) -> None:
    """What PostgreSQL's autovacuum does by itself; nobody does it for SQLite."""
    if tx.dialect.name == "postgresql":
        tx.execute(text("ANALYZE"))


def _statements(tx: Connection, size: Size) -> Iterator[tuple[str, str, int]]:
    write = _Dialect(tx.dialect.name)
    runs = size.runs
    ended = f"i <= {runs - OPEN}"
    state = (
        f"CASE WHEN NOT {ended} THEN 'running' WHEN (i / 1000 + i) % 10 < 8 THEN 'registered'"
        " WHEN (i / 1000 + i) % 10 = 8 THEN 'failed' ELSE 'canceled' END"
    )
    name, run_id = "'Model_' || (i % 1000)", "'model-' || (i % 1000) || '-20261122-' || i"
    person = f"'U0' || (i % {PEOPLE})"
    asked, at_end = write.at("i"), write.at("i", 4000)
    good = f"(i / 1000 + i) % 10 < 8 AND {ended}"
    yield "training_runs", write.insert(
        "training_runs",
        id=run_id, request_id="'command:' || i", state=state, model_name=name,
        dataset="'caps_' || (i % 300) || '_20261120_093011'", dataset_version="'1'", cluster="'gpu-cluster'",
        experiment="'spotter'", requested_by=person, requested_by_name="'trainer ' || (i % 500)",
        channel=f"'{CHANNEL}'", requested_at=asked, submitted_at=write.at("i", 2), started_at=write.at("i", 500),
        ended_at=f"CASE WHEN {ended} THEN {at_end} END", status="'Completed'", studio_url=":studio",
        progress=write.json(":progress"), failure=f"CASE WHEN {state} = 'failed' THEN {write.json(':failure')} END",
        tries="0", registered_version=f"CASE WHEN {good} THEN i / 1000 + 1 END",
        vm_size="'standard_nc4as_t4_v3'", max_trials="9", images="1500", node_seconds="9000",
        estimate=write.json(":estimate"),
    ), runs  # fmt: skip
    yield "model_versions", write.insert(
        "model_versions", where=good,
        name=name, version="i / 1000 + 1", created_at=at_end, created_by="'trainer'",
        mean_average_precision="0.8 + (i % 97) / 1000.0", precision="0.9", recall="0.85", tags=write.json(":tags"),
        uri="'azureml://jobs/' || i || '/outputs/model'", run_id=run_id, announced="true", seen_at=at_end,
    ), runs  # fmt: skip
    shown = {
        "channel": f"'{CHANNEL}'", "wanted_revision": "9", "wanted_at": at_end, "shown_revision": "9",
        "shown_at": at_end, "ts": "'1700000000.' || i", "state": "'open'", "form": "'full'", "tries": "0",
    }  # fmt: skip
    yield (
        "messages",
        write.insert("messages", key=f"'run:' || {run_id}", wanted=write.json(":live"), urgency="1", **shown),
        runs,
    )
    yield "messages", write.insert(
        "messages", where=good,
        key=f"'model:' || {name} || ':' || (i / 1000 + 1)", wanted=write.json(":announced"), urgency="1", **shown,
    ), runs  # fmt: skip
    yield "evaluations", write.insert(
        "evaluations", where=good,
        name=name, version="i / 1000 + 1", run_id=run_id, wanted_at=at_end, read_at=at_end, missing="'none'",
    ), runs  # fmt: skip
    rollout = "i % 20 = 0"
    deployed = "'line-' || (i % 50) || '-' || i"
    yield "deployments", write.insert(
        "deployments", where=rollout,
        id=deployed, request_id="'form:' || i",
        state="CASE WHEN i % 60 = 0 THEN 'rolled_back' WHEN i % 80 = 0 THEN 'rejected' ELSE 'shipped' END",
        target=f"'line-' || (i / 20 % {TARGETS})", model_name=name, model_version="i / 1000 + 1",
        reason="'fewer missed caps'", requested_by=person, requested_by_name="'trainer'", channel=f"'{CHANNEL}'",
        requested_at=asked, expires_at=write.at("i", 86400), approvals_needed="2", decided_at=at_end,
        ended_at=at_end, tries="0", evidence=write.json(":evidence"), fingerprint="'f'", rings=write.json(":rings"),
        rollback_by="'spotter'",
    ), runs - OPEN  # fmt: skip
    yield "decisions", write.insert(
        "decisions", where=rollout,
        deployment_id=deployed, person="'U0APPROVE1'",
        verdict="CASE WHEN i % 200 = 0 THEN 'override' ELSE 'approve' END", person_name="'approver'",
        reason="''", fingerprint="'f'", at=at_end,
    ), runs - OPEN  # fmt: skip
    yield "devices", write.insert(
        "devices",
        id="'camera-' || i", target=f"'line-' || (i % {TARGETS})", ring="'all'", model="'Model_' || (i % 50)",
        version="CASE WHEN i % 10 = 0 THEN '2' ELSE '3' END", works="true", is_connected="i % 40 > 0", reason="''",
        last_seen=write.at("1"),
    ), DEVICES  # fmt: skip
    yield "publish_runs", write.insert(
        "publish_runs",
        id="'publish-' || i", request_id="'publish-' || i", state="'published'", elsewhere="false",
        pipeline="'spotter-publish'", branch="'main'", requested_by_name="'trainer'", channel=f"'{CHANNEL}'",
        requested_at=write.at(f"i * {max(1, runs // SOME)}"), ended_at=write.at(f"i * {max(1, runs // SOME)}", 900),
        tries="0", run_id="i",
    ), min(runs, SOME)  # fmt: skip
    yield "exports", write.insert(
        "exports",
        name="'caps_' || i || '_20261120_093011'", version="'1'", kind="'mltable'", created_at=write.at("i"),
        created_by="'trainer'", contents=write.json(":contents"), seen_at=write.at("i"), present="true",
    ), 300  # fmt: skip
    yield (
        "deliveries",
        write.insert("deliveries", key="'mention:' || i", at=write.at(f"{runs} - i % 2000")),
        min(runs, SOME),
    )
    yield "audit", write.insert(
        "audit",
        seq="i", at=write.at(f"i / {AUDITED}"), actor=f"'U0' || (i % {PEOPLE})", action="'train.request'",
        subject="'model-' || (i / 10 % 1000) || '-20261122-' || (i / 10)", details=write.json(":details"),
        previous=":hash", hash=":hash",
    ), size.audit  # fmt: skip


class _Dialect:
    """Where the two databases write the same thing differently."""

    def __init__(self, name: str) -> None:
        self._is_postgresql = name == "postgresql"

    def insert(self, table: str, where: str = "", **columns: str) -> str:
        """A row for each number `i` from 1 to `:count`."""
        assert set(columns) <= set(metadata.tables[table].columns.keys()), table
        names = ", ".join(f'"{name}"' for name in columns)
        numbers = (
            "SELECT i FROM generate_series(1, CAST(:count AS integer)) AS n(i)"
            if self._is_postgresql
            else "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) SELECT i FROM n"
        )
        values = ", ".join(columns.values())
        chosen = f" WHERE {where}" if where else ""
        return f"INSERT INTO {table} ({names}) SELECT {values} FROM ({numbers}) AS numbers{chosen}"  # noqa: S608  constants

    def at(self, number: str, later: int = 0) -> str:
        """When the training with this number was asked for, and some seconds later."""
        if self._is_postgresql:
            return f"to_timestamp(CAST(:first AS bigint) + ({number})::bigint * {APART} + {later})"
        seconds = f":first + ({number}) * {APART} + {later}"
        return f"strftime('%Y-%m-%d %H:%M:%S.000000', {seconds}, 'unixepoch')"

    def json(self, parameter: str) -> str:
        return f"CAST({parameter} AS json)" if self._is_postgresql else parameter


def _texts(now: datetime) -> dict[str, str]:
    """What is the same in each row, as large as it is in truth: messages are made by the rooms themselves."""
    ids = "cap-detection-model-20261122-3f9a10"
    trials = [
        {
            "run_id": f"{ids}_HD_{number}", "number": number, "status": "Completed", "epochs": 30, "epoch": 21,
            "mean_average_precision": 0.812345 + number / 1000, "precision": 0.912, "recall": 0.853,
            "started_at": "2026-11-22T12:00:00+00:00", "ended_at": "2026-11-22T12:40:00+00:00",
        }
        for number in range(9)
    ]  # fmt: skip
    steps = [
        {"name": step, "run_id": f"{ids}-{step}", "status": "Completed"}
        for step in ("split", "train", "register", "evaluate")
    ]
    progress: dict[str, Any] = {
        "sweep_id": ids, "planned": 9, "waits": None, "steps": steps, "node_seconds": 9000, "trials": trials,
        "max_trials": 9, "max_epochs": 30,
    }  # fmt: skip
    tags = {
        "Dataset": "caps_1_20261120_093011", "Dataset Version": "1", "Mean Average Precision": "0.853",
        "Precision": "0.9", "Recall": "0.85", "Epoch": "21", "Pipeline Run": ids,
    }  # fmt: skip
    run = TrainingRun(
        ids, "r", "registered", "Cap_Detection_Model", "caps_1_20261120_093011", "1", "gpu-cluster", "spotter",
        "U0TRAINER1", "trainer", CHANNEL, now, ended_at=now, progress=progress, registered_version=3,
        studio_url="https://ml.azure.com/runs/" + ids,
    )  # fmt: skip
    versions = [
        ModelRow(run.model_name, number, now, "trainer", 0.85, 0.9, 0.85, tags, None, ids, True, now)
        for number in range(9, 0, -1)
    ]
    candidate, incumbent = (evidence.figures(model, "d" * 64) for model in versions[:2])
    devices = {ring: [f"camera-{number}" for number in range(100)] for ring in ("canary", "all")}
    texts: dict[str, Any] = {
        "progress": progress,
        "failure": {
            "cause": "The GPU ran out of memory.",
            "remedy": "Use smaller batches.",
            "log": ["line"] * 20,
        },
        "estimate": Estimate(9, 1500, 2520, 4200, 5000, 1.9, "EUR").record(),
        "tags": tags,
        "live": live(run, (), now, Spent()).content(),
        "announced": announcement(versions[0], versions[1:], run).content(),
        "evidence": evidence.collect(candidate, incumbent, Target(channel=CHANNEL), devices),
        "rings": [{"name": ring, "state": "shipped", "devices": 100} for ring in ("canary", "all")],
        "contents": {
            "images": 1500,
            "boxes": {"cap": 4000, "no_cap": 300},
            "images_without_boxes": 3,
            "blockers": [],
        },
        "details": {
            "model": run.model_name,
            "dataset": run.dataset,
            "cluster": run.cluster,
            "state": "submitted",
        },
    }
    return {
        **{name: json.dumps(told) for name, told in texts.items()},
        "studio": run.studio_url or "",
        "hash": "0123456789abcdef" * 4,
    }
