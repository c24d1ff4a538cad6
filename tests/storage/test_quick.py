"""What people ask often stays quick, however much there is: few statements, and no walk through what grows.

`make bench ARGS=store` measures the same; here is what can be told without a clock.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from slack_sdk import WebClient
from sqlalchemy import event

from storage import migrate
from storage.database import Store
from tests.bench.plenty import Size, fill
from tests.bench.questions import questions, serve

NOBODY = "http://127.0.0.1:9/"  # whoever is not in the store is not asked
GROWING = (
    "training_runs",
    "publish_runs",
    "model_versions",
    "evaluations",
    "deployments",
    "decisions",
    "messages",
    "deliveries",
    "audit",
)
MOST_STATEMENTS = 24  # with forty trainings, ten questions to approvers and fifty targets in the store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('quick') / 'spotter.db'}")
    migrate.upgrade(store)
    fill(store, Size(200), datetime.now(UTC), lambda _told: None)
    yield store
    store.close()


def test_what_is_asked_often_takes_few_statements_that_walk_through_nothing(store: Store) -> None:
    said: list[tuple[str, Any]] = []

    @event.listens_for(store.engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        said.append((statement, given))

    slow = []
    for what, ask in list(questions(serve(store, WebClient(base_url=NOBODY, retry_handlers=[])))):
        said.clear()
        ask()
        asked = [each for each in said if each[0].startswith(("SELECT", "WITH"))]
        if len(asked) > MOST_STATEMENTS:
            slow.append(f"{what} takes {len(asked)} statements")
        slow += [f"{what}: {step}" for statement, given in asked for step in _walks(store, statement, given)]
    assert slow == []


def _walks(store: Store, statement: str, given: Any) -> list[str]:
    """Where SQLite reads all of a table that grows; along an index up to a limit it does not."""
    with store.read() as tx:
        steps = [str(row[3]) for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)]
    walks = [step for step in steps if step.startswith("SCAN ") and step.split()[1].startswith(GROWING)]
    in_order = (" USING ", "SCAN audit")  # which lies in the order of its key
    return [step for step in walks if not any(way in step for way in in_order) or "LIMIT" not in statement]
