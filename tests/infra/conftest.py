from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.azureml.workspace import Workspace
from tests.infra.answers import WORKSPACE, Answers


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """A server that answers as told; the environment of this process points to it."""
    with Answers(tmp_path).serving() as answers:
        for name, entry in answers.environment().items():
            monkeypatch.setenv(name, entry)
        yield answers


@pytest.fixture
def workspace(azure: Answers) -> Iterator[Workspace]:
    connected = Workspace.connect(WORKSPACE)
    yield connected
    connected.close()
