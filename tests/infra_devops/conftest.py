from collections.abc import Iterator
from typing import Any

import pytest

from infra.devops.pipelines import Pipeline
from infra.devops.project import Project
from tests.infra_devops.server import PIPELINE_ID, REPOSITORY_ID, TOKEN, YAML, Server, serving


@pytest.fixture
def devops(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that answers as told; the environment holds a token for it."""
    monkeypatch.setenv("AZURE_DEVOPS_EXT_PAT", TOKEN)
    with serving() as server:
        yield server


@pytest.fixture
def project(devops: Server) -> Iterator[Project]:
    connected = Project.connect(devops.place)
    yield connected
    connected.close()


@pytest.fixture
def publish(devops: Server, project: Project) -> Pipeline:
    """The pipeline called publish, with its file in Azure Repos."""
    listed = {"id": PIPELINE_ID, "name": "publish", "folder": "\\"}
    repository = {"id": REPOSITORY_ID, "type": "azureReposGit"}
    configuration = {"type": "yaml", "path": "/pipelines/publish.yml", "repository": repository}
    devops.says("GET", "pipelines", {"count": 1, "value": [listed]})
    devops.says("GET", f"pipelines/{PIPELINE_ID}", listed | {"configuration": configuration})
    devops.says("GET", f"git/repositories/{REPOSITORY_ID}/items", {"path": "/publish.yml", "content": YAML})
    return project.pipeline("publish")


@pytest.fixture
def timeline(devops: Server) -> Any:
    """Tells the records of run 5."""

    def tell(*records: dict[str, Any]) -> None:
        devops.says("GET", "build/builds/5/timeline", {"records": list(records)})

    return tell
