"""A store of many years, made by the database itself: runs, versions, messages, decisions and the audit trail.

Rows follow from their number, so SQLite and PostgreSQL get the same. 300 trainings a day, the last ones a moment ago.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, create_engine, text

from storage.database import Store
from storage.tables import metadata
from tests.bench.large_texts import CHANNEL, NAME, NUMBER, texts

APART = 288  # seconds between two trainings: 300 a day
MODELS, OPEN, TARGETS, DEVICES, PEOPLE = 1000, 40, 50, 5000, 500
WAITING = 10
MONTH = 30 * 300
AUDITED = 10  # rows of the trail for each training, with what belongs to it
SOME = 20_000


@dataclass(frozen=True)
class Size:
    """How many trainings; `audit` rows are ten times as many."""

    runs: int

    @property
    def audit(self) -> int:
        return self.runs * AUDITED


def fill(store: Store, size: Size, now: datetime, tell: Callable[[str], None]) -> None:
    """Everything that Spotter would have written in all the time that these trainings took, into empty tables. Indices
    are made at the end, and nothing has to outlive a power cut, for that takes a third of the time."""
    first = int((now - timedelta(seconds=APART * size.runs)).timestamp())
    indices = [index for table in metadata.sorted_tables for index in table.indexes]
    store.engine.dispose()  # who fills SQLite without a log must be alone
    engine = create_engine(store.url)
    with engine.connect() as tx:
        _in_haste(tx)
        for index in indices:
            index.drop(tx)
        for table, statement, count in _statements(tx, size):
            tell(f"{count:,} rows of {table}")
            tx.execute(text(statement), {"count": count, "first": first, **texts(now)})
        tell(f"{len(indices)} indices")
        for index in indices:
            index.create(tx)
        tx.commit()
    if engine.dialect.name == "postgresql":  # whose autovacuum does so by itself; nobody does it for SQLite
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as tx:
            tx.execute(text("VACUUM ANALYZE"))
    engine.dispose()


def _in_haste(tx: Connection) -> None:
    if tx.dialect.name == "sqlite":
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -500000"):
            tx.exec_driver_sql(f"PRAGMA {setting}")
        return
    tx.execute(text("SET maintenance_work_mem = '256MB'"))
    tx.execute(text(f"TRUNCATE {', '.join(metadata.tables)}"))  # what follows is then not logged


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
    is_new = f"i > {runs - MONTH}"  # of the others no more than a digest of their words is left
    shown = {
        "channel": f"'{CHANNEL}'", "wanted_revision": "9", "wanted_at": at_end, "shown_revision": "9",
        "shown_at": at_end, "ts": "'1700000000.' || i", "state": "'open'", "tries": "0", "urgency": "1",
        "form": f"CASE WHEN {is_new} THEN 'full' ELSE 'thin' END",
    }  # fmt: skip
    told, announced = (
        write.json(f"CASE WHEN {is_new} THEN {words} ELSE :thin END") for words in (":live", ":announced")
    )
    yield "messages", write.insert("messages", key=f"'run:' || {run_id}", wanted=told, **shown), runs
    yield "messages", write.insert(
        "messages", where=good,
        key=f"'model:' || {name} || ':' || (i / 1000 + 1)", wanted=announced, **shown,
    ), runs  # fmt: skip
    is_measured = f"{is_new} OR (i % 1000 < {TARGETS} AND i < 3000)"  # what devices run
    found, figures = (
        write.json(
            f"CASE WHEN {is_measured} THEN"
            f" replace(replace({told}, '{NAME}', {name}), '{NUMBER}', CAST(i / 1000 + 1 AS varchar)) END"
        )
        for told in (":evaluation", ":figures")
    )
    yield "evaluations", write.insert(
        "evaluations", where=good,
        name=name, version="i / 1000 + 1", run_id=run_id, wanted_at=at_end, read_at=at_end, found=found,
        figures=figures,
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
    under_way = {
        "request_id": "'open:' || i", "target": "'line-' || i", "model_name": "'Model_' || i", "model_version": "4",
        "reason": "'fewer missed caps'", "requested_by": "'U0TRAINER1'", "requested_by_name": "'trainer'",
        "channel": f"'{CHANNEL}'", "requested_at": write.at(f"{runs}"), "expires_at": write.at(f"{runs}", 86400),
        "approvals_needed": "2", "tries": "0", "evidence": write.json(":evidence"), "fingerprint": "'f'",
    }  # fmt: skip
    yield "deployments", write.insert(
        "deployments", where="i > 5", id="'open-' || i", state="'waiting'", **under_way,
    ), WAITING + 5  # fmt: skip
    yield "deployments", write.insert(
        "deployments", id="'open-' || i", state="'shipping'", decided_at=write.at(f"{runs}"),
        rings=write.json(":rolling"), **under_way,
    ), 5  # fmt: skip
    yield "messages", write.insert(
        "messages", key="'deploy:open-' || i", wanted=write.json(":announced"), **shown,
    ), WAITING + 5  # fmt: skip
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
