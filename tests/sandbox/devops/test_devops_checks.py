"""What stands before a stage: permission, approval, a call that asks the bot; and agents that are not there."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.devops.engine.invoke import INVOKE_REST
from sandbox.devops.identities import APPROVER, ENGINEER, SPOTTER

from .conftest import DevOps
from .receiver import Heard, Receiver

EDGE = """
trigger: none
parameters:
  - {name: target, type: string, default: line-1}
stages:
  - stage: Deploy
    jobs:
      - deployment: roll_out
        displayName: Roll out
        environment: ${{ parameters.target }}
        strategy:
          runOnce:
            deploy:
              steps:
                - script: echo deployed to $(Environment.Name)
"""
CONNECTED = """
trigger: none
variables: {connection: workspace}
steps:
  - task: AzureCLI@2
    displayName: Ask Azure
    inputs:
      azureSubscription: $(connection)
      scriptType: bash
      scriptLocation: inlineScript
      inlineScript: echo "with $OUTSIDE and ${IDENTITY_HEADER:-nobody}"
  - script: echo "without it ${IDENTITY_HEADER:-nobody}"
    displayName: Ask nobody
"""
APPROVAL = {"id": "8c6f20a7-a545-4486-9777-f762fafe0d4d", "name": "Approval"}
TASK_CHECK = {"id": "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7", "name": "Task Check"}


@pytest.fixture(scope="module")
def edge(devops: DevOps) -> int:
    devops.push(edge_yml=EDGE)
    return devops.create("edge", "edge.yml")


@pytest.fixture
def line(devops: DevOps, edge: int) -> tuple[int, str]:
    """An environment of the test's own, which the pipeline may use: id and name."""
    name = f"line-{uuid.uuid4().hex[:8]}"
    made = devops.post("/distributedtask/environments", {"name": name, "description": "a line"})
    assert made.status_code == 200, made.text
    number = made.json()["id"]
    permitted = {"pipelines": [{"id": edge, "authorized": True}]}
    answer = devops.post(f"/pipelines/pipelinePermissions/environment/{number}", permitted, "PATCH")
    assert answer.json()["pipelines"][0]["authorized"] is True
    return number, name


def guard(devops: DevOps, number: int, kind: Any, settings: Any, timeout: int = 43200) -> int:
    body = {"type": kind, "settings": settings, "timeout": timeout}
    resource = {"type": "environment", "id": str(number)}
    made = devops.post("/pipelines/checks/configurations", {**body, "resource": resource})
    assert made.status_code == 200, made.text
    return int(made.json()["id"])


def waiting(devops: DevOps, number: int, kind: str) -> Any:
    """The record of the checkpoint's part, once it is under way."""
    return devops.until(
        lambda: (found := devops.record(number, kind, kind)) and found["state"] == "inProgress" and found,
        f"{kind} of build {number}",
    )


def test_an_approver_lets_the_stage_run(devops: DevOps, edge: int, line: tuple[int, str]) -> None:
    settings = {
        "approvers": [{"id": APPROVER.id}, {"id": ENGINEER.id}],
        "minRequiredApprovers": 2,
        "instructions": "Look",
    }
    guard(devops, line[0], APPROVAL, settings)
    number = devops.run(edge, target=line[1]).json()["id"]
    record = waiting(devops, number, "Checkpoint.Approval")
    assert devops.build(number)["status"] == "notStarted"
    assert devops.record(number, "Stage", "Deploy")["state"] == "pending"

    pending = devops.get("/pipelines/approvals?state=pending&$expand=steps")["value"]
    approval = next(item for item in pending if item["id"] == record["id"])
    assert approval["minRequiredApprovers"] == 2
    assert [step["assignedApprover"]["displayName"] for step in approval["steps"]] == [
        "Line engineer",
        "Quality lead",
    ]
    held = next(a for a in devops.portal.approvals() if a.id == record["id"])
    devops.portal.approve(held, APPROVER, "looks right")
    assert devops.get(f"/pipelines/approvals/{record['id']}")["status"] == "pending"
    devops.portal.approve(held, ENGINEER)
    devops.ended(number, "succeeded")
    assert f"deployed to {line[1]}" in devops.log_of(number)
    assert devops.record(number, "Checkpoint", "Checkpoint")["result"] == "succeeded"


def test_only_who_was_asked_may_answer(devops: DevOps, edge: int, line: tuple[int, str]) -> None:
    guard(devops, line[0], APPROVAL, {"approvers": [{"id": APPROVER.id}]})
    number = devops.run(edge, target=line[1]).json()["id"]
    record = waiting(devops, number, "Checkpoint.Approval")
    update = [{"approvalId": record["id"], "status": "approved", "comment": ""}]
    assert devops.post("/pipelines/approvals", update, "PATCH").status_code == 403
    devops.portal.reject(next(a for a in devops.portal.approvals() if a.id == record["id"]))
    devops.ended(number, "failed")
    assert devops.record(number, "Stage", "Deploy")["result"] == "failed"
    assert "deployed" not in devops.log_of(number)
    assert devops.post("/pipelines/approvals", update, "PATCH").status_code == 400


