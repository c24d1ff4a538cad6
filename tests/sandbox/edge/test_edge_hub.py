"""What stands before every request to the hub, and twins and queries behind it."""

from dataclasses import replace
from typing import Any

import pytest
from azure.core.exceptions import AzureError

from sandbox.edge.query.parser import parse_condition, parse_query
from sandbox.edge.query.words import QueryError
from sandbox.faults import Fault

from .conftest import FAST, Running

TWIN: dict[str, Any] = {
    "deviceId": "cam-1",
    "tags": {"target": "line-1", "place": {"floor": 2}, "spare": None},
    "capabilities": {"iotEdge": True},
    "configurations": {"caps-1": {"status": "Applied"}},
    "properties": {"reported": {"code": 200, "$version": 4, "lamp": "on"}, "desired": {"$version": 4}},
}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("tags.target='line-1'", True),
        ("tags.target = 'LINE-1'", False),
        ('deviceId = "cam-1" AND capabilities.iotEdge = true', True),
        ("tags.place.floor >= 2 and tags.place.floor < 3", True),
        ("tags.place.floor > '1'", False),
        ("tags.ring = 'canary' OR tags.target = 'line-1'", True),
        ("tags.ring = 'canary' AND tags.target = 'line-1'", False),
        ("tags.ring != 'canary'", False),  # what is undefined is not unlike anything either
        ("NOT tags.ring = 'canary'", False),
        ("NOT tags.target = 'line-2'", True),
        ("NOT (tags.target = 'line-2' OR tags.target = 'line-1')", False),
        ("tags.spare = null", True),
        ("is_defined(tags.ring)", False),
        ("NOT is_defined(tags.ring)", True),
        ("deviceId IN ['cam-2', 'cam-1']", True),
        ("configurations.[[caps-1]].status = 'Applied'", True),
        ("properties.desired.$version = properties.reported.$version", True),
        ("properties.reported.code <> 200", False),
        ("properties.reported.lamp = 'it''s on'", False),
    ],
)
def test_conditions_hold_or_not(condition: str, holds: bool) -> None:
    assert (parse_condition(condition).value(TWIN) is True) is holds


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("SELECT", "Expected a name"),
        ("SELECT * FROM devices.jobs", "'devices.jobs' is not a collection"),
        ("SELECT * FROM devices WHERE", "but found the end"),
        ("SELECT * FROM devices WHERE tags.x = 'a' tags.y = 'b'", "Expected the end of the query"),
        ("SELECT * FROM devices WHERE tags.x ~ 'a'", "Unexpected input '~"),
        ("SELECT * FROM devices WHERE (tags.x = 'a'", "Expected ')'"),
        ("SELECT * FROM devices WHERE tags.x IN ('a')", "Expected '['"),
        ("DELETE FROM devices", "Expected 'select'"),
    ],
)
def test_a_wrong_query_is_told_where(query: str, problem: str) -> None:
    with pytest.raises(QueryError, match=problem.replace("[", r"\[").replace(")", r"\)")):
        parse_query(query)


def refused(answer: Any) -> tuple[int, str]:
    assert answer.json()["Message"].startswith(f"ErrorCode:{answer.headers['iothub-errorcode']};")
    return answer.status_code, answer.headers["iothub-errorcode"]


def test_only_a_token_for_iot_hub_opens_it(edge: Running) -> None:
    wrong = edge.call("GET", "/configurations", scope="https://management.azure.com/.default")
    assert refused(wrong) == (401, "IotHubUnauthorizedAccess")
    assert refused(edge.call("GET", "/configurations", version="2020-01-01")) == (
        400,
        "InvalidProtocolVersion",
    )
    edge.azure.studio.forbid("Microsoft.Devices/IotHubs/twins/read")
    query = {"query": "SELECT * FROM devices"}
    assert refused(edge.patient("POST", "/devices/query", query)) == (401, "IotHubUnauthorized")
    edge.azure.studio.allow("Microsoft.Devices/IotHubs/twins/read")
    assert edge.patient("POST", "/devices/query", query).status_code == 200
    assert refused(edge.call("POST", "/jobs/create", {})) == (404, "GenericNotFound")


