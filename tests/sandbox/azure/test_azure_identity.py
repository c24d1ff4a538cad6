"""Who gets a token, and what happens without the right one."""

import json

import jwt
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DefaultAzureCredential, EnvironmentCredential, ManagedIdentityCredential

from tests.sandbox.azure.conftest import Azure


@pytest.mark.parametrize(
    "resource", ["https://management.azure.com", "https://ml.azure.com", "https://storage.azure.com"]
)
def test_a_managed_identity_gets_a_token_for_the_scope_it_asks(azure: Azure, resource: str) -> None:
    token = DefaultAzureCredential().get_token(f"{resource}/.default")
    claims = jwt.decode(token.token, options={"verify_signature": False, "verify_aud": False})
    assert (claims["aud"], claims["exp"]) == (resource, token.expires_on)


def test_a_job_gets_tokens_the_way_azure_ml_gives_them(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("MSI_ENDPOINT", azure.twin.workspace.identity_url)
    monkeypatch.setenv("MSI_SECRET", azure.twin.workspace.identity.job_secret)
    assert ManagedIdentityCredential(client_id="any").get_token("https://ml.azure.com/.default").token


def test_an_unknown_resource_gets_none(azure: Azure) -> None:
    with pytest.raises(ClientAuthenticationError):
        ManagedIdentityCredential().get_token("https://nobody.example/.default")
    identity = azure.twin.workspace.identity
    query = {"api-version": "2019-08-01", "resource": "https://nobody.example"}
    headers = {"X-IDENTITY-HEADER": identity.header}
    refused = requests.get(azure.twin.workspace.identity_url, params=query, headers=headers, timeout=60)
    assert refused.status_code == 400
    assert "AADSTS500011" in refused.json()["error_description"]


def test_a_client_secret_works_and_a_wrong_one_does_not(
    azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = azure.twin.workspace.identity
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", azure.base)
    monkeypatch.setenv("AZURE_TENANT_ID", azure.twin.workspace.place.tenant)
    monkeypatch.setenv("AZURE_CLIENT_ID", identity.client_id)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", identity.client_secret)
    credential = EnvironmentCredential(disable_instance_discovery=True)
    token = credential.get_token("https://management.azure.com/.default").token
    assert azure.arm("GET", "/computes", token=token).status_code == 200
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "wrong")
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        EnvironmentCredential(disable_instance_discovery=True).get_token(
            "https://management.azure.com/.default"
        )


def test_without_or_with_the_wrong_token_the_answer_is_401(azure: Azure) -> None:
    url = f"{azure.base}{azure.workspace}?api-version=2024-10-01-preview"
    missing = requests.get(url, timeout=60)
    assert (missing.status_code, missing.json()["error"]["code"]) == (401, "AuthenticationFailed")
    assert missing.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")
    wrong = azure.call("GET", url, token=azure.token("https://storage.azure.com"))
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "InvalidAuthenticationTokenAudience")
    forged = jwt.encode({"aud": "https://management.azure.com"}, "x" * 32)
    assert azure.call("GET", url, token=forged).json()["error"]["code"] == "InvalidAuthenticationToken"


def test_tokens_end(azure: Azure) -> None:
    token = azure.token()
    assert azure.arm("GET", "/computes", token=token).status_code == 200
    azure.studio.expire_tokens()
    ended = azure.arm("GET", "/computes", token=token)
    assert (ended.status_code, ended.json()["error"]["code"]) == (401, "ExpiredAuthenticationToken")
    assert azure.arm("GET", "/computes", token=azure.token()).status_code == 200


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (("?api-version=2024-10-01-preview", ""), 400, "MissingApiVersionParameter"),
        (("2024-10-01-preview", "latest"), 400, "InvalidApiVersionParameter"),
        (("2024-10-01-preview", "2021-01-01"), 400, "NoRegisteredProviderFound"),
        (("workspaces/bottling-line", "workspaces/other"), 404, "ResourceNotFound"),
        (("resourceGroups/spotter-sandbox", "resourceGroups/other"), 404, "ResourceGroupNotFound"),
        (("subscriptions/8b6f1c52", "subscriptions/00000000"), 404, "SubscriptionNotFound"),
    ],
)
def test_requests_that_name_nothing_are_refused(
    azure: Azure, change: tuple[str, str], status: int, code: str
) -> None:
    url = f"{azure.base}{azure.workspace}?api-version=2024-10-01-preview".replace(*change)
    answer = azure.call("GET", url)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_paths_of_arm_know_no_letter_case(azure: Azure) -> None:
    path = azure.workspace.replace("resourceGroups", "resourcegroups").replace("Microsoft", "microsoft")
    assert azure.call("GET", f"{path}?api-version=2024-10-01-preview").status_code == 200


def test_nothing_of_the_outside_world_can_be_reached(azure: Azure) -> None:
    for url in ("https://login.microsoftonline.com/", "https://pypi.example/"):
        with pytest.raises(requests.exceptions.ProxyError):
            requests.get(url, timeout=60)


def test_a_body_that_is_no_json_is_refused(azure: Azure) -> None:
    answer = azure.arm("PUT", "/computes/gpu", data=b"{")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidRequestContent")
    assert json.loads(answer.text)


def test_what_is_not_served_says_so_in_arms_own_shape(azure: Azure) -> None:
    for method, path in (("GET", "/schedules"), ("DELETE", "/computes")):
        answer = azure.arm(method, path)
        assert answer.status_code in (404, 405)
        assert answer.json()["error"]["code"] == "InvalidResourceType"


def test_each_answer_carries_the_ids_that_support_asks_for(azure: Azure) -> None:
    for path in ("/computes", "/computes/nothing"):
        answer = azure.arm("GET", path, headers={"x-ms-client-request-id": "mine"})
        assert answer.headers["x-ms-client-request-id"] == "mine"
        assert answer.headers["x-ms-request-id"] and answer.headers["x-ms-correlation-request-id"]
