"""A look at what has not changed writes nothing: a write keeps others waiting, and has them forget what they know."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event

from commands.exports.follow import follow_exports, follow_projects
from commands.kit.services import Services
from commands.models.follow import follow_models
from commands.train.clusters import follow_clusters
from commands.train.command import follow_pipeline
from infra.azureml.workspace import Workspace
from sandbox.azure.twin import AzureTwin
from storage import devices
from storage.database import Store
from storage.devices import DeviceRow
from tests.bot.conftest import desk, services
from tests.infra.conftest import line, twin, twin_id

__all__ = ["desk", "line", "services", "twin", "twin_id"]  # fixtures
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_a_second_look_at_the_same_catalogue_writes_nothing(
    services: Services, twin: AzureTwin, line: Workspace
) -> None:
    there = replace(services, azure=line)
    looks = (follow_clusters, follow_pipeline, follow_exports, follow_projects, follow_models)
    for look in looks:
        look(there)
    written = _written(there.store)
    for look in looks:
        look(there)
    assert written == []


def test_of_the_devices_those_are_written_that_have_changed(services: Services) -> None:
    plant = [DeviceRow(f"cam-{each}", "line-1", "", "Cap", "1", True, True, "", NOON) for each in range(4)]
    _keep(services.store, plant)
    with services.store.read() as tx:
        assert devices.are_known(tx, plant[::-1])
    written = _written(services.store)
    now = [*plant[:2], replace(plant[2], version="2"), replace(plant[0], id="cam-new")]
    _keep(services.store, now)
    with services.store.read() as tx:
        assert devices.are_known(tx, now) and not devices.are_known(tx, plant)
    changes = [given for statement, given in written if statement.startswith("DELETE")]
    assert changes == [[("cam-2",), ("cam-3",)]]


def test_when_a_device_was_seen_last_is_written_now_and_then_and_exactly_when_it_goes(
    services: Services,
) -> None:
    cam = DeviceRow("cam", "line-1", "", "Cap", "1", True, True, "", NOON)
    soon = replace(cam, last_seen=NOON + timedelta(minutes=4))
    later, gone = replace(cam, last_seen=NOON + timedelta(minutes=5)), replace(soon, is_connected=False)
    _keep(services.store, [cam])
    written = _written(services.store)
    _keep(services.store, [soon])
    with services.store.read() as tx:
        assert devices.are_known(tx, [soon])
        assert not any(devices.are_known(tx, [each]) for each in (later, gone))
    assert [statement for statement, _ in written] == ["BEGIN IMMEDIATE"]  # and nothing in it
    _keep(services.store, [gone])
    with services.store.read() as tx:
        assert devices.of_target(tx, "line-1") == [gone]


def _keep(store: Store, rows: list[DeviceRow]) -> None:
    with store.write() as tx:
        devices.keep(tx, rows)


def _written(store: Store) -> list[tuple[str, Any]]:
    """Statements that write, from now on."""
    said: list[tuple[str, Any]] = []

    @event.listens_for(store.engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        if statement != "BEGIN" and not statement.startswith(("SELECT", "WITH")):
            said.append((statement, given))

    return said