def test_a_hub_that_is_asked_too_often_says_so(edge: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as slow:
        slow.setattr(edge.hub, "pace", replace(FAST, minute=60.0))
        answers = [edge.call("GET", "/configurations") for _ in range(21)]
    throttled = answers[-1]
    assert refused(throttled) == (429, "ThrottlingBacklogTimeout")
    assert "Retry-After" not in throttled.headers
    assert edge.patient("GET", "/configurations").status_code == 200


def test_queries_are_answered_in_pages_from_an_index(edge: Running) -> None:
    for number in range(7):
        edge.hub.add_device(f"page-{number}", {"target": "pages", "number": number})
    where = "FROM devices WHERE tags.target = 'pages'"
    edge.until(lambda: edge.query(f"SELECT COUNT() AS seen {where}") == [{"seen": 7}], "all are seen")
    query = {"query": f"SELECT deviceId, tags.number AS place {where} AND tags.number > 0"}
    rows, token = [], ""
    for _ in range(3):
        more = {"x_ms_continuation": token} if token else {}
        page = edge.patient("POST", "/devices/query", query, x_ms_max_item_count="2", **more)
        assert page.headers["x-ms-item-type"] == "Raw" and len(page.json()) == 2
        rows += page.json()
        token = page.headers.get("x-ms-continuation", "")
    assert not token and rows[0] == {"deviceId": "page-1", "place": 1} and len(rows) == 6
    twins = edge.patient("POST", "/devices/query", {"query": f"SELECT * {where}"})
    assert twins.headers["x-ms-item-type"] == "Twin" and twins.json()[0]["capabilities"] == {"iotEdge": True}
    assert refused(edge.patient("POST", "/devices/query", {"query": "SELECT 1"})) == (400, "ArgumentInvalid")


def test_a_twin_takes_merge_patches(edge: Running) -> None:
    edge.hub.add_device("patched", {"target": "lab", "ring": "rest"})
    first = edge.patient("GET", "/twins/patched")
    change = {"tags": {"ring": None, "floor": {"number": 2}}}
    second = edge.patient("PATCH", "/twins/patched", change, If_Match=first.headers["ETag"])
    assert second.json()["tags"] == {"target": "lab", "floor": {"number": 2}}
    stale = edge.patient("PATCH", "/twins/patched", change, If_Match=first.headers["ETag"])
    assert refused(stale) == (412, "PreconditionFailed")
    wrong: list[Any] = [{"tags": {"a.b": 1}}, {"tags": "line-1"}, {"properties": ["desired"]}, []]
    for change in wrong:
        assert refused(edge.patient("PATCH", "/twins/patched", change)) == (400, "ArgumentInvalid")
    assert refused(edge.patient("GET", "/twins/nobody")) == (404, "DeviceNotFound")
    assert refused(edge.patient("GET", "/twins/patched/modules/none")) == (404, "DeviceNotFound")
    assert refused(edge.patient("GET", "/devices/patched/modules/none")) == (404, "ModuleNotFound")
    modules = edge.get("/devices/patched/modules")
    assert [module["moduleId"] for module in modules] == ["$edgeAgent", "$edgeHub"]


def test_an_answer_can_be_lost_after_the_work(edge: Running) -> None:
    edge.edge.faults.arm(Fault("PUT", "/configurations/lost", "drop_after"))
    content: dict[str, Any] = {"modulesContent": {"$edgeAgent": {"properties.desired.modules.a": {}}}}
    body = {"id": "lost", "content": content, "targetCondition": "", "priority": 1}
    with pytest.raises(AzureError):
        edge.call("PUT", "/configurations/lost", body)
    assert edge.get("/configurations/lost")["etag"] == "MQ=="
    assert [entry.status for entry in edge.edge.faults.log("PUT", "/configurations/lost")] == [0]
