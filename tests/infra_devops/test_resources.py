"""Environments, service connections, permissions and new pipelines: made once, left alone when they are there."""

from typing import Any

import pytest

from infra.devops.project import Project
from infra.devops.resources import WorkspaceEndpoint
from infra.http.errors import Denied, Refused, Unclear
from sandbox.faults import Fault
from tests.infra_devops.server import PROJECT, REPOSITORY_ID, Server

ENVIRONMENTS = "distributedtask/environments"
PERMISSIONS = "pipelines/pipelinepermissions/endpoint/e1"
WANTED = WorkspaceEndpoint(
    name="vision-workspace",
    tenant="tenant",
    client_id="client",
    subscription="11111111-2222-3333-4444-555555555555",
    subscription_name="line",
    resource_group="vision",
    workspace="vision",
    location="westeurope",
)


def writes(devops: Server) -> list[str]:
    return [entry.path for entry in devops.faults.log() if entry.method != "GET"]


def endpoint(**about: Any) -> dict[str, Any]:
    parameters = {
        "tenantid": "tenant",
        "workloadIdentityFederationIssuer": "https://issuer",
        "workloadIdentityFederationSubject": "sc://org/line/vision-workspace",
    }
    authorization = {"scheme": "WorkloadIdentityFederation", "parameters": parameters}
    return {"id": "e1", "name": "vision-workspace", "type": "azurerm", "authorization": authorization} | about


def test_an_environment_is_made_where_it_is_not_there(devops: Server, project: Project) -> None:
    devops.says("GET", ENVIRONMENTS, {"value": [{"id": 1, "name": "line-10"}]})
    devops.says("POST", ENVIRONMENTS, {"id": 2, "name": "line-1"})
    assert project.ensure_environment("line-1", "Devices of line 1").id == 2
    assert devops.sent("POST", ENVIRONMENTS) == {"name": "line-1", "description": "Devices of line 1"}
    assert [each.name for each in project.environments()] == ["line-10"]


def test_an_environment_that_is_there_is_left_alone(devops: Server, project: Project) -> None:
    devops.says("GET", ENVIRONMENTS, {"value": [{"id": 1, "name": "Line-1"}]})
    assert project.ensure_environment("line-1").id == 1
    assert not writes(devops)


def test_an_environment_whose_answer_was_lost(devops: Server, project: Project) -> None:
    devops.says("GET", ENVIRONMENTS, {"value": []})
    devops.faults.arm(Fault("POST", ENVIRONMENTS, "drop_before"))
    with pytest.raises(Unclear):
        project.ensure_environment("line-1")
    assert len(writes(devops)) == 1


def test_a_service_connection_to_the_workspace(devops: Server, project: Project) -> None:
    devops.says("GET", "serviceendpoint/endpoints", {"value": []})
    devops.says("GET", f"projects/{PROJECT}", {"id": "p1", "name": PROJECT})
    devops.says("POST", "serviceendpoint/endpoints", endpoint(isReady=True))
    made = project.ensure_endpoint(WANTED)
    assert (made.id, made.is_ready, made.scheme) == ("e1", True, "WorkloadIdentityFederation")
    assert (made.issuer, made.subject) == ("https://issuer", "sc://org/line/vision-workspace")
    (asked,) = writes(devops)
    assert asked.startswith("/org/_apis/"), "service connections belong to the organisation"
    sent = devops.sent("POST", "serviceendpoint")
    assert sent["authorization"]["parameters"] == {"tenantid": "tenant", "serviceprincipalid": "client"}
    assert sent["data"]["mlWorkspaceName"] == "vision"
    assert sent["serviceEndpointProjectReferences"][0]["projectReference"]["id"] == "p1"


def test_a_service_connection_that_is_there_is_left_alone(devops: Server, project: Project) -> None:
    devops.says("GET", "serviceendpoint/endpoints", {"value": [endpoint(isReady=False)]})
    assert not project.ensure_endpoint(WANTED).is_ready
    assert not writes(devops)
    assert "includeFailed=true" in devops.asked()[0]


def test_a_permission_is_given_once(devops: Server, project: Project) -> None:
    devops.says(
        "GET", PERMISSIONS, {"pipelines": [{"id": 6, "authorized": True}, {"id": 7, "authorized": False}]}
    )
    devops.says("PATCH", PERMISSIONS, {"pipelines": [{"id": 7, "authorized": True}]})
    project.ensure_permitted("endpoint", "e1", 7)
    assert devops.sent("PATCH", "e1") == {"pipelines": [{"id": 7, "authorized": True}]}
    assert project.is_permitted("endpoint", "e1", 6)
    project.ensure_permitted("endpoint", "e1", 6)
    assert len(writes(devops)) == 1


def test_a_resource_that_is_open_to_all_needs_no_permission(devops: Server, project: Project) -> None:
    devops.says("GET", PERMISSIONS, {"allPipelines": {"authorized": True}, "pipelines": []})
    project.ensure_permitted("endpoint", "e1", 7)
    assert not writes(devops)


def test_a_permission_that_may_not_be_given(devops: Server, project: Project) -> None:
    devops.says("GET", PERMISSIONS, {"pipelines": []})
    devops.says("PATCH", PERMISSIONS, {"message": "No rights.", "typeKey": "AccessDeniedException"}, 403)
    with pytest.raises(Denied, match=r"No rights\."):
        project.ensure_permitted("endpoint", "e1", 7)


def test_a_pipeline_is_made_from_its_file(devops: Server, project: Project) -> None:
    configuration = {
        "path": "/pipelines/publish.yml",
        "repository": {"id": REPOSITORY_ID, "type": "azureReposGit"},
    }
    made = {"id": 8, "name": "publish", "folder": "\\"}
    devops.says(
        "GET",
        "pipelines",
        {
            "value": [
                {"id": 1, "name": "publish", "folder": "\\old"},
            ]
        },
    )
    devops.says("POST", "pipelines", made)
    devops.says("GET", "pipelines/1", {"id": 1, "name": "publish", "folder": "\\old"})
    devops.says("GET", "pipelines/8", made | {"configuration": configuration})
    pipeline = project.create_pipeline("publish", REPOSITORY_ID, "pipelines/publish.yml")
    assert (pipeline.id, pipeline.yaml_path) == (8, "/pipelines/publish.yml")
    assert devops.sent("POST", "pipelines") == {
        "name": "publish",
        "folder": "\\",
        "configuration": {
            "type": "yaml",
            "path": "/pipelines/publish.yml",
            "repository": {"id": REPOSITORY_ID, "type": "azureReposGit"},
        },
    }


def test_a_pipeline_that_is_there_is_left_alone(devops: Server, project: Project) -> None:
    there = {"id": 8, "name": "publish", "folder": "\\"}
    devops.says("GET", "pipelines", {"value": [there]})
    devops.says("GET", "pipelines/8", there)
    assert project.create_pipeline("publish", REPOSITORY_ID, "x.yml").id == 8
    assert not writes(devops)


def test_a_pipeline_that_devops_refuses(devops: Server, project: Project) -> None:
    devops.says("GET", "pipelines", {"value": []})
    devops.says("POST", "pipelines", {"message": "File x.yml not found.", "typeKey": "X"}, 400)
    with pytest.raises(Refused, match=r"x\.yml not found"):
        project.create_pipeline("publish", REPOSITORY_ID, "x.yml")