def test_the_bot_may_answer_where_it_was_asked(devops: DevOps, edge: int, line: tuple[int, str]) -> None:
    guard(devops, line[0], APPROVAL, {"approvers": [{"id": SPOTTER.id}]})
    number = devops.run(edge, target=line[1]).json()["id"]
    record = waiting(devops, number, "Checkpoint.Approval")
    update = [{"approvalId": record["id"], "status": "approved", "comment": "by record 7"}]
    answered = devops.post("/pipelines/approvals", update, "PATCH").json()["value"][0]
    assert answered["steps"][0]["actualApprover"]["displayName"] == "Spotter"
    devops.ended(number, "succeeded")


def test_nobody_answering_skips_the_stage(devops: DevOps, edge: int, line: tuple[int, str]) -> None:
    guard(devops, line[0], APPROVAL, {"approvers": [{"id": APPROVER.id}]}, timeout=1)
    number = devops.run(edge, target=line[1]).json()["id"]
    devops.until(lambda: devops.build(number)["status"] == "completed", "the run ends")
    assert devops.record(number, "Stage", "Deploy")["result"] == "skipped"
    assert devops.get("/pipelines/approvals?state=timedOut")["count"] >= 1


def test_canceling_ends_the_waiting(devops: DevOps, edge: int, line: tuple[int, str]) -> None:
    guard(devops, line[0], APPROVAL, {"approvers": [{"id": APPROVER.id}]})
    number = devops.run(edge, target=line[1]).json()["id"]
    record = waiting(devops, number, "Checkpoint.Approval")
    devops.post(f"/build/builds/{number}", {"status": "cancelling"}, "PATCH")
    devops.ended(number, "canceled")
    assert devops.get(f"/pipelines/approvals/{record['id']}")["status"] == "canceled"


def connection(devops: DevOps, name: str, url: str) -> Any:
    project = {
        "projectReference": {"id": devops.twin.organisation.project_id, "name": "Vision"},
        "name": name,
    }
    body = {
        "name": name,
        "type": "generic",
        "url": url,
        "authorization": {"scheme": "None", "parameters": {}},
        "serviceEndpointProjectReferences": [project],
    }
    made = devops.call("POST", "/_apis/serviceendpoint/endpoints", json=body)
    assert made.status_code == 200, made.text
    return made.json()["id"]


def invoke(endpoint: str, **inputs: str) -> Any:
    asked = {
        "connectedServiceNameSelector": "connectedServiceName",
        "connectedServiceName": endpoint,
        "method": "POST",
        "urlSuffix": "/checks/$(Build.BuildId)",
        "headers": json.dumps({"Content-Type": "application/json", "X-Secret": "s"}),
        "body": json.dumps({"build": "$(Build.BuildId)", "plan": "$(system.PlanId)", "job": "$(system.JobId)",
                            "token": "$(system.AccessToken)", "url": "$(system.CollectionUri)"}),
        "waitForCompletion": "false",
        **inputs,
    }  # fmt: skip
    return {
        "definitionRef": {"id": INVOKE_REST, "name": "InvokeRESTAPI", "version": "1.220.0"},
        "inputs": asked,
    }


def test_a_call_asks_again_until_the_answer_is_yes(
    devops: DevOps, edge: int, line: tuple[int, str], receiver: Receiver
) -> None:
    receiver.answer = lambda heard: (200, {"status": "approved" if len(receiver.heard) > 1 else "waiting"})
    settings = invoke(
        connection(devops, f"yes-{line[1]}", receiver.url), successCriteria="eq(root['status'], 'approved')"
    )
    guard(devops, line[0], TASK_CHECK, {**settings, "retryInterval": 1}, timeout=10)
    number = devops.run(edge, target=line[1]).json()["id"]
    devops.ended(number, "succeeded")
    assert [heard.path for heard in receiver.heard] == [f"/checks/{number}"] * 2
    assert receiver.heard[0].headers["X-Secret"] == "s"
    assert receiver.heard[0].body["build"] == str(number)
    assert receiver.heard[0].body["token"] not in devops.log_of(number)


def test_a_call_that_says_no_stops_the_stage(
    devops: DevOps, edge: int, line: tuple[int, str], receiver: Receiver
) -> None:
    receiver.answer = lambda heard: (403, {"status": "unknown run"})
    settings = invoke(connection(devops, f"no-{line[1]}", receiver.url))
    made = guard(devops, line[0], TASK_CHECK, settings)
    number = devops.run(edge, target=line[1]).json()["id"]
    devops.ended(number, "failed")
    record = devops.record(number, "Checkpoint.TaskCheck", "Checkpoint.TaskCheck")
    assert "HTTP response code 403" in record["issues"][0]["message"]

    change = {"settings": {**settings, "retryInterval": 1}, "timeout": 11}
    assert devops.post(f"/pipelines/checks/configurations/{made}", change, "PATCH").status_code == 200
    number = devops.run(edge, target=line[1]).json()["id"]
    devops.ended(number, "failed")
    record = devops.record(number, "Checkpoint.TaskCheck", "Checkpoint.TaskCheck")
    assert "more than ten times" in record["issues"][0]["message"]
    assert len(receiver.heard) == 1, "it is not even asked"


