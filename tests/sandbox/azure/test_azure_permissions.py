"""What an identity is told that it may do, and that it is true."""

from tests.sandbox.azure.conftest import Azure

PERMISSIONS = "/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"


def test_permissions_tell_what_was_taken_away_and_what_is_refused_then(azure: Azure) -> None:
    roles = azure.call("GET", f"{azure.workspace}{PERMISSIONS}").json()["value"]
    assert "Microsoft.MachineLearningServices/workspaces/*/read" in roles[0]["actions"]
    assert "Microsoft.MachineLearningServices/workspaces/computes/*/write" in roles[0]["notActions"]
    assert roles[0]["dataActions"] == []

    assert azure.arm("GET", "/computes").status_code == 200
    azure.studio.forbid("Microsoft.MachineLearningServices/workspaces/computes/read")
    roles = azure.call("GET", f"{azure.workspace}{PERMISSIONS}").json()["value"]
    taken = "microsoft.machinelearningservices/workspaces/computes/read"
    assert all(taken in role["notActions"] for role in roles)
    assert azure.arm("GET", "/computes").json()["error"]["code"] == "AuthorizationFailed"
    azure.studio.allow(taken)
    assert azure.arm("GET", "/computes").status_code == 200


def test_permissions_on_a_storage_account_are_about_its_content(azure: Azure) -> None:
    account = azure.arm("GET", "").json()["properties"]["storageAccount"]
    read = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
    (role,) = azure.call("GET", f"{account}{PERMISSIONS}").json()["value"]
    assert read in role["dataActions"] and not role["notDataActions"]
    azure.studio.forbid(read)
    (role,) = azure.call("GET", f"{account}{PERMISSIONS}").json()["value"]
    azure.studio.allow(read)
    assert role["notDataActions"] == [read.lower()]

    elsewhere = azure.call("GET", f"{account}x{PERMISSIONS}")
    assert (elsewhere.status_code, elsewhere.json()["error"]["code"]) == (404, "ResourceNotFound")
    outdated = azure.call("GET", f"{account}{PERMISSIONS.replace('2022-04-01', '2024-10-01')}")
    assert outdated.json()["error"]["code"] == "NoRegisteredProviderFound"
