"""What goes wrong in stories: power cuts at chosen points, answers that get lost, a database that someone holds."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import select, text

from sandbox.faults import Action, Fault, Faults
from storage import audit, runs
from storage.runs import TrainingRun
from storage.tables import deliveries
from tests.stories.stage import Stage

SMALL = "caps_20261102_081530"
ASK = f"/train Cap_Model {SMALL} gpu-cluster"

JOB = r"/jobs/[\w-]+\?"
CANCEL = r"/jobs/[\w-]+/cancel"
POST, UPDATE = r"/api/chat\.postMessage", r"/api/chat\.update"


def arm(faults: Faults, method: str, path: str, action: Action, times: int = 1) -> Fault:
    return faults.arm(Fault(method, path, action, times=times))


def power_cut(stage: Stage, *during: Fault) -> None:
    """Kills the bot while these requests of it are under way."""
    for fault in during:
        stage.until(fault.reached.is_set, f"a request reached {fault.path}")
    stage.bot.kill()


@contextmanager
def held_database(stage: Stage) -> Iterator[None]:
    """Someone else holds the database's write lock, as a backup does."""
    store = stage.store()
    if store.is_shared:
        with store.write(patience=600):
            yield
        store.close()
        return
    other = sqlite3.connect(stage.bot.environment["DATABASE_URL"].removeprefix("sqlite:///"), timeout=20)
    other.isolation_level = None
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def minutes_pass(stage: Stage) -> None:
    """As far as the bot's memory of what was delivered to it goes: more than three, so that four times are ten."""
    with stage.store().write(patience=20) as tx:
        for key, at in tx.execute(select(deliveries)).all():
            earlier = at - timedelta(minutes=3.5)
            tx.execute(deliveries.update().where(deliveries.c.key == key).values(at=earlier))


def only_run(stage: Stage) -> TrainingRun:
    """The one training that the bot knows of."""
    with stage.store().read() as tx:
        (run_id,) = tx.execute(text("SELECT id FROM training_runs")).scalars()
        run = runs.get(tx, run_id)
    assert run is not None
    return run


def trail(stage: Stage) -> list[str]:
    """The audit trail in short, after a check that it is whole."""
    with stage.store().read() as tx:
        assert audit.verify(tx) is None
        return [f"{row.actor} {row.action}" for row in audit.rows(tx)]


def said(stage: Stage, pattern: str) -> int:
    """How many of Spotter's messages in the channel contain this."""
    return sum(m.author == "Spotter" and pattern in m.text for m in stage.line.messages())


def degraded(stage: Stage, service: str) -> str:
    """What /readyz says is wrong with a service, empty when nothing is."""
    _, told = stage.bot.get("/readyz")
    return next((trouble["reason"] for trouble in told["degraded"] if trouble["service"] == service), "")