@pytest.mark.parametrize(("verdict", "result"), [("succeeded", "succeeded"), ("failed", "failed")])
def test_a_call_may_wait_for_its_verdict(
    devops: DevOps, edge: int, line: tuple[int, str], receiver: Receiver, verdict: str, result: str
) -> None:
    guard(
        devops,
        line[0],
        TASK_CHECK,
        invoke(connection(devops, f"wait-{line[1]}", receiver.url), waitForCompletion="true"),
    )
    number = devops.run(edge, target=line[1]).json()["id"]
    heard: Heard = devops.until(lambda: receiver.heard and receiver.heard[0], "the call")
    waiting(devops, number, "Checkpoint.TaskCheck")
    project = devops.twin.organisation.project_id
    url = f"{heard.body['url']}{project}/_apis/distributedtask/hubs/checks/plans/{heard.body['plan']}/events"
    body = {
        "name": "TaskCompleted",
        "jobId": heard.body["job"],
        "taskId": heard.body["job"],
        "result": verdict,
    }
    accept = {"Accept": "application/json;api-version=2.0-preview.1"}
    stranger = requests.post(url, json=body, headers=accept, auth=("", devops.portal.pat), timeout=60)
    assert stranger.status_code == 403
    bearer = {**accept, "Authorization": f"Bearer {heard.body['token']}"}
    assert requests.post(url, json=body, headers=bearer, timeout=60).status_code == 204
    devops.ended(number, result)


@pytest.fixture
def agents(devops: DevOps) -> Iterator[None]:
    yield
    devops.portal.bring_agents_online()


def test_a_connection_must_be_permitted_and_gives_its_identity_to_its_own_step(devops: DevOps) -> None:
    devops.push(connected_yml=CONNECTED)
    pipeline = devops.create("connected", "connected.yml")
    missing = devops.run(pipeline)
    assert missing.status_code == 400
    assert "references service connection workspace which could not be found" in missing.json()["message"]

    body = {
        "name": "workspace",
        "type": "azurerm",
        "url": "https://management.azure.com/",
        "data": {
            "environment": "AzureCloud",
            "scopeLevel": "Subscription",
            "subscriptionId": "s",
            "creationMode": "Manual",
        },
        "authorization": {
            "scheme": "WorkloadIdentityFederation",
            "parameters": {"tenantid": "t", "serviceprincipalid": "p"},
        },
        "serviceEndpointProjectReferences": [{"projectReference": {"name": "Vision"}, "name": "workspace"}],
    }  # fmt: skip
    lacking = devops.call("POST", "/_apis/serviceendpoint/endpoints", json=body)
    assert (lacking.status_code, "data.subscriptionName" in lacking.json()["message"]) == (400, True)
    body["data"]["subscriptionName"] = "Plant"  # type: ignore[index]  # a dict
    made = devops.call("POST", "/_apis/serviceendpoint/endpoints", json=body).json()
    assert (
        made["authorization"]["parameters"]["workloadIdentityFederationSubject"]
        == "sc://bottling/Vision/workspace"
    )
    assert devops.call("POST", "/_apis/serviceendpoint/endpoints", json=body).status_code == 409
    found = devops.get("/serviceendpoint/endpoints?endpointNames=workspace")["value"]
    assert [endpoint["id"] for endpoint in found] == [made["id"]]

    number = devops.run(pipeline).json()["id"]
    record = waiting(devops, number, "Checkpoint.Authorization")
    assert "needs permission to access a resource" in record["issues"][0]["message"]
    devops.portal.permit("endpoint", "workspace", "connected")
    devops.ended(number, "succeeded")
    said = devops.log_of(number)
    assert "with azure and granted" in said
    assert "without it nobody" in said
    again = devops.run(pipeline).json()["id"]
    devops.ended(again, "succeeded")
    assert devops.record(again, "Checkpoint", "Checkpoint") is None


@pytest.mark.usefixtures("agents")
def test_jobs_wait_for_agents_and_say_why(devops: DevOps, slow: int) -> None:
    devops.portal.take_agents_offline()
    agents = devops.call("GET", "/_apis/distributedtask/pools/9/agents").json()["value"]
    assert {agent["status"] for agent in agents} == {"offline"}
    numbers = [devops.run(slow).json()["id"] for _ in range(3)]

    def reason(number: int) -> str:
        record = devops.record(number, "Job", "Job")
        return record["issues"][0]["message"] if record and "issues" in record else ""

    devops.until(
        lambda: all(reason(n) == "All eligible agents are disabled or offline" for n in numbers), "they wait"
    )
    assert devops.build(numbers[0])["status"] == "notStarted"
    devops.portal.bring_agents_online()
    devops.until(
        lambda: reason(numbers[2]).endswith("Current position in queue: 1"), "the third waits for two"
    )
    for number in numbers:
        devops.post(f"/build/builds/{number}", {"status": "cancelling"}, "PATCH")
    for number in numbers:
        devops.ended(number, "canceled")
