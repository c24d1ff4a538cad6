"""Ways of signing in that an environment may offer, against the twin."""

import re

import pytest

from infra.azureml.connection import WorkspaceId
from infra.azureml.errors import Denied
from infra.azureml.workspace import Workspace
from sandbox.azure.twin import AzureTwin

EXPORTS = re.compile(r".+_\d{8}_\d{6}")


@pytest.fixture
def secret(twin: AzureTwin, monkeypatch: pytest.MonkeyPatch) -> None:
    """An application's secret instead of a managed identity."""
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AZURE_TENANT_ID", twin.workspace.place.tenant)
    monkeypatch.setenv("AZURE_CLIENT_ID", twin.workspace.identity.client_id)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", twin.workspace.identity.client_secret)


@pytest.mark.usefixtures("secret")
def test_a_client_secret_at_the_clouds_own_sign_in(twin_id: WorkspaceId) -> None:
    assert Workspace.connect(twin_id).exports(EXPORTS)


@pytest.mark.usefixtures("secret")
def test_a_client_secret_at_a_named_sign_in(
    twin: AzureTwin, twin_id: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", twin.workspace.base_url)
    assert Workspace.connect(twin_id).exports(EXPORTS)


@pytest.mark.usefixtures("secret")
def test_a_wrong_secret_is_denied(twin_id: WorkspaceId, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "wrong")
    with pytest.raises(Denied, match="gave no token"):
        Workspace.connect(twin_id).exports(EXPORTS)


def test_tokens_that_ended_early_are_replaced(twin: AzureTwin, line: Workspace) -> None:
    assert line.exports(EXPORTS)
    twin.studio.expire_tokens()
    assert line.exports(EXPORTS)
