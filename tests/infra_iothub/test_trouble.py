"""A hub that is slow, throttles, refuses or loses its answers."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from infra.http.errors import Denied, Refused, Throttled, Unavailable, Unclear
from infra.iothub.errors import Resting
from infra.iothub.hub import Hub
from sandbox.faults import Action, Fault
from tests.infra_iothub.conftest import Line


def test_withdrawing_is_done_once_whatever_happens_to_the_answer(line: Line) -> None:
    faults = line.running.edge.faults
    actions: tuple[Action, ...] = ("drop_before", "drop_after")
    for action in actions:
        shipped = line.ships(2, "canary", build=412)
        faults.arm(Fault("DELETE", f"/configurations/{shipped}", action))
        line.client.withdraw(shipped)
        assert shipped not in line.running.hub.configurations
        line.client.withdraw(shipped)


def test_what_was_changed_meanwhile_is_looked_at_again(line: Line) -> None:
    shipped = line.ships(2, "canary", build=412)
    changed = {"Message": "ErrorCode:PreconditionFailed;ETag mismatch.", "ExceptionMessage": ""}
    stale = Fault("DELETE", shipped, "answer", status=412, body=str(changed).replace("'", '"'))
    line.running.edge.faults.arm(stale)
    line.client.withdraw(shipped)
    assert shipped not in line.running.hub.configurations
    still = line.ships(2, "canary", build=412)
    line.running.edge.faults.arm(Fault("DELETE", still, "answer", status=412, times=99))
    with pytest.raises(Unclear, match="may still be there"):
        line.client.withdraw(still)
    assert still in line.running.hub.configurations


def test_nothing_is_taken_for_gone_or_empty_because_of_an_odd_answer(line: Line) -> None:
    faults = line.running.edge.faults
    shipped = line.ships(2, "canary", build=412)
    elsewhere = faults.arm(
        Fault("GET", shipped, "answer", status=404, body="<html>Not found</html>", times=99)
    )
    with pytest.raises(Refused, match="IOTHUB_HOSTNAME"):
        line.client.withdraw(shipped)
    faults.disarm(elsewhere)
    for path, method in (("/devices/query", "POST"), ("/configurations", "GET")):
        odd = faults.arm(Fault(method, path, "answer", status=200, body="{}"))
        with pytest.raises(Unavailable, match="no list"):
            line.client.survey()
        faults.disarm(odd)
    assert shipped in line.running.hub.configurations


def test_nobody_elses_deployment_is_withdrawn(line: Line) -> None:
    with pytest.raises(Refused, match="not made by Spotter"):
        line.client.withdraw("edge-base")
    assert "edge-base" in line.running.hub.configurations
    assert [each.id for each in line.client.survey().deployments] == []


def test_a_hub_that_throttles_or_breaks_is_told_apart(line: Line) -> None:
    faults = line.running.edge.faults
    throttled = '{"Message": "ErrorCode:ThrottlingException;Operation type: Query", "ExceptionMessage": ""}'
    faults.arm(Fault("POST", "/devices/query", "answer", status=503))
    assert len(line.client.survey().devices) == 3, "one hiccup is got over"
    busy = faults.arm(Fault("POST", "/devices/query", "answer", status=429, body=throttled, times=99))
    with pytest.raises(Throttled, match="Operation type: Query") as found:
        line.client.survey()
    assert (found.value.retry_after, found.value.code) == (10.0, "ThrottlingException")
    faults.disarm(busy)
    faults.arm(Fault("GET", "/configurations", "answer", status=503, times=99, headers={"Retry-After": "30"}))
    began = time.monotonic()
    with pytest.raises(Unavailable):
        line.client.survey()
    assert time.monotonic() - began < 30, "a long wait is the caller's"


def test_a_missing_role_is_said_plainly(line: Line) -> None:
    body = '{"Message": "ErrorCode:IotHubUnauthorizedAccess;Unauthorized", "ExceptionMessage": ""}'
    line.running.edge.faults.arm(Fault("*", "", "answer", status=401, body=body, times=99))
    with pytest.raises(Denied, match="IoT Hub Data Contributor"):
        line.client.survey()


@pytest.mark.parametrize(
    "name", ["", "plant", "https://plant.azure-devices.net", "plant.azure-devices.net/x"]
)
def test_what_is_no_host_name_is_refused_before_anything_is_sent(name: str) -> None:
    with pytest.raises(Refused, match="no host name"):
        Hub.connect(name).survey()


def test_many_devices_come_in_pages_in_a_constant_number_of_queries(line: Line) -> None:
    _many(line, 101)
    faults = line.running.edge.faults
    before = len(faults.log("POST", "/devices/query"))
    assert len(line.client.survey().in_ring("line-3", "all")) == 101
    asked = faults.log("POST", "/devices/query")[before:]
    assert len({entry.body for entry in asked}) == 2 and len(asked) >= 5


def test_a_large_plant_is_read_by_and_by_and_goes_on_where_the_hub_granted_no_more(line: Line) -> None:
    names = _many(line, 120)
    faults, first = line.running.edge.faults, datetime.now(UTC)
    soon, later = first + timedelta(minutes=1), first + timedelta(minutes=3)
    before = len(faults.log("POST", "/devices/query"))
    with pytest.raises(Resting):
        line.client.devices_by_and_by(first, pages=2)
    faults.arm(Fault("POST", "/devices/query", "answer", 2, status=429, headers={"Retry-After": "30"}))
    with pytest.raises(Resting):
        line.client.devices_by_and_by(soon)
    with pytest.raises(Throttled) as nothing:
        line.client.devices_by_and_by(later)
    assert not isinstance(nothing.value, Resting), "nothing was granted for minutes, which is worth telling"
    found, began = line.client.devices_by_and_by(later)
    assert ({each.id for each in found} >= names, began) == (True, first)
    pages_of_devices, pages_of_modules, refused = 2, 3, 2
    asked = faults.log("POST", "/devices/query")[before:]
    assert len(asked) == pages_of_devices + pages_of_modules + refused, "no page was read twice"
    assert line.client.devices_by_and_by(later)[1] == later, "and then anew"


def test_a_rollout_asks_about_the_devices_of_its_target_alone(line: Line) -> None:
    _many(line, 120)
    queries = line.running.edge.faults
    before = len(queries.log("POST", "/devices/query"))
    found = line.client.devices(["line-1"])
    assert [each.id for each in found] == ["line-1-a", "line-1-b"]
    assert all(each.is_connected for each in found), "their modules were read too"
    assert len(queries.log("POST", "/devices/query")) - before == 2
    assert {each.target for each in line.client.devices(["line-2", "line-3"])} == {"line-2", "line-3"}
    assert line.client.devices(["line-9"]) == ()


def test_what_was_read_of_a_rollout_is_not_used_when_nobody_went_on_for_long(line: Line) -> None:
    _many(line, 120)
    first = datetime.now(UTC)
    with pytest.raises(Resting):
        line.client.devices_by_and_by(first, ["line-3"], pages=1)
    with pytest.raises(Resting):
        line.client.devices_by_and_by(first, pages=1)
    later, much_later = first + timedelta(minutes=6), first + timedelta(hours=2)
    assert line.client.devices_by_and_by(later, ["line-1"])[1] == later
    kept = vars(line.client)["_readings"]
    assert [scope.targets for scope in kept] == [None], "thousands of twins are not kept for nobody"
    assert line.client.devices_by_and_by(later, ["line-3"])[1] == later
    assert line.client.devices_by_and_by(much_later)[1] == much_later, "and all devices not for hours"


def test_one_ring_is_read_apart_from_the_others(line: Line) -> None:
    _many(line, 120)
    now = datetime.now(UTC)
    with pytest.raises(Resting):
        line.client.devices_by_and_by(now, ["line-1"], pages=1)
    found, began = line.client.devices_by_and_by(now + timedelta(seconds=1), ["line-1"], ring="canary")
    assert ([each.id for each in found], began) == (["line-1-a"], now + timedelta(seconds=1))
    assert found[0].is_connected, "its modules were read too"
    assert line.client.devices_by_and_by(now + timedelta(seconds=2), ["line-1"])[1] == now


def _many(line: Line, number: int) -> set[str]:
    names = {f"line-3-{each:03}" for each in range(number)}

    async def more() -> None:
        for name in names:
            line.running.hub.add_device(name, {"target": "line-3"})
        line.running.hub.look()

    line.running.do(more())
    return names
