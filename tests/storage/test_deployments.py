"""What digests ask about requests: which gates were put aside, and what still waits for approvers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from storage import deployments
from storage.database import Store
from storage.deployments import Decision, Deployment

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def tx(store: Store) -> Iterator[Connection]:
    with store.write() as tx:
        yield tx


def request(tx: Connection, target: str, channel: str, **more: object) -> str:
    name = f"{target}-caps-2"
    wanted = {
        "id": name,
        "request_id": name,
        "state": "waiting",
        "target": target,
        "model_name": "caps",
        "model_version": 2,
        "reason": "fewer missed caps",
        "requested_by": "U1",
        "requested_by_name": "trainer",
        "channel": channel,
        "requested_at": NOON,
        "expires_at": NOON + 24 * HOUR,
        "approvals_needed": 2,
        **more,
    }
    assert deployments.add(tx, Deployment(**wanted))  # type: ignore[arg-type]  # the fields vary by test
    return name


def says(tx: Connection, name: str, verdict: str, at: datetime, person: str = "U2") -> None:
    deployments.decide(tx, Decision(name, person, f"person {person}", verdict, "for an hour", "f", at))


def test_overrides_are_found_from_a_moment_on_and_by_channel(tx: Connection) -> None:
    first, second = request(tx, "line-1", "C1"), request(tx, "line-2", "C2")
    says(tx, first, "override", NOON - HOUR)
    says(tx, second, "override", NOON)
    says(tx, first, "approve", NOON, person="U3")
    says(tx, first, "override", NOON + HOUR, person="U3")
    found = deployments.overrides_since(tx, NOON)
    assert [(each.deployment.target, each.decision.person) for each in found] == [
        ("line-2", "U2"),
        ("line-1", "U3"),
    ]
    assert [each.deployment.id for each in deployments.overrides_since(tx, NOON, "C1")] == [first]


def test_what_waits_for_approvers_tells_how_many_are_missing(tx: Connection) -> None:
    later = request(tx, "line-1", "C1", requested_at=NOON + HOUR)
    request(tx, "line-2", "C2")
    request(tx, "line-3", "C1", state="approved")
    says(tx, later, "approve", NOON)
    says(tx, later, "override", NOON)  # the same person twice is one approval
    asked = deployments.waiting_for_approval(tx)
    assert [(each.deployment.target, each.given, each.needed) for each in asked] == [
        ("line-2", 0, 2),
        ("line-1", 1, 2),
    ]
    assert [each.since for each in deployments.waiting_for_approval(tx, channel="C1")] == [NOON + HOUR]
    assert [each.deployment.target for each in deployments.waiting_for_approval(tx, target="line-2")] == [
        "line-2"
    ]


def test_what_every_target_has_is_told_at_once(tx: Connection) -> None:
    shipped: dict[str, object] = {"state": "shipped", "evidence": {"devices": {}}}
    gone = [{"name": "all", "withdrawn": True}]
    request(tx, "line-1", "C1", **shipped, decided_at=NOON)
    request(tx, "line-1", "C1", **shipped, id="newer", request_id="newer", decided_at=NOON + HOUR)
    request(tx, "line-2", "C1", **shipped, decided_at=NOON)
    request(tx, "line-2", "C1", **shipped, id="gone", request_id="gone", decided_at=NOON + HOUR, rings=gone)
    request(tx, "line-3", "C1", **shipped, decided_at=NOON, rings=gone)
    request(tx, "line-4", "C1", state="rejected", decided_at=NOON)
    found = deployments.incumbents(tx)
    assert {name: each.id for name, each in found.items()} == {"line-1": "newer", "line-2": "line-2-caps-2"}
    for name in ("line-1", "line-2", "line-3", "line-4"):
        alone = deployments.incumbent(tx, name)
        assert (found[name].id if name in found else None) == (alone.id if alone else None)
