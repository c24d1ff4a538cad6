"""Every migration keeps what earlier versions of Spotter have stored."""

from datetime import UTC, datetime
from pathlib import Path

from storage import audit, catalog, marks, messages, migrate, publishes, runs
from storage.database import Store
from storage.publishes import BranchRow, PublishRun

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
# In plain SQL, as the version of Spotter that had this schema wrote it.
SEED_0001 = """
INSERT INTO training_runs (id, request_id, state, model_name, dataset, dataset_version, cluster, experiment,
  requested_by, requested_by_name, channel, requested_at, progress)
  VALUES ('cap-1', '3f9a10', 'running', 'cap', 'caps_20261120_093011', '1', 'gpu-cluster', 'spotter', 'U0TRAINER1',
  'trainer', 'C0LINEVIS1', '2026-11-22 09:30:00', '{"trials": [{"number": 1}]}');
INSERT INTO messages (key, channel, wanted, wanted_revision, wanted_at)
  VALUES ('run:cap-1', 'C0LINEVIS1', '{"text": "t", "blocks": []}', 1, '2026-11-22 09:30:00');
INSERT INTO model_versions (name, version, tags, announced, seen_at) VALUES ('cap', 3, '{}', 1, '2026-11-22 09:30:00');
INSERT INTO exports (name, version, kind, seen_at, present) VALUES ('caps', '1', 'coco', '2026-11-22 09:30:00', 1);
INSERT INTO clusters (name, facts, seen_at) VALUES ('gpu-cluster', '{"max_nodes": 4}', '2026-11-22 09:30:00');
INSERT INTO marks (key, value, at) VALUES ('pipeline.published', '7', '2026-11-22 09:30:00');
INSERT INTO deliveries (key, at) VALUES ('mention:Ev1', '2026-11-22 09:30:00')
"""
AUDITED_0001 = """
INSERT INTO audit (seq, at, actor, action, subject, details, previous, hash)
  VALUES (1, '2026-11-22 09:30:00', 'U0TRAINER1', 'train.request', 'cap-1', '{}',
  '0000000000000000000000000000000000000000000000000000000000000000',
  'ac0b9ce498cc6a41293ce9dcedfa8a8f8774bf5b2a41a7e6f64fefa41c8fe5e9')
"""
PUBLISH = PublishRun(
    id="p-3f9a10",
    request_id="3f9a10",
    state="requested",
    elsewhere=False,
    pipeline="spotter-publish",
    branch="main",
    requested_by="U0TRAINER1",
    requested_by_name="trainer",
    channel="C0LINEVIS1",
    requested_at=AT,
)


def test_everything_of_the_first_tables_is_kept(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'spotter.db'}")
    migrate.upgrade(store, "0001")
    with store.write() as tx:
        for statement in [*SEED_0001.split(";"), AUDITED_0001]:
            tx.exec_driver_sql(statement)

    migrate.upgrade(store)

    with store.write() as tx:
        (run,) = runs.open_runs(tx)
        assert (run.id, run.requested_at, run.progress) == ("cap-1", AT, {"trials": [{"number": 1}]})
        assert audit.verify(tx) is None
        assert [message.key for message in messages.due(tx, AT)] == ["run:cap-1"]
        assert [model.version for model in catalog.latest_models(tx, limit=5)] == [3]
        assert [export.name for export in catalog.list_exports(tx)] == ["caps"]
        assert [cluster.name for cluster in catalog.list_clusters(tx)] == ["gpu-cluster"]
        assert marks.get(tx, "pipeline.published") == "7"
        assert not marks.first_delivery(tx, "mention:Ev1", AT)


def test_a_publish_is_stored_once(store: Store) -> None:
    with store.write() as tx:
        assert publishes.add(tx, PUBLISH)
        assert not publishes.add(tx, PUBLISH)
        publishes.change(tx, PUBLISH.id, run_id=12)
        assert [run.run_id for run in publishes.open_runs(tx)] == [12]
        assert publishes.known_run_ids(tx, [11, 12, 13]) == {12}


def test_branches_are_those_that_were_seen_last(store: Store) -> None:
    main, other = BranchRow("main", "4be1", AT, "Widen the search"), BranchRow("other", "77aa", AT)
    with store.write() as tx:
        publishes.put_branches(tx, [main, other])
        publishes.put_branches(tx, [main])
        assert publishes.list_branches(tx) == [main]
        assert publishes.get_branch(tx, "other") is None
