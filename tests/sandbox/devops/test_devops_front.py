"""What stands before every resource: sign-in, versions, routes, envelopes, paging, faults."""

from collections.abc import Iterator

import pytest
import requests

from sandbox.azure.identity import BOT_PRINCIPAL, JOB_PRINCIPAL
from sandbox.azure.tokens import Tokens
from sandbox.devops.identities import DEVOPS_RESOURCE
from sandbox.faults import Fault

from .conftest import DevOps


@pytest.fixture
def renewed(devops: DevOps) -> Iterator[None]:
    yield
    devops.portal.renew_pat()


def test_locations_are_told_and_no_area_leads_elsewhere(devops: DevOps) -> None:
    answer = devops.call("OPTIONS", "/_apis")
    assert answer.status_code == 200
    runs = next(
        item for item in answer.json()["value"] if item["id"] == "7859261e-d2e9-4a68-b820-a5d84cc5bb3d"
    )
    assert runs["routeTemplate"] == "{project}/_apis/pipelines/{pipelineId}/runs/{runId}"
    assert float(runs["minVersion"]) <= 7.1 <= float(runs["maxVersion"])
    assert all(item["id"] and item["resourceVersion"] for item in answer.json()["value"])
    assert devops.call("GET", "/_apis/ResourceAreas").json() == {"count": 0, "value": []}


def test_routes_are_found_in_any_case(devops: DevOps, publish: int) -> None:
    url = devops.twin.organisation.base_url.replace("bottling", "BOTTLING")
    answer = requests.get(f"{url}/vISION/_APIS/Pipelines/{publish}", auth=("", devops.portal.pat), timeout=60)
    assert answer.status_code == 200
    assert answer.json()["configuration"]["path"] == "publish.yml"


def test_a_token_of_entra_opens_only_with_the_right_audience(devops: DevOps, tokens: Tokens) -> None:
    def ask(resource: str, principal: str) -> requests.Response:
        token, _ = tokens.mint(resource, principal)
        url = f"{devops.twin.organisation.base_url}/_apis/connectionData"
        return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    known = ask(DEVOPS_RESOURCE, BOT_PRINCIPAL)
    assert known.json()["authenticatedUser"]["id"] == BOT_PRINCIPAL
    elsewhere = ask("https://management.azure.com", BOT_PRINCIPAL)
    assert (elsewhere.status_code, elsewhere.headers["Content-Type"]) == (203, "text/html; charset=utf-8")
    stranger = ask(DEVOPS_RESOURCE, JOB_PRINCIPAL)
    assert stranger.status_code == 401
    assert "TF400813" in stranger.headers["X-TFS-ServiceError"]


@pytest.mark.usefixtures("renewed")
def test_an_expired_pat_is_sent_to_the_sign_in_page(devops: DevOps) -> None:
    devops.portal.expire_pat()
    for method in ("GET", "POST"):
        answer = devops.call(method, "/Vision/_apis/pipelines")
        assert answer.status_code == 203
        assert "Sign In" in answer.text
    assert devops.call("GET", "/_apis/projects", auth=("", "never issued")).status_code == 401


def test_changes_must_name_a_version_that_exists(devops: DevOps) -> None:
    def refusal(method: str, path: str, accept: str) -> str:
        headers = {"Accept": accept}
        answer = devops.call(method, f"/Vision/_apis{path}", headers=headers, json={})
        assert answer.status_code == 400
        return str(answer.json()["typeKey"])

    assert refusal("POST", "/pipelines", "application/json") == "VssVersionNotSpecifiedException"
    for version, key in (
        ("9.9", "VssVersionOutOfRangeException"),
        ("7.1-preview.5", "VssResourceVersionOutOfRangeException"),
    ):
        assert refusal("GET", "/pipelines", f"application/json;api-version={version}") == key
    asked = "application/json;api-version=7.1"
    assert (
        refusal("GET", "/pipelines/pipelinePermissions/queue/9", asked) == "VssInvalidPreviewVersionException"
    )
    assert devops.call("GET", "/Vision/_apis/pipelines?api-version=7.1", headers={"Accept": "*/*"}).ok


def test_what_is_missing_is_said_in_the_envelope(devops: DevOps) -> None:
    for path, key in (
        ("/Elsewhere/_apis/pipelines", "ProjectDoesNotExistWithNameException"),
        ("/Vision/_apis/pipelines/999", "PipelineDoesNotExistException"),
        ("/Vision/_apis/build/builds/999", "BuildNotFoundException"),
        ("/Vision/_apis/wit/workitems/1", "VssResourceNotFoundException"),
    ):
        answer = devops.call("GET", path)
        assert answer.status_code == 404
        assert answer.json()["typeKey"] == key
        assert {"message", "typeName", "errorCode", "eventId"} <= answer.json().keys()
        assert answer.headers["ActivityId"]
    assert devops.call("DELETE", "/_apis/projects").status_code == 405


def test_builds_come_in_pages_newest_first(devops: DevOps, publish: int) -> None:
    made = [devops.run(publish).json()["id"] for _ in range(5)]
    for number in made:
        devops.ended(number, "succeeded")
    seen, token = [], None
    while True:
        more = f"&continuationToken={token}" if token else ""
        answer = devops.call("GET", f"/Vision/_apis/build/builds?definitions={publish}&$top=2{more}")
        seen += [build["id"] for build in answer.json()["value"]]
        assert "templateParameters" not in answer.json()["value"][0]
        if not (token := answer.headers.get("x-ms-continuationtoken")):
            break
    assert seen == sorted(made, reverse=True)
    wrong = devops.call("GET", "/Vision/_apis/build/builds?continuationToken=nonsense")
    assert wrong.status_code == 400


def test_builds_are_found_by_tag(devops: DevOps, publish: int) -> None:
    number = devops.run(publish).json()["id"]
    path = f"/build/builds/{number}/tags"
    assert devops.post(f"{path}/spotter%20run", None, "PUT").json()["value"] == ["spotter run"]
    assert devops.post(path, ["second"]).json()["count"] == 2
    both = devops.get("/build/builds?tagFilters=spotter run,second")["value"]
    assert [build["id"] for build in both] == [number]
    assert devops.get("/build/builds?tagFilters=other")["count"] == 0
    assert devops.post(f"{path}/second", None, "DELETE").json()["value"] == ["spotter run"]


def test_a_lost_answer_leaves_one_run_and_a_repeated_call_makes_two(devops: DevOps, publish: int) -> None:
    before = {run["id"] for run in devops.get(f"/pipelines/{publish}/runs")["value"]}
    devops.twin.faults.arm(Fault("POST", r"/runs$", "drop_after"))
    with pytest.raises(requests.ConnectionError):
        devops.run(publish, correlationId="lost")
    after = devops.get(f"/pipelines/{publish}/runs")["value"]
    fresh = [run for run in after if run["id"] not in before]
    assert len(fresh) == 1
    assert "templateParameters" not in fresh[0]
    run = devops.get(f"/pipelines/{publish}/runs/{fresh[0]['id']}")
    assert run["templateParameters"] == {"correlationId": "lost"}
    again = devops.run(publish, correlationId="lost").json()["id"]
    assert again != run["id"]


def test_throttling_is_played_by_faults(devops: DevOps) -> None:
    devops.twin.faults.arm(Fault("GET", "/pipelines", "answer", status=429, headers={"Retry-After": "1"}))
    throttled = devops.call("GET", "/Vision/_apis/pipelines")
    assert (throttled.status_code, throttled.headers["Retry-After"]) == (429, "1")
    assert devops.call("GET", "/Vision/_apis/pipelines").ok
