"""What is provisioned before anyone trains: identities and their trust, roles, containers, clusters' scale, rights."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from sandbox.azure.deployed import DATA_SCIENTIST
from tests.sandbox.azure.conftest import Azure

IDENTITY = "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/publisher"
TRUST = {
    "issuer": "https://issuer.example",
    "subject": "sc://a/b/c",
    "audiences": ["api://AzureADTokenExchange"],
}


@pytest.fixture
def publisher(azure: Azure) -> str:
    """A managed identity; its principal."""
    return azure.studio.add_identity("publisher").principal_id


def group(azure: Azure, method: str, path: str, **about: Any) -> requests.Response:
    """A request below the resource group, of the Managed Identity provider's API version."""
    place = azure.twin.workspace.place
    root = place.arm_id.partition("/providers/")[0]
    return azure.call(method, root + path, params={"api-version": "2023-01-31"}, **about)


def test_an_identity_trusts_each_issuer_and_subject_once(azure: Azure, publisher: str) -> None:
    assert group(azure, "GET", IDENTITY).json()["properties"]["principalId"] == publisher
    credentials = f"{IDENTITY}/federatedIdentityCredentials"
    put = [group(azure, "PUT", f"{credentials}/devops", json={"properties": TRUST}) for _ in range(2)]
    assert [answer.status_code for answer in put] == [201, 200]
    twice = group(azure, "PUT", f"{credentials}/another", json={"properties": TRUST})
    assert (twice.status_code, "already exists" in twice.json()["error"]["message"]) == (400, True)
    wrongs: list[dict[str, Any]] = [
        {"subject": ""},
        {"audiences": []},
        {"audiences": ["a", "b"]},
        {"issuer": "http://open"},
    ]
    for wrong in wrongs:
        refused = group(azure, "PUT", f"{credentials}/wrong", json={"properties": {**TRUST, **wrong}})
        assert refused.status_code == 400, wrong
    assert [each["name"] for each in group(azure, "GET", credentials).json()["value"]] == ["devops"]
    missing = group(azure, "GET", IDENTITY.replace("publisher", "nobody"))
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "ResourceNotFound")


def test_a_role_is_told_where_it_was_given_and_below(azure: Azure, publisher: str) -> None:
    place = azure.twin.workspace.place
    azure.studio.give_role("publisher", DATA_SCIENTIST, place.arm_id.partition("/providers/")[0])

    def roles(principal: str) -> list[str]:
        query = {"api-version": "2022-04-01", "$filter": f"principalId eq '{principal}'"}
        url = f"{place.arm_id}/providers/Microsoft.Authorization/roleAssignments"
        told = azure.call("GET", url, params=query).json()["value"]
        return [each["properties"]["roleDefinitionId"].rpartition("/")[2] for each in told]

    assert roles(publisher) == [DATA_SCIENTIST]
    assert roles("00000000-0000-0000-0000-000000000000") == []


def test_attaching_a_datastore_makes_no_container(azure: Azure) -> None:
    properties = {
        "datastoreType": "AzureBlob",
        "accountName": "cameras",
        "containerName": "later",
        "credentials": {"credentialsType": "None"},
    }
    assert azure.arm("PUT", "/datastores/cameras", json={"properties": properties}).status_code == 201
    storage = azure.twin.workspace.storage
    assert storage.container("cameras", "later") is None
    folder = azure.studio.add_container("cameras", "later")
    (folder / "one.jpg").write_bytes(b"1")
    assert [blob.name for blob in storage.stores["cameras"].blobs()] == ["one.jpg"]


def test_a_cluster_keeps_its_size_and_is_scaled_by_patch(azure: Azure) -> None:
    def cluster(size: str, identity: str) -> dict[str, Any]:
        acting = {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}}
        inner = {
            "vmSize": size,
            "scaleSettings": {"maxNodeCount": 2, "nodeIdleTimeBeforeScaleDown": "PT180S"},
        }
        return {"identity": acting, "properties": {"computeType": "AmlCompute", "properties": inner}}

    identities = azure.twin.workspace.identities
    known = identities.arm_id(azure.studio.add_identity("nodes"))
    nobody = azure.arm("PUT", "/computes/scaled", json=cluster("Standard_NC4as_T4_v3", known + "x"))
    assert nobody.status_code == 400
    assert (
        azure.arm("PUT", "/computes/scaled", json=cluster("Standard_NC4as_T4_v3", known)).status_code == 201
    )
    assert azure.arm("PUT", "/computes/scaled", json=cluster("Standard_DS3_v2", known)).status_code == 200
    scale = {"minNodeCount": 0, "maxNodeCount": 3, "nodeIdleTimeBeforeScaleDown": "PT1H90S"}
    patched = azure.arm(
        "PATCH", "/computes/scaled", json={"properties": {"properties": {"scaleSettings": scale}}}
    )
    told = patched.json()
    assert list(told["identity"]["userAssignedIdentities"]) == [known]
    assert told["properties"]["properties"]["vmSize"] == "STANDARD_NC4AS_T4_V3"
    assert told["properties"]["properties"]["scaleSettings"] == {
        **scale,
        "nodeIdleTimeBeforeScaleDown": "PT1H1M30S",
    }


def test_a_right_that_is_taken_away_is_refused_in_arms_own_words(azure: Azure) -> None:
    action = "Microsoft.MachineLearningServices/workspaces/computes/delete"
    azure.studio.forbid(action)
    try:
        refused = azure.arm("DELETE", "/computes/anything?underlyingResourceAction=Delete")
    finally:
        azure.studio.allow(action)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (403, "AuthorizationFailed")
    assert f"perform action '{action}'" in error["message"]
