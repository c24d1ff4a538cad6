"""Acting as an Entra identity, where there is no personal access token."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from infra.devops.project import Project
from infra.http.errors import Denied
from tests.infra_devops.server import AUDIENCE, Server, serving


@pytest.fixture
def entra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server over TLS; the environment offers a managed identity and no personal access token."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    for name in ("AZURE_DEVOPS_EXT_PAT", "ARM_CLOUD_METADATA_URL"):
        monkeypatch.delenv(name, raising=False)
    with serving(tls) as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"https://localhost:{server.port}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "here")
        yield server


@pytest.fixture
def project(entra: Server) -> Iterator[Project]:
    connected = Project.connect(entra.place)
    yield connected
    connected.close()


def test_the_token_is_for_azure_devops_and_is_kept(entra: Server, project: Project) -> None:
    entra.started(5, {})
    assert project.run(5).id == project.run(5).id == 5
    (asked,) = entra.asked("GET", "/msi/token")
    assert f"resource={AUDIENCE}" in asked


def test_a_token_that_was_revoked_early_is_replaced(entra: Server, project: Project) -> None:
    entra.started(5, {})
    assert project.run(5).id == 5
    entra.bearer = 2
    assert project.run(5).id == 5


def test_a_queued_run_survives_a_revoked_token(entra: Server, project: Project) -> None:
    listed = {"id": 7, "name": "publish", "folder": "\\"}
    entra.says("GET", "pipelines", {"value": [listed]})
    entra.says("GET", "pipelines/7", listed)
    publish = project.pipeline("publish")
    entra.bearer = 2
    assert project.queue(publish, "main", {}, "corr-1").id == 100
    assert len(entra.runs) == 1


def test_an_identity_that_is_no_user_of_the_organisation(entra: Server, project: Project) -> None:
    entra.started(5, {})
    entra.is_user = False
    with pytest.raises(Denied, match="add it to the organisation as a user"):
        project.run(5)
    with pytest.raises(Denied):
        project.run(5)
    assert len(entra.asked("GET", "/msi/token")) == 2, "signing in anew is not tried at every call"
    entra.is_user = True
    assert project.run(5).id == 5, "somebody has added it"
